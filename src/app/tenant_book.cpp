#include "app/tenant_book.hpp"

#include <algorithm>
#include <set>

#include "app/tenant_json.hpp"
#include "avro/json.hpp"
#include "base/sealed_text.hpp"
#include "base/text.hpp"

namespace bonafide::app {
namespace {

constexpr std::string_view ending = ".json";

Error not_there(const std::string& name) {
  return {Cause::not_found, "there is no tenant " + clean_text(name, 64)};
}

}  // namespace

Result<std::unique_ptr<TenantBook>> TenantBook::open(std::string folder,
                                                     std::vector<mail::TenantDefinition> configured,
                                                     Parts parts) {
  for (auto& tenant : configured) {
    auto normal = mail::normal(std::move(tenant));
    if (!normal.ok()) return normal.error().in("tenants");
    tenant = std::move(*normal);
  }
  if (const auto fine = steps::Tenants::make(configured); !fine.ok()) {
    return Error{Cause::invalid, "tenants: " + fine.error().message};
  }
  std::unique_ptr<TenantBook> book(new TenantBook(std::move(folder), std::move(configured), parts));
  BONAFIDE_TRY(book->load());
  return book;
}

Status TenantBook::load() {
  const std::lock_guard lock(mutex_);
  BONAFIDE_TRY(parts_.files.make_folders(folder_));
  BONAFIDE_ASSIGN(const auto names, parts_.files.list(folder_));
  for (const auto& file : names) {
    if (!file.ends_with(ending)) continue;  // one that was never finished
    const std::string name = file.substr(0, file.size() - ending.size());
    BONAFIDE_ASSIGN(stored_[name], read(name));
  }
  BONAFIDE_ASSIGN(auto made, make(stored_, ""));
  for (const auto& problem : made.problems) parts_.log.warn("tenant.shadowed", {{"error", problem}});
  put_in_force(std::move(made));
  return Ok{};
}

// A JSON object and a line with its checksum. Without a tenant its mail would be refused for good, so what
// cannot be read is not passed over.
Result<TenantBook::Stored> TenantBook::read(const std::string& name) const {
  const std::string path = path_of(name);
  BONAFIDE_ASSIGN(const std::string text, parts_.files.read_file(path));
  const auto damaged = [&](const std::string& what) {
    return Error{Cause::damaged,
                 path + " is damaged (" + what + "): restore it, or delete it and add the tenant again"};
  };
  const auto json = unsealed(text);
  if (!json) return damaged("its checksum does not match");
  Stored stored;
  auto tenant = read_tenant(name, *json);
  if (!tenant.ok()) return damaged(tenant.error().message);
  stored.tenant = std::move(*tenant);
  BONAFIDE_ASSIGN(const auto parsed, avro::parse_json(*json));
  const auto* changed = parsed.find("changed_at");
  stored.removed = parsed.find("removed_at") != nullptr;
  if (stored.removed) changed = parsed.find("removed_at");
  const auto at = changed == nullptr ? Result<Time>(Time{}) : parse_rfc3339(changed->text);
  if (!at.ok()) return damaged(at.error().message);
  stored.changed_at = *at;
  return stored;
}

const mail::TenantDefinition* TenantBook::configured(const std::string& name) const {
  const auto at = std::ranges::find(configured_, name, &mail::TenantDefinition::name);
  return at == configured_.end() ? nullptr : &*at;
}

Result<TenantBook::Made> TenantBook::make(const AllStored& stored, const std::string& strict) const {
  Made made;
  std::vector<mail::TenantDefinition> tenants = configured_;
  std::vector<steps::Tenants::Removed> removed;
  std::set<std::string, std::less<>> taken;
  for (const auto& tenant : configured_) {
    taken.insert(tenant.domains.begin(), tenant.domains.end());
    taken.insert(tenant.mailboxes.begin(), tenant.mailboxes.end());
  }
  for (const auto& [name, one] : stored) {
    if (one.removed) {
      removed.push_back({name, one.tenant.domains, one.tenant.mailboxes});
      continue;
    }
    if (configured(name) != nullptr) {
      made.problems.push_back("tenant " + name + " stands in the configuration too, which counts");
      continue;
    }
    auto& tenant = tenants.emplace_back(one.tenant);
    if (name == strict) continue;
    const auto drop = [&](std::vector<std::string>& list, const char* kind) {
      std::erase_if(list, [&](const std::string& what) {
        if (!taken.contains(what)) return false;
        std::string problem = "tenant " + name + ": the configuration gives ";
        made.problems.push_back(problem.append(kind).append(" ").append(what).append(" to another"));
        return true;
      });
    };
    drop(tenant.domains, "domain");
    drop(tenant.mailboxes, "mailbox");
  }
  BONAFIDE_ASSIGN(made.tenants, steps::Tenants::make(tenants, removed));
  made.directories = trust::Directories(tenants);
  return made;
}

void TenantBook::put_in_force(Made made) {
  problems_ = std::move(made.problems);
  // The directory first: nobody's mail is scored without it.
  directories_.set(std::move(made.directories));
  tenants_.set(std::move(made.tenants));
}

// Checked, then durable, then in force.
Status TenantBook::change(const Stored& next) {
  const std::string name = next.tenant.name;
  AllStored all = stored_;
  all[name] = next;
  BONAFIDE_ASSIGN(auto made, make(all, next.removed ? "" : name));
  JsonWriter json;
  json.begin_object()
      .member("name", name)
      .member(next.removed ? "removed_at" : "changed_at", next.changed_at);
  write_tenant(json, next.tenant);
  const std::string text = json.end_object().end_line().take();
  BONAFIDE_TRY(parts_.files.write_file(path_of(name), sealed(text)));
  stored_ = std::move(all);
  put_in_force(std::move(made));
  parts_.log.info(next.removed ? "tenant.removed" : "tenant.changed", {{"tenant", name}});
  return Ok{};
}

Result<std::string> TenantBook::put(const std::string& name, const std::string& json, bool only_new) {
  BONAFIDE_TRY(mail::check_tenant_name(name));
  BONAFIDE_ASSIGN(auto tenant, read_tenant(name, json));
  const std::lock_guard lock(mutex_);
  if (configured(name) != nullptr)
    return Error{Cause::conflict, "tenant " + name + " stands in the configuration file: change it there"};
  const auto there = stored_.find(name);
  if (only_new && there != stored_.end() && !there->second.removed)
    return Error{Cause::conflict, "there is a tenant " + name + " already; replace it, or take another name"};
  BONAFIDE_TRY(change({std::move(tenant), parts_.clock.now(), false}));
  return text_of(name);
}

Result<std::string> TenantBook::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (configured(name) != nullptr)
    return Error{Cause::conflict,
                 "tenant " + name + " stands in the configuration file: remove it there, and restart"};
  const auto there = stored_.find(name);
  if (there == stored_.end() || there->second.removed) return not_there(name);
  Stored gone{
      {name, there->second.tenant.domains, {}, there->second.tenant.mailboxes}, parts_.clock.now(), true};
  BONAFIDE_TRY(change(gone));
  JsonWriter out;
  return out.begin_object()
      .member("name", name)
      .member("removed_at", stored_[name].changed_at)
      .end_object()
      .take();
}

Result<std::string> TenantBook::show(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto there = stored_.find(name);
  const bool is_stored = there != stored_.end() && !there->second.removed;
  if (configured(name) != nullptr || is_stored) return text_of(name);
  if (there == stored_.end()) return not_there(name);
  return Error{Cause::not_found,
               "tenant " + name + " was removed at " + format_rfc3339(there->second.changed_at)};
}

std::string TenantBook::text_of(const std::string& name) const {
  const auto* fixed = configured(name);
  JsonWriter json;
  json.begin_object().member("name", name).member("source", fixed != nullptr ? "configuration" : "added");
  if (fixed == nullptr) json.member("changed_at", stored_.at(name).changed_at);
  write_tenant(json, fixed != nullptr ? *fixed : stored_.at(name).tenant);
  return json.end_object().take();
}

Result<std::string> TenantBook::list() {
  const std::lock_guard lock(mutex_);
  JsonWriter json;
  const auto write = [&](const mail::TenantDefinition& tenant, const char* source, const Time* changed) {
    json.begin_object().member("name", tenant.name).member("source", source);
    if (changed != nullptr) json.member("changed_at", *changed);
    write_strings(json, "domains", tenant.domains);
    write_strings(json, "networks", tenant.networks);
    json.member("mailbox_count", tenant.mailboxes.size())
        .member("people_count", tenant.people.size())
        .end_object();
  };
  json.begin_object().key("tenants").begin_array();
  if (tenants_.get()->has(mail::default_tenant) && configured_.empty() &&
      std::ranges::all_of(stored_, [](const auto& one) { return one.second.removed; }))
    write({std::string(mail::default_tenant), {}}, "built in", nullptr);
  for (const auto& tenant : configured_) write(tenant, "configuration", nullptr);
  for (const auto& [name, one] : stored_) {
    if (!one.removed && configured(name) == nullptr) write(one.tenant, "added", &one.changed_at);
  }
  json.end_array().key("removed").begin_array();
  for (const auto& [name, one] : stored_) {
    if (!one.removed || configured(name) != nullptr) continue;
    json.begin_object().member("name", name).member("removed_at", one.changed_at);
    write_strings(json, "domains", one.tenant.domains);
    json.end_object();
  }
  return json.end_array().end_object().take();
}

std::vector<std::string> TenantBook::problems() const {
  const std::lock_guard lock(mutex_);
  return problems_;
}

Status TenantBook::verify(const stores::OnDamage& on_damage) {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, one] : stored_) {
    const auto again = read(name);
    if (!again.ok()) {
      on_damage({path_of(name), again.error().message, {}});
    } else if (!(again->tenant == one.tenant) || again->removed != one.removed) {
      on_damage({path_of(name), "is not what is in force: restart the service, or put the tenant again", {}});
    }
  }
  return Ok{};
}

}  // namespace bonafide::app
