#include "app/data_folder.hpp"

#include <boost/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"

namespace bonafide::app {
namespace {

constexpr const char* format_file = "FORMAT";
constexpr const char* key_file = "installation.key";
constexpr size_t key_bytes = 32;
constexpr const char* addresses_file = "run/addresses.json";
constexpr const char* token_file = "run/token";

std::string format_text() {
  return "written " + std::to_string(DataFolder::format_version) + "\nreadable-from " +
         std::to_string(DataFolder::oldest_reader) + "\n";
}

// The number behind a word that stands at the beginning of a line.
std::optional<int64_t> number_after(std::string_view text, std::string_view word) {
  for (const auto line : split(text, '\n')) {
    if (!line.starts_with(word)) continue;
    const auto number = parse_int(trim(line.substr(word.size())));
    if (number.ok()) return *number;
  }
  return std::nullopt;
}

Status check_format(const std::string& path, std::string_view text) {
  const auto written = number_after(text, "written "), oldest = number_after(text, "readable-from ");
  if (!written || !oldest) {
    return {Cause::damaged,
            path + "/" + format_file +
                " does not say which format the folder has; restore it, or give another folder with --data"};
  }
  if (*oldest <= DataFolder::format_version) return Ok{};
  return {Cause::conflict,
          path + " was written by a newer Bonafide (format " + std::to_string(*oldest) +
              ", this one reads up to " + std::to_string(DataFolder::format_version) +
              "): run that version in it, or begin an empty folder with this one: bonafide run --data " +
              path + "-2"};
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
  auto key = from_hex(trim(hex));
  if (!key.ok() || key->size() != key_bytes) {
    return {Cause::damaged, folder.in(key_file) + " is damaged: it must be " + std::to_string(2 * key_bytes) +
                                " hex digits; restore it from a copy of the folder"};
  }
  folder.key_ = std::move(key).value();
  return folder;
}

Result<DataFolder> DataFolder::open(env::Files& files, const std::string& path, env::Random& random) {
  BONAFIDE_TRY(files.make_folders(path + "/run"));
  const auto exists = files.exists(path + "/" + format_file);
  if (!exists.ok()) return exists.error();
  if (!*exists) {
    BONAFIDE_TRY(files.write_file(path + "/" + key_file, to_hex(random.bytes(key_bytes)) + "\n"));
    BONAFIDE_TRY(files.write_file(path + "/" + format_file, format_text()));
  }
  BONAFIDE_ASSIGN(auto folder, find(files, path));
  // From here on the folder holds what this version writes. The others' numbers stay said where they are
  // higher.
  BONAFIDE_ASSIGN(const std::string format, files.read_file(path + "/" + format_file));
  if (number_after(format, "written ").value_or(0) < format_version)
    BONAFIDE_TRY(files.write_file(path + "/" + format_file, format_text()));
  return folder;
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
