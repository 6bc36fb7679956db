#pragma once
#include <memory>

#include "trust/reference.hpp"

namespace bonafide::trust {

/// A MaxMind DB: whose network an address is in, by its autonomous system and country. Other members of its
/// records are not looked at. Lies in memory as it was read: the file may be overwritten meanwhile.
class NetworkTable final : public ReferenceSet {
 public:
  /// Do these bytes have the mark of the format near their end?
  static bool is_one(ByteView bytes);
  /// Reads every node and every record once, so that what is broken shows now and not at a message. Errors:
  /// invalid (broken); exhausted (no memory for it).
  static Result<std::unique_ptr<NetworkTable>> read(const ListSource& source, ByteView bytes);

  ~NetworkTable() override;
  NetworkTable(const NetworkTable&) = delete;
  NetworkTable& operator=(const NetworkTable&) = delete;

  [[nodiscard]] size_t size() const override { return networks_; }
  /// "AS64496 Example Net, DE (198.51.100.0/24)".
  [[nodiscard]] std::string find(const IpAddress& address) const override;
  [[nodiscard]] std::string_view find(std::string_view) const override { return {}; }

 private:
  struct Open;
  NetworkTable() = default;
  Status check();

  std::unique_ptr<Open> open_;
  size_t networks_ = 0;
};

}  // namespace bonafide::trust
