#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include <boost/json.hpp>

#include "api/client.hpp"
#include "app/configuration.hpp"
#include "app/installation.hpp"
#include "app/output.hpp"
#include "app/tenant_book.hpp"
#include "app/tenant_json.hpp"
#include "app/verbs.hpp"
#include "base/text.hpp"

// bonafide tenant add|list|show|remove: through the running service, or in the data folder itself.
namespace bonafide::app {
namespace {

namespace json = boost::json;

class RemoteTenants final : public api::TenantAdmin {
 public:
  explicit RemoteTenants(const ServiceAddress& address) : client_({address.api, address.token}) {}
  Result<std::string> list() override { return client_.get("/v1/tenants"); }
  Result<std::string> show(const std::string& name) override { return client_.get(path_of(name)); }
  Result<std::string> put(const std::string& name, const std::string& text, bool only_new) override {
    const net::Query query = only_new ? net::Query{{"only_new", "1"}} : net::Query{};
    BONAFIDE_ASSIGN(const auto answer, client_.call("PUT", path_of(name), query, text, "application/json"));
    return answer.body;
  }
  Result<std::string> remove(const std::string& name) override {
    BONAFIDE_ASSIGN(const auto answer, client_.call("DELETE", path_of(name)));
    return answer.body;
  }

 private:
  static std::string path_of(const std::string& name) { return "/v1/tenants/" + name; }  // a checked name
  api::Client client_;
};

/// The tenants of a data folder, and what must live as long.
struct Tenants {
  std::unique_ptr<Installation> world;
  std::unique_ptr<api::TenantAdmin> admin;
};

// `make`: the folder, where there is none.
Result<Tenants> open_tenants(const Common& common, bool make) {
  Tenants out;
  env::RealFiles files;
  if (const auto found = DataFolder::find(files, common.data); found.ok()) {
    if (const auto address = found->service(files)) {
      auto remote = std::make_unique<RemoteTenants>(*address);
      const auto there = remote->list();
      if (there.ok()) {
        out.admin = std::move(remote);
        return out;
      }
      // A stale address of a service that was killed: nobody answers there.
      if (there.error().cause != Cause::unavailable) return there.error();
    }
  } else if (!make || found.error().cause != Cause::not_found) {
    return found.error();
  }
  out.world = std::make_unique<Installation>(common);
  BONAFIDE_ASSIGN(const auto folder, make ? out.world->open(common.data) : out.world->find(common.data));
  BONAFIDE_ASSIGN(auto configuration, load_configuration(out.world->files, common));
  BONAFIDE_ASSIGN(out.admin, TenantBook::open(folder.in("tenants"), std::move(configuration.pipeline.tenants),
                                              {out.world->files, out.world->clock, *out.world->logger}));
  return out;
}

std::string joined(const json::object& tenant, const char* member) {
  std::string out;
  const auto* list = tenant.if_contains(member);
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& item : list->as_array()) out += (out.empty() ? "" : ", ") + std::string(item.as_string());
  return out;
}

void print_line(const char* what, const std::string& text) {
  if (!text.empty()) std::printf("  %-10s %s\n", what, text.c_str());
}

void print_list(const json::object& answer) {
  for (const auto& item : answer.at("tenants").as_array()) {
    const auto& tenant = item.as_object();
    const std::string domains = joined(tenant, "domains");
    std::printf("%-20s %-13s %s (%lld mailboxes, %lld people)\n", tenant.at("name").as_string().c_str(),
                tenant.at("source").as_string().c_str(), domains.empty() ? "-" : domains.c_str(),
                static_cast<long long>(tenant.at("mailbox_count").to_number<int64_t>()),
                static_cast<long long>(tenant.at("people_count").to_number<int64_t>()));
  }
  for (const auto& item : answer.at("removed").as_array()) {
    const auto& tenant = item.as_object();
    std::printf("%-20s %-13s %s (since %s)\n", tenant.at("name").as_string().c_str(), "removed",
                joined(tenant, "domains").c_str(), tenant.at("removed_at").as_string().c_str());
  }
}

void print_tenant(const json::object& tenant) {
  std::printf("%s (%s)\n", tenant.at("name").as_string().c_str(), tenant.at("source").as_string().c_str());
  print_line("domains", joined(tenant, "domains"));
  print_line("networks", joined(tenant, "networks"));
  print_line("mailboxes", joined(tenant, "mailboxes"));
  for (const auto& item : tenant.at("people").as_array()) {
    const auto& person = item.as_object();
    print_line("person", std::string(person.at("name").as_string()) + ": " + joined(person, "addresses"));
  }
}

template <class Print>
int answered(const Common& common, const Result<std::string>& answer, Print&& print) {
  if (!answer.ok()) return complain(answer.error());
  if (common.json) {
    std::printf("%s\n", std::string(trim(*answer)).c_str());
    return exit_ok;
  }
  boost::system::error_code error;
  const auto value = json::parse(*answer, error);
  if (error || !value.is_object())
    return complain({Cause::internal, "the answer is not JSON: " + error.message()});
  print(value.as_object());
  return exit_ok;
}

Result<std::string> read_text(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  env::RealFiles files;
  return files.read_file(path);
}

// The whole tenant as JSON, from a file or from the options.
Result<std::string> tenant_text(const TenantOptions& options) {
  if (!options.file.empty()) return read_text(options.file);
  mail::TenantDefinition tenant{options.name, options.domains, options.networks, options.mailboxes, {}};
  std::vector<std::string> people = options.people;
  if (!options.people_file.empty()) {
    BONAFIDE_ASSIGN(const std::string text, read_text(options.people_file));
    for (const auto line : split(text, '\n')) {
      if (const auto person = trim(line); !person.empty() && person.front() != '#')
        people.emplace_back(person);
    }
  }
  for (const auto& text : people) {
    BONAFIDE_ASSIGN(auto person, mail::parse_person(text));
    tenant.people.push_back(std::move(person));
  }
  JsonWriter json;
  json.begin_object();
  write_tenant(json, tenant);
  return json.end_object().take();
}

}  // namespace

int tenant_list(const Common& common) {
  const auto tenants = open_tenants(common, false);
  if (!tenants.ok()) return complain(tenants.error());
  return answered(common, tenants->admin->list(), print_list);
}

int tenant_show(const Common& common, const TenantOptions& options) {
  if (const Status fine = mail::check_tenant_name(options.name); !fine.ok()) return complain(fine.error());
  const auto tenants = open_tenants(common, false);
  if (!tenants.ok()) return complain(tenants.error());
  return answered(common, tenants->admin->show(options.name), print_tenant);
}

int tenant_add(const Common& common, const TenantOptions& options) {
  if (const Status fine = mail::check_tenant_name(options.name); !fine.ok()) return complain(fine.error());
  const auto text = tenant_text(options);
  if (!text.ok()) return complain(text.error());
  const auto tenants = open_tenants(common, true);
  if (!tenants.ok()) return complain(tenants.error());
  return answered(common, tenants->admin->put(options.name, *text, !options.replace), print_tenant);
}

int tenant_remove(const Common& common, const TenantOptions& options) {
  if (const Status fine = mail::check_tenant_name(options.name); !fine.ok()) return complain(fine.error());
  const auto tenants = open_tenants(common, false);
  if (!tenants.ok()) return complain(tenants.error());
  return answered(common, tenants->admin->remove(options.name), [](const json::object& tenant) {
    std::printf("%s is removed: its mail is refused; what is stored of it stays until retention\n",
                tenant.at("name").as_string().c_str());
  });
}

}  // namespace bonafide::app
