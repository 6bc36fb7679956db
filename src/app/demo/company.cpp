#include "app/demo/company.hpp"

#include "app/demo/renderer.hpp"

namespace bonafide::app::demo {

struct Company::Parts {
  explicit Parts(const Settings& settings) : planner(settings), renderer(settings.seed) {
    planner.next(upcoming);
  }
  Planner planner;
  Renderer renderer;
  Draft upcoming;
};

Company::Company(const Settings& settings) : parts_(std::make_unique<Parts>(settings)) {}
Company::~Company() = default;
Company::Company(Company&&) noexcept = default;
Company& Company::operator=(Company&&) noexcept = default;

SimulatedMessage Company::next() {
  SimulatedMessage message;
  next(message);
  return message;
}

void Company::next(SimulatedMessage& message) {
  const Draft& draft = parts_->upcoming;
  message.number = draft.number;
  message.at = draft.at;
  message.direction = draft.direction;
  message.label = is_attack(draft.scenario) ? "attack" : "ham";
  message.scenario = to_string(draft.scenario);
  parts_->renderer.render(draft, parts_->planner.world(), message.raw, message.envelope);
  parts_->planner.next(parts_->upcoming);
}

Time Company::next_at() const { return parts_->upcoming.at; }
uint64_t Company::next_number() const { return parts_->upcoming.number; }

void Company::skip_to(uint64_t number) {
  while (parts_->upcoming.number < number) parts_->planner.next(parts_->upcoming);
}

void Company::skip_until(Time time) {
  while (parts_->upcoming.at < time) parts_->planner.next(parts_->upcoming);
}

const std::string& Company::name() const { return parts_->planner.world().company_name; }
const std::string& Company::domain() const { return parts_->planner.world().company_domain; }
const std::string& Company::edge() const { return parts_->planner.world().edge; }

std::vector<std::string> Company::networks() const {
  const World& world = parts_->planner.world();
  return {ip_text(world.office_network) + "/24", ip_text(world.vpn_network) + "/24"};
}

std::vector<std::string> Company::free_mail_domains() const {
  const World& world = parts_->planner.world();
  std::vector<std::string> names;
  names.reserve(world.free_mail_domains.size());
  for (const uint32_t domain : world.free_mail_domains) names.push_back(world.domains[domain].name);
  return names;
}

}  // namespace bonafide::app::demo
