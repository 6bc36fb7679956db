#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.hpp"

namespace bonafide::trust::test {

/// Writes a small MaxMind DB (format 2.0, records of 24 bits, IPv6 with IPv4 below ::/96), for tests.
class NetworkTableWriter {
 public:
  void add(const IpRange& range, uint32_t system, const std::string& name, const std::string& country) {
    const size_t offset = data_.size();
    data_ += map(3) + text("autonomous_system_number") + number(6, system) +
             text("autonomous_system_organization") + text(name) + text("country") + map(1) +
             text("iso_code") + text(country);
    size_t bits = 0;
    while (bits < 128 && bit(range.low, bits) == bit(range.high, bits)) ++bits;
    insert(range.low, bits, offset);
  }
  [[nodiscard]] std::string bytes() const {
    const auto nodes = static_cast<uint32_t>(nodes_.size());
    std::string out;
    for (const auto& node : nodes_) {
      for (const int64_t record : {node.first, node.second}) {
        const uint32_t value = record == nothing ? nodes
                               : record < 0      ? nodes + 16 + static_cast<uint32_t>(-record - 2)
                                                 : static_cast<uint32_t>(record);
        out += static_cast<char>(value >> 16);
        out += static_cast<char>(value >> 8);
        out += static_cast<char>(value);
      }
    }
    out.append(16, '\0');
    out += data_ + "\xAB\xCD\xEFMaxMind.com";
    return out + map(9) + text("binary_format_major_version") + number(5, 2) +
           text("binary_format_minor_version") + number(5, 0) + text("database_type") +
           text("Bonafide-Test") + text("ip_version") + number(5, 6) + text("node_count") + number(6, nodes) +
           text("record_size") + number(5, 24) + text("build_epoch") +
           std::string("\x04\x02\x65\x53\xF1\x00", 6) + text("description") + map(0) + text("languages") +
           std::string("\x00\x04", 2);
  }

 private:
  static constexpr int64_t nothing = -1;  // -2 - offset: data; from 0: a node
  static bool bit(const IpAddress& address, size_t at) {
    // IPv4 stands below ::/96 in a database, below ::ffff:0:0/96 in an IpAddress.
    if (address.is_v4() && at < 96) return false;
    return (address.bytes[at / 8] >> (7 - at % 8) & 1) != 0;
  }
  static std::string map(size_t members) { return {static_cast<char>(7 << 5 | members)}; }
  static std::string text(const std::string& value) {
    if (value.size() < 29) return static_cast<char>(2 << 5 | value.size()) + value;
    return std::string{static_cast<char>(2 << 5 | 29), static_cast<char>(value.size() - 29)} + value;
  }
  static std::string number(int type, uint32_t value) {
    std::string digits;
    for (; value > 0; value >>= 8) digits.insert(digits.begin(), static_cast<char>(value));
    return static_cast<char>(type << 5 | static_cast<int>(digits.size())) + digits;
  }
  void insert(const IpAddress& low, size_t bits, size_t offset) {
    size_t at = 0;
    for (size_t i = 0; i + 1 < bits; ++i) {
      int64_t next = bit(low, i) ? nodes_[at].second : nodes_[at].first;
      if (next < 0) {
        next = static_cast<int64_t>(nodes_.size());
        nodes_.emplace_back(nothing, nothing);
        (bit(low, i) ? nodes_[at].second : nodes_[at].first) = next;
      }
      at = static_cast<size_t>(next);
    }
    (bit(low, bits - 1) ? nodes_[at].second : nodes_[at].first) = -2 - static_cast<int64_t>(offset);
  }

  std::vector<std::pair<int64_t, int64_t>> nodes_ = {{nothing, nothing}};
  std::string data_;
};

}  // namespace bonafide::trust::test
