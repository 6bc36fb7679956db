#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "mail/facts.hpp"

namespace bonafide::mail {

/// Which of a message's headers were written by servers that are believed.
struct Edge {
  enum class Mode {
    none,          ///< nothing in the headers is believed
    auto_,         ///< the topmost Received with a client is the edge: for files
    trusted_hops,  ///< the first `trusted_hops` Received lines are ours; the last of them names the client
  };
  Mode mode = Mode::none;
  int trusted_hops = 0;
  /// Authentication-Results of these, above the edge, are believed. With auto_, also those of the edge's own
  /// name.
  std::vector<std::string> authserv_ids;
};

/// What parse() finds.
struct Parsed {
  Facts facts;
  /// As the edge's lines tell it, empty where they do not or are not believed: client address and HELO
  /// (Received), sender (Return-Path), recipients (Delivered-To, X-Original-To, Envelope-To, "for" of
  /// Received).
  Envelope envelope;
  std::optional<Time> edge_time;  ///< when the edge took the message
};

/// Raw bytes to facts. Never fails: whatever is thrown at it gives facts, with Facts::malformed saying what
/// is wrong. Bounded in time and memory by the length of the message. Keeps its buffers; one for each thread.
class Parser {
 public:
  Parser();
  ~Parser();
  Parser(Parser&&) noexcept;
  Parser& operator=(Parser&&) noexcept;

  /// Reads a message (RFC 5322) with CRLF or LF line ends. `out` is overwritten and holds no views into
  /// `raw`. X-Bonafide-* headers of the message count for nothing.
  void parse(ByteView raw, const Edge& edge, Parsed& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bonafide::mail
