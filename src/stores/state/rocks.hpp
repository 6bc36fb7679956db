#pragma once
#include <memory>

#include "stores/state/tables.hpp"

namespace bonafide::stores {

/// RocksDB without its write-ahead log.
class Rocks final : public Tables {
 public:
  static Result<std::unique_ptr<Tables>> open(const Settings& settings);
  ~Rocks() override;
  Rocks(const Rocks&) = delete;
  Rocks& operator=(const Rocks&) = delete;

  Result<std::vector<std::optional<std::string>>> get(const std::vector<std::string>& keys) override;
  Status recover() override;
  Status write(const std::vector<Put>& puts) override;
  Status begin_flush() override;
  Result<bool> flushed() override;
  Status wait_flushed() override;
  Status scan(const std::string& prefix,
              const std::function<Status(ByteView key, ByteView value)>& each) override;
  [[nodiscard]] uint64_t free_bytes() const override;
  [[nodiscard]] uint64_t disk_bytes() const override;
  Status verify(const OnDamage& on_damage) override;

 private:
  struct Inside;
  explicit Rocks(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace bonafide::stores
