#pragma once
#include <optional>
#include <string>
#include <vector>

#include "avro/resolve.hpp"

namespace bonafide::avro {

/// How to read one place of the writer's schema as one of the reader's.
struct Plan::Step {
  enum class Op : uint8_t {
    pending,  ///< being compiled
    copy,     ///< the bytes are the same
    int_to_float,
    int_to_double,
    long_to_float,
    long_to_double,
    float_to_double,
    symbol,  ///< enum to enum, by `symbols`
    array,   ///< items by children[0]
    map,
    record,      ///< by `actions`
    from_union,  ///< writer's union: children by the index read
    into_union,  ///< write `branch`, then children[0]
    fail,        ///< no value can be read: `message`
  };
  /// Where in the schema a step leads on: what it adds to the place, and the step there.
  struct Way {
    std::string suffix;
    uint32_t to;
  };
  /// A part of reading a record.
  struct Action {
    enum class Kind : uint8_t { skip, read, set_default } kind;
    uint32_t field;  ///< of the writer (skip, read) or the reader (set_default)
    uint32_t child;  ///< read: index of its step
  };

  Op op = Op::pending;
  bool reordered = false;  ///< record: find all fields first, then follow the actions by `field`
  uint32_t branch = 0;
  const Node* writer = nullptr;
  const Node* reader = nullptr;
  std::vector<uint32_t> children;
  std::vector<Action> actions;
  std::vector<int32_t> symbols;       ///< by the writer's index: the reader's, or -1
  std::vector<std::string> messages;  ///< symbol: why not, by the writer's index
  std::string message;                ///< fail: the first reason, with its place

  // Only for telling what is wrong.
  std::vector<Way> ways;
  std::vector<Gap> gaps;          ///< of this step alone, places relative to it
  std::optional<uint32_t> cause;  ///< fail: the step it fails for, unless for a gap of its own
};

struct Plan::Data {
  Schema writer, reader;  ///< keep the nodes alive
  std::vector<Step> steps;
  uint32_t root = 0;
  std::vector<Gap> gaps;
};

}  // namespace bonafide::avro
