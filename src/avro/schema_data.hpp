#pragma once
#include <deque>

#include "avro/schema.hpp"

namespace bonafide::avro {

/// What the copies of a schema share: its nodes, and the schemas whose nodes it points to.
struct Schema::Data {
  std::deque<Node> nodes;
  std::map<std::string, const Node*, std::less<>> named;
  std::vector<Schema> borrowed;
};

/// The node of a type without attributes, null to string.
const Node& primitive(Type type);

}  // namespace bonafide::avro
