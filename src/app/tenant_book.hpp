#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/tenants.hpp"
#include "base/current.hpp"
#include "base/time.hpp"
#include "env/clock.hpp"
#include "env/files.hpp"
#include "env/log.hpp"
#include "steps/collect/tenants.hpp"
#include "stores/damage.hpp"
#include "trust/directory.hpp"

namespace bonafide::app {

/// The tenants: those of the configuration file, and those that were added while the service ran, one file
/// each in DATA/tenants. A change is durable before it is in force, and doors and steps see each change
/// whole. A removed tenant keeps its file, with its name and what was its own, so that its mail never becomes
/// somebody else's by itself.
class TenantBook final : public api::TenantAdmin {
 public:
  struct Parts {
    env::Files& files;
    env::Clock& clock;
    env::Logger& log;
  };
  /// Where the configuration and a stored tenant contradict each other, the configuration counts and
  /// problems() tells. Errors: invalid (the configuration's tenants), damaged (a file; says what to do).
  static Result<std::unique_ptr<TenantBook>> open(std::string folder,
                                                  std::vector<mail::TenantDefinition> configured,
                                                  Parts parts);

  [[nodiscard]] const Current<steps::Tenants>& tenants() const { return tenants_; }
  [[nodiscard]] const Current<trust::Directories>& directories() const { return directories_; }
  /// What of the stored tenants is not in force, and why.
  [[nodiscard]] std::vector<std::string> problems() const;
  /// Reads every file again.
  Status verify(const stores::OnDamage& on_damage);

  Result<std::string> list() override;
  Result<std::string> show(const std::string& name) override;
  Result<std::string> put(const std::string& name, const std::string& json, bool only_new) override;
  Result<std::string> remove(const std::string& name) override;

 private:
  struct Stored {
    mail::TenantDefinition tenant;
    Time changed_at;
    bool removed = false;
  };
  using AllStored = std::map<std::string, Stored>;
  /// What is in force, made aside.
  struct Made {
    steps::Tenants tenants;
    trust::Directories directories;
    std::vector<std::string> problems;
  };

  TenantBook(std::string folder, std::vector<mail::TenantDefinition> configured, Parts parts)
      : folder_(std::move(folder)), configured_(std::move(configured)), parts_(parts) {}
  Status load();
  [[nodiscard]] Result<Stored> read(const std::string& name) const;
  [[nodiscard]] std::string path_of(const std::string& name) const { return folder_ + "/" + name + ".json"; }
  /// `strict`: a tenant whose contradictions are errors.
  [[nodiscard]] Result<Made> make(const AllStored& stored, const std::string& strict) const;
  Status change(const Stored& next);
  void put_in_force(Made made);
  [[nodiscard]] const mail::TenantDefinition* configured(const std::string& name) const;
  [[nodiscard]] std::string text_of(const std::string& name) const;

  const std::string folder_;
  const std::vector<mail::TenantDefinition> configured_;
  const Parts parts_;
  Current<steps::Tenants> tenants_;
  Current<trust::Directories> directories_;
  mutable std::mutex mutex_;  // one change at a time; guards what follows
  AllStored stored_;
  std::vector<std::string> problems_;
};

}  // namespace bonafide::app
