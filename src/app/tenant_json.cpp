#include "app/tenant_json.hpp"

#include <algorithm>

#include "avro/json.hpp"
#include "base/text.hpp"

namespace bonafide::app {
namespace {

using avro::Json;

const std::vector<std::string> known = {"name",   "domains",    "networks", "mailboxes",
                                        "people", "changed_at", "source",   "removed_at"};

Error wrong(std::string_view member, const char* wanted) {
  return {Cause::invalid, "\"" + std::string(member) + "\": expected " + wanted};
}

Result<std::vector<std::string>> strings(const Json& list, std::string_view member) {
  std::vector<std::string> out;
  if (list.kind != Json::Kind::array) return wrong(member, "a list of texts");
  for (const Json& item : list.items) {
    if (item.kind != Json::Kind::string) return wrong(member, "a list of texts");
    out.push_back(item.text);
  }
  return out;
}

Result<mail::Person> person(const Json& item) {
  if (item.kind == Json::Kind::string) return mail::parse_person(item.text);
  const Json* name = item.find("name");
  const Json* addresses = item.find("addresses");
  if (item.kind != Json::Kind::object || name == nullptr || name->kind != Json::Kind::string ||
      addresses == nullptr)
    return wrong("people", R"({"name":"Ann Smith","addresses":["ann@acme.example"]})");
  mail::Person out{name->text, {}};
  BONAFIDE_ASSIGN(out.addresses, strings(*addresses, "addresses"));
  return out;
}

}  // namespace

Result<mail::TenantDefinition> read_tenant(const std::string& name, std::string_view json) {
  mail::TenantDefinition tenant{name, {}};
  BONAFIDE_ASSIGN(const Json read, avro::parse_json(json, 8));
  if (read.kind != Json::Kind::object) return Error{Cause::invalid, "a tenant is a JSON object"};
  for (size_t i = 0; i < read.keys.size(); ++i) {
    const std::string& key = read.keys[i];
    const Json& value = read.items[i];
    if (std::ranges::find(known, key) == known.end()) {
      const std::string likely = closest(key, known);
      return Error{Cause::invalid, "there is no member \"" + clean_text(key, 64) + "\"" +
                                       (likely.empty() ? "" : "; do you mean \"" + likely + "\"?")};
    }
    if (key == "name" && (value.kind != Json::Kind::string || value.text != name))
      return wrong(key, "the tenant's own name, or nothing");
    if (key == "domains") {
      BONAFIDE_ASSIGN(tenant.domains, strings(value, key));
    } else if (key == "networks") {
      BONAFIDE_ASSIGN(tenant.networks, strings(value, key));
    } else if (key == "mailboxes") {
      BONAFIDE_ASSIGN(tenant.mailboxes, strings(value, key));
    } else if (key == "people") {
      if (value.kind != Json::Kind::array) return wrong(key, "a list of people");
      for (const Json& item : value.items) {
        BONAFIDE_ASSIGN(auto one, person(item));
        tenant.people.push_back(std::move(one));
      }
    }
  }
  return mail::normal(std::move(tenant));
}

void write_strings(JsonWriter& json, std::string_view name, const std::vector<std::string>& list) {
  json.key(name).begin_array();
  for (const auto& item : list) json.value(item);
  json.end_array();
}

void write_tenant(JsonWriter& json, const mail::TenantDefinition& tenant) {
  write_strings(json, "domains", tenant.domains);
  write_strings(json, "networks", tenant.networks);
  write_strings(json, "mailboxes", tenant.mailboxes);
  json.key("people").begin_array();
  for (const auto& one : tenant.people) {
    json.begin_object().member("name", one.name);
    write_strings(json, "addresses", one.addresses);
    json.end_object();
  }
  json.end_array();
}

}  // namespace bonafide::app
