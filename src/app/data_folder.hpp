#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "env/files.hpp"
#include "env/random.hpp"

namespace bonafide::app {

/// Where a running service answers, as it wrote it to DATA/run/addresses.json.
struct ServiceAddress {
  std::string api;                                              ///< "http://127.0.0.1:8025"
  std::string token;                                            ///< of DATA/run/token; "" if none is needed
  std::vector<std::pair<std::string, std::string>> doors = {};  ///< "smtp" → "127.0.0.1:2525"; only written
};

/// The data folder: its layout, its format version and its secrets. Mode 0700.
///
///   FORMAT            version of what is written, and the oldest that can read it
///   installation.key  32 random bytes in hex: event ids follow from it
///   lock              held by the process that works in the folder
///   run/              addresses.json and token of the running service
///   watched           which messages of watched mailboxes were taken
///   retention         from when on each store keeps what it has
///   tenants/          those that were added while the service ran, and the removed ones
///   reprocess         how far the last reprocess has come
///   journal/ history/ dedupe/ registry/ rows/ raw/ archive/
class DataFolder {
 public:
  // Format 2 adds tenants/. A version of format 1 passes over it: to it these tenants were never added.
  static constexpr int format_version = 2;
  static constexpr int oldest_reader = 1;

  /// Makes the folder where there is none. Errors: conflict (written by a newer version: names the way out);
  /// invalid.
  static Result<DataFolder> open(env::Files& files, const std::string& path, env::Random& random);
  /// As open(), but makes nothing. Errors: not_found.
  static Result<DataFolder> find(env::Files& files, const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string in(std::string_view name) const { return path_ + "/" + std::string(name); }
  [[nodiscard]] const std::string& installation_key() const { return key_; }

  /// The service at work in the folder, if it left an address. It may be dead.
  [[nodiscard]] std::optional<ServiceAddress> service(env::Files& files) const;
  Status announce(env::Files& files, const ServiceAddress& address) const;
  void withdraw(env::Files& files) const;

 private:
  std::string path_;
  std::string key_;
};

}  // namespace bonafide::app
