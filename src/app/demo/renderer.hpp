#pragma once
#include <string>
#include <vector>

#include "app/demo/body.hpp"
#include "app/demo/draft.hpp"

namespace bonafide::app::demo {

/// Writes drafts as whole messages (RFC 5322, CRLF) as the company's edge hands them on: on top Return-Path,
/// Authentication-Results and Received of the edge. The same draft gives the same bytes.
class Renderer {
 public:
  explicit Renderer(uint64_t seed);
  void render(const Draft& draft, const World& world, std::string& raw, mail::Envelope& envelope);

 private:
  void edge_lines(std::string& out, const Draft& draft, const World& world, Dice& dice,
                  mail::Envelope& envelope);
  void way(std::string& out, const Draft& draft, const World& world, Dice& dice);
  void origin_hops(std::string& out, const Draft& draft, const World& world, const Host& host, Dice& dice);
  void author_headers(std::string& out, const Draft& draft, Dice& dice);
  void content_headers(std::string& out, const Draft& draft, Dice& dice);
  void content(std::string& out, const Draft& draft);
  void text_content(std::string& out, const Draft& draft);
  void file(std::string& out, const Attachment& attachment, uint64_t seed) const;

  std::vector<std::string> filler_;  ///< lines of base64
  Body body_;
  std::string alternative_, related_,
      mixed_;  // boundaries of the message at hand, "" where there is no such part
};

}  // namespace bonafide::app::demo
