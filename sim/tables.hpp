#pragma once
#include <map>
#include <memory>
#include <string>

#include "env/files.hpp"
#include "stores/state/tables.hpp"

namespace bonafide::sim {

/// The state's tables on a simulated disk, in RocksDB's place: a flush writes everything into one file,
/// whole or not at all. It happens when somebody asks whether it has ended, so that a crash can come before.
class SimTables final : public stores::Tables {
 public:
  /// `late_prefix`: records that begin with it reach the disk one flush late, for the mutation that parts a
  /// state from its positions; "" for none.
  static Result<std::unique_ptr<stores::Tables>> open(env::Files& files, const Settings& settings,
                                                      std::string late_prefix = "");

  Result<std::vector<std::optional<std::string>>> get(const std::vector<std::string>& keys) override;
  Status recover() override;
  Status write(const std::vector<Put>& puts) override;
  Status begin_flush() override;
  Result<bool> flushed() override;
  Status wait_flushed() override;
  Status scan(const std::string& prefix,
              const std::function<Status(ByteView key, ByteView value)>& each) override;
  [[nodiscard]] uint64_t free_bytes() const override;
  [[nodiscard]] uint64_t disk_bytes() const override { return disk_bytes_; }
  Status verify(const stores::OnDamage& on_damage) override;

 private:
  using Records = std::map<std::string, std::string, std::less<>>;
  SimTables(env::Files& files, const Settings& settings, std::string late_prefix)
      : files_(files), settings_(settings), late_prefix_(std::move(late_prefix)) {}
  [[nodiscard]] std::string path() const { return settings_.folder + "/tables"; }
  Result<Records> read();
  Status flush();

  env::Files& files_;
  Settings settings_;
  std::string late_prefix_;
  Records records_, late_;
  bool flushing_ = false, failed_ = false;
  uint64_t disk_bytes_ = 0;
};

}  // namespace bonafide::sim
