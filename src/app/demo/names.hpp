#pragma once
#include <span>
#include <string>
#include <string_view>

#include "app/demo/calendar.hpp"
#include "app/demo/dice.hpp"

// Names of people, companies and brands. All invented; all domains end in .example or .test (RFC 2606).
namespace bonafide::app::demo {

enum class Language : uint8_t { english, german, french, spanish, swedish };

/// Where names come from: those of one culture fit together.
struct Culture {
  std::span<const std::string_view> given, family;
  Zone zone;
  Language language;
};
std::span<const Culture> cultures();

struct PersonName {
  std::string given, family;
  [[nodiscard]] std::string full() const { return given + " " + family; }
};
PersonName draw_person(Dice& dice, const Culture& culture);

/// A company that is there from the beginning.
struct KnownName {
  std::string_view name, domain;
};
std::span<const KnownName> partner_names();
std::span<const KnownName> brand_names();  ///< of newsletters and shops
/// A company nobody has heard of, e.g. "Silverline Logistics", silverline-logistics.example.
struct StrangerName {
  std::string name, domain;
};
StrangerName draw_stranger(Dice& dice);

/// Lower-case ASCII for an address: "Jürgen" → "juergen", "Łukasz" → "lukasz".
std::string address_form(std::string_view name);

}  // namespace bonafide::app::demo
