#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "app/demo/dice.hpp"
#include "app/demo/names.hpp"

// What the simulated people write: sentences by topic and language with a few open places. Attacks draw from
// the same topics as everybody else, so that the words alone tell nothing.
namespace bonafide::app::demo {

enum class Topic : uint8_t {
  project,
  meeting,
  question,
  invoice,
  document,
  account,
  favour,
  report,
  travel,
  thanks,
  offer,
  application,
  news,
  order,
  ticket,
  list_talk,
  absence,
  moving,
  introduction,
};

std::string draw_subject(Dice& dice, Topic topic, Language language);
/// The beginning of an answer's subject in a language: "Re: ", "AW: " …
std::string_view answer_prefix(Language language);

/// One paragraph without a line end, of 1 to 5 sentences.
void append_paragraph(std::string& out, Dice& dice, Topic topic, Language language);
std::string_view draw_greeting(Dice& dice, Language language);
std::string_view draw_closing(Dice& dice, Language language);
/// What a link shows in HTML.
std::string_view draw_link_text(Dice& dice);
/// A file name for an attachment of the extension.
std::string draw_file_name(Dice& dice, std::string_view extension);

}  // namespace bonafide::app::demo
