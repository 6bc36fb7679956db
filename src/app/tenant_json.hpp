#pragma once
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "mail/tenant.hpp"

// A tenant as JSON: in the API, in files of the command line and in the data folder.
namespace bonafide::app {

/// {"domains":["acme.example"],"networks":["192.0.2.0/28"],"mailboxes":["boss@free.example"],
///  "people":[{"name":"Ann Smith","addresses":["ann@acme.example"]}]}, every member optional; a person may
///  also be written
/// "Ann Smith <ann@acme.example>". What the API adds when it shows a tenant is passed over. Errors: invalid.
Result<mail::TenantDefinition> read_tenant(const std::string& name, std::string_view json);

/// The members that read_tenant() reads, into an open object.
void write_tenant(JsonWriter& json, const mail::TenantDefinition& tenant);
void write_strings(JsonWriter& json, std::string_view name, const std::vector<std::string>& list);

}  // namespace bonafide::app
