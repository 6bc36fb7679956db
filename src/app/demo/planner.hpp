#pragma once
#include <memory>
#include <queue>
#include <vector>

#include "app/demo/draft.hpp"

namespace bonafide::app::demo {

/// How often something of a kind comes, against the others.
struct Share {
  Scenario scenario = Scenario::blind_spoof;
  uint32_t weight = 0;
};

/// Something that happens on a certain day, beside what the dice bring.
struct StoryEvent {
  Duration after;                         ///< the company's start
  Scenario what = Scenario::blind_spoof;  ///< an attack or a change
  uint32_t count = 1;
  Duration over;  ///< all of them within this time
};

/// What can be set about the simulated company. The same settings give the same messages.
struct Settings {
  uint64_t seed = 1;
  Time start;                           ///< of its past
  uint32_t people = 50;                 ///< on the staff, 20 to 200
  uint32_t messages_per_day = 2000;     ///< about, on a working day, in all directions
  uint32_t attacks_per_day = 24;        ///< about, on a working day
  Duration quiet = Duration::days(28);  ///< after the start, without attacks
  std::vector<Share> attacks = usual_attacks();
  Duration change_every = Duration::days(5);        ///< about, from the third week on; 0: never
  std::vector<Scenario> changes = usual_changes();  ///< one after the other
  std::vector<StoryEvent> story;

  static std::vector<Share> usual_attacks();
  static std::vector<Scenario> usual_changes();
};

/// May it stand in Settings::changes?
bool is_change(Scenario scenario);

/// Decides who writes what to whom, when and from where: drafts in time order, without end. Nothing here
/// depends on the bytes that follow from a draft, so that drafts can be passed over fast.
class Planner {
 public:
  explicit Planner(const Settings& settings);
  /// Makes `draft` the next one. Times rise strictly; numbers count from 0.
  void next(Draft& draft);
  [[nodiscard]] const World& world() const { return world_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }

 private:
  enum class What : uint8_t {
    day,
    internal,
    external,
    answer,
    issue,
    list_start,
    list_copy,
    automaton,
    ticket,
    web_form,
    shared_mail,
    first_contact,
    private_mail,
    auto_reply,
    attack,
    change,
    travel,
    spf_fixed,
    announcement,
  };
  struct Event {
    Time at;
    uint64_t order = 0;
    What what = What::day;
    uint32_t a = 0, b = 0;
    std::shared_ptr<Thread> thread;
  };
  struct Later {
    bool operator()(const Event& x, const Event& y) const {
      return x.at != y.at ? x.at > y.at : x.order > y.order;
    }
  };

  // planner.cpp: the calendar and the queue
  void at(Time when, What what, uint32_t a = 0, uint32_t b = 0, std::shared_ptr<Thread> thread = nullptr);
  /// Does what is due; false if no message came of it.
  bool happen(const Event& event, Draft& draft);
  void plan_day(int64_t day);
  void plan_people(int64_t day);
  void plan_machines(int64_t day);
  void plan_attacks(int64_t day);
  Time moment(Zone zone, int64_t day, int64_t minute);  ///< somewhere in the minute
  Time moment(const Mailbox& box, int64_t day);
  int64_t share(int64_t permille, Rhythm rhythm, int64_t day);
  bool on_leave(uint32_t mailbox, Time when) const;

  // threads.cpp: people who write to each other
  bool start_internal(const Event& event, Draft& draft);
  bool start_external(const Event& event, Draft& draft);
  bool answer(const Event& event, Draft& draft);
  bool private_mail(const Event& event, Draft& draft);
  bool first_contact(const Event& event, Draft& draft);
  bool announcement(const Event& event, Draft& draft);
  bool auto_reply(const Event& event, Draft& draft);
  void post(Draft& draft, uint32_t author, const std::shared_ptr<Thread>& thread, Time when);
  void plan_answer(const std::shared_ptr<Thread>& thread, uint32_t author, Time when);
  void write_as(Draft& draft, uint32_t author, Time when);
  void say(Draft& draft, Topic topic, Language language);
  void attach(Draft& draft, int64_t permille);
  std::shared_ptr<Thread> new_thread(Topic topic, Language language, std::vector<uint32_t> members);
  Topic draw_topic();

  // senders.cpp: lists, newsletters, machines
  bool issue(const Event& event, Draft& draft);
  bool start_list_thread(const Event& event);
  bool list_copy(const Event& event, Draft& draft);
  bool automaton(const Event& event, Draft& draft);
  bool ticket(const Event& event, Draft& draft);
  bool web_form(const Event& event, Draft& draft);
  bool shared_mail(const Event& event, Draft& draft);

  // delivery.cpp: the way to the edge
  void deliver(Draft& draft, uint32_t author);
  void deliver_from_domain(Draft& draft, const MailDomain& domain);
  void submit(Draft& draft, uint32_t author);
  void forward(Draft& draft, uint32_t forwarder, const MailDomain& domain);
  void sign(Draft& draft, const MailDomain& domain);
  void trouble(Draft& draft);

  // changes.cpp: what changes without harm
  void change();
  void make_change(Scenario kind);
  void move_provider(bool with_signature);
  void new_colleague();
  void start_forwarding();
  void update_mailers();
  void start_travel();

  // attacks.cpp
  bool attack(const Event& event, Draft& draft);
  struct Victim {
    uint32_t mailbox = 0, target = 0;
    bool machine = false;
  };
  Victim draw_victim();
  void blind_spoof(Draft& draft, const Victim& victim);
  void lookalike_domain(Draft& draft, const Victim& victim);
  void display_name(Draft& draft, const Victim& victim);
  void reply_to_diversion(Draft& draft, const Victim& victim);
  void same_infrastructure(Draft& draft, const Victim& victim);
  void account_takeover(Draft& draft, const Victim& victim);
  void hijacked_thread(Draft& draft, const Victim& victim);
  Victim draw_victim_outside();
  void use_account(Draft& draft, const Victim& victim);
  MailDomain draw_lookalike(const std::string& name);
  void write_attack(Draft& draft, const Victim& victim, MailerKind kind, Time when);
  Mailbox attacker_free_mail(const Mailbox& pretended);

  Settings settings_;
  Dice dice_;
  World world_;
  std::priority_queue<Event, std::vector<Event>, Later> queue_;
  uint64_t order_ = 0, number_ = 0;
  Time last_{INT64_MIN / 2};  ///< of the last message
  Time now_{INT64_MIN / 2};   ///< of the event that happens
  std::vector<uint32_t> staff_weights_, tie_weights_;
  size_t changes_made_ = 0;
  std::vector<std::shared_ptr<Thread>> recent_threads_;  ///< with people outside, the last some dozen
  size_t threads_seen_ = 0;
};

}  // namespace bonafide::app::demo
