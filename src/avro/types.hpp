#pragma once
#include <array>
#include <string>
#include <string_view>

// What plain C++ types need to know of Avro to be bound to a schema (bind.hpp does the work).
//
// A record is a struct with its Avro name and one description of its fields, in schema order:
//
//   struct Hop {
//     static constexpr std::string_view avro_name = "Hop";
//     std::string by;
//     Time at;
//     template <class Self, class Visitor>
//     static void fields(Self& self, Visitor& visit) { visit("by", self.by); visit("at", self.at); }
//   };
//
// A member added after version 1 gives its default as JSON: visit("revision", self.revision, "0").
namespace bonafide::avro {

/// Raw bytes: Avro `bytes`, hex in JSON.
struct Bytes {
  std::string data;
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

/// An enum's Avro name and symbols, in the order of its values 0, 1, 2 …; specialise for each bound enum:
///   template <> struct avro::EnumSymbols<Lane> { name = "Lane"; symbols = std::array{…}; default_symbol =
///   "live" };
/// `default_symbol` is what a reader takes for a symbol it does not know.
template <class E>
struct EnumSymbols;

template <class E>
constexpr std::string_view symbol_of(E value) {
  return EnumSymbols<E>::symbols[static_cast<size_t>(value)];
}

}  // namespace bonafide::avro
