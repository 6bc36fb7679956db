#include "trust/keys.hpp"

#include <array>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bonafide::trust {
namespace {

struct Named {
  Kind kind;
  std::string_view name;
};
constexpr auto identity_kinds = std::to_array<Named>({{Kind::address, "address"},
                                                      {Kind::organisation, "organisation"},
                                                      {Kind::person, "person"},
                                                      {Kind::relation, "relation"},
                                                      {Kind::ip, "ip"},
                                                      {Kind::network, "network"},
                                                      {Kind::helo, "helo"},
                                                      {Kind::dkim, "dkim"}});

}  // namespace

std::string_view to_string(Kind kind) {
  for (const auto& named : identity_kinds) {
    if (named.kind == kind) return named.name;
  }
  return "";
}

Kind kind_of(std::string_view name) {
  for (const auto& named : identity_kinds) {
    if (named.name == name) return named.kind;
  }
  return Kind::address;
}

std::string history_key(std::string_view tenant, Kind kind, std::string_view subject) {
  std::string key;
  key.reserve(tenant.size() + 2 + subject.size());
  if (!is_shared(kind)) key += tenant;
  key += '\0';
  key += static_cast<char>(kind);
  key += subject;
  return key;
}

std::string population_key(std::string_view tenant, char trait_code, std::string_view value) {
  std::string key;
  key.reserve(tenant.size() + 3 + value.size());
  key += tenant;
  key += '\0';
  key += static_cast<char>(Kind::population);
  key += trait_code;
  key += value;
  return key;
}

std::string field_name(char group, std::string_view value) {
  std::string name;
  name.reserve(1 + value.size());
  name += group;
  name += value;
  return name;
}

std::string relation_subject(std::string_view recipient, std::string_view sender) {
  std::string subject(recipient);
  subject += '<';
  subject += sender;
  return subject;
}

int32_t lesson_bucket(Time time, std::string_view message_key) {
  const auto day = static_cast<uint32_t>(time.day()) & 0x7FFF;
  return static_cast<int32_t>(day << 16 | (hash64(message_key) & 0xFFFF));
}

std::string tenant_tag(std::string_view tenant) {
  const uint64_t hash = hash64(tenant, 0x7E4A);
  std::string bytes;
  append_be64(bytes, hash);
  return to_hex(std::string_view(bytes).substr(0, 4));
}

}  // namespace bonafide::trust
