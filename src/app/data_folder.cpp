#include "app/data_folder.hpp"

#include <boost/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"

namespace bonafide::app {
namespace {

constexpr const char* format_file = "FORMAT";
constexpr const char* key_file = "installation.key";
constexpr const char* addresses_file = "run/addresses.json";
constexpr const char* token_file = "run/token";

std::string format_text() {
  return "written " + std::to_string(DataFolder::format_version) + "\nreadable-from " +
         std::to_string(DataFolder::oldest_reader) + "\n";
}

Status check_format(const std::string& path, std::string_view text) {
  for (const auto line : split(text, '\n')) {
    constexpr std::string_view word = "readable-from ";
    if (line.substr(0, word.size()) != word) continue;
    const auto oldest = parse_int(trim(line.substr(word.size())));
    if (!oldest.ok()) break;
    if (*oldest > DataFolder::format_version) {
      return {Cause::conflict, path + " was written by a newer Bonafide (format " + std::to_string(*oldest) +
                                   ", this one reads up to " + std::to_string(DataFolder::format_version) +
                                   "); run the newer version, or give another folder with --data"};
    }
    return Ok{};
  }
  return {Cause::damaged,
          path + "/" + format_file +
              " does not say which format the folder has; restore it, or give another folder with --data"};
}

}  // namespace

Result<DataFolder> DataFolder::find(env::Files& files, const std::string& path) {
  DataFolder folder;
  folder.path_ = path;
  const auto format = files.read_file(folder.in(format_file));
  if (!format.ok()) {
    if (format.error().cause != Cause::not_found) return format.error();
    return {Cause::not_found,
            "there is no data in " + path + "; start bonafide once, or name its folder with --data DIR"};
  }
  BONAFIDE_TRY(check_format(path, *format));
  BONAFIDE_ASSIGN(const std::string hex, files.read_file(folder.in(key_file)));
  BONAFIDE_ASSIGN(folder.key_, from_hex(trim(hex)));
  return folder;
}

Result<DataFolder> DataFolder::open(env::Files& files, const std::string& path, env::Random& random) {
  BONAFIDE_TRY(files.make_folders(path + "/run"));
  const auto exists = files.exists(path + "/" + format_file);
  if (!exists.ok()) return exists.error();
  if (!*exists) {
    BONAFIDE_TRY(files.write_file(path + "/" + key_file, to_hex(random.bytes(32)) + "\n"));
    BONAFIDE_TRY(files.write_file(path + "/" + format_file, format_text()));
  }
  return find(files, path);
}

std::optional<ServiceAddress> DataFolder::service(env::Files& files) const {
  const auto text = files.read_file(in(addresses_file));
  if (!text.ok()) return std::nullopt;
  boost::system::error_code error;
  const auto json = boost::json::parse(*text, error);
  if (error || !json.is_object()) return std::nullopt;
  const auto* api = json.as_object().if_contains("api");
  if (api == nullptr || !api->is_string()) return std::nullopt;
  ServiceAddress address{std::string(api->as_string()), ""};
  if (const auto token = files.read_file(in(token_file)); token.ok()) address.token = trim(*token);
  return address;
}

Status DataFolder::announce(env::Files& files, const ServiceAddress& address) const {
  JsonWriter json;
  json.begin_object().member("api", address.api);
  for (const auto& [door, where] : address.doors) json.member(door, where);
  json.end_object().end_line();
  if (!address.token.empty()) BONAFIDE_TRY(files.write_file(in(token_file), address.token + "\n"));
  return files.write_file(in(addresses_file), json.take());
}

void DataFolder::withdraw(env::Files& files) const {
  // Best effort: a stale address is recognised by nobody answering there.
  (void)files.remove(in(addresses_file)).ok();
}

}  // namespace bonafide::app
