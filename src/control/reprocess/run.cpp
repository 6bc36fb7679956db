#include "control/reprocess/run.hpp"

#include <array>
#include <map>

#include "base/sealed_text.hpp"
#include "base/text.hpp"

namespace bonafide::control {
namespace {

constexpr std::string_view head = "bonafide-reprocess 1\n";
constexpr std::array<const char*, 4> states = {"none", "running", "done", "cancelled"};

// Names and cursors may hold anything.
std::string shown(std::string_view text) { return to_hex(text); }

class Members {
 public:
  explicit Members(ByteView text) {
    for (const auto line : split(text, '\n')) {
      const size_t space = line.find(' ');
      if (space != std::string_view::npos)
        members_[std::string(line.substr(0, space))] = line.substr(space + 1);
    }
  }
  template <class T>
  void number(const char* name, T& out) {
    const auto read = parse_int(members_[name]);
    sound_ &= read.ok() && *read >= 0;
    if (read.ok()) out = static_cast<T>(*read);
  }
  void time(const char* name, Time& out) { number(name, out.us); }
  void text(const char* name, std::string& out) {
    const auto read = from_hex(members_[name]);
    sound_ &= read.ok();
    if (read.ok()) out = *read;
  }
  [[nodiscard]] bool sound() const { return sound_; }

 private:
  std::map<std::string, std::string_view> members_;
  bool sound_ = true;
};

}  // namespace

const char* to_string(RunState state) { return states[static_cast<size_t>(state)]; }

Result<ReprocessRun> read_run(env::Files& files, const std::string& path) {
  BONAFIDE_ASSIGN(const std::string text, files.read_file(path));
  const Error damaged = {
      Cause::damaged, path + " is damaged: delete it; a reprocess that was under way must be started again"};
  const auto sound = unsealed(text);
  if (!sound) return damaged;
  if (!sound->starts_with(head))
    return Error{Cause::invalid, path + ": written by a newer version: run that one"};
  Members in(sound->substr(head.size()));
  ReprocessRun run;
  size_t state = 0;
  in.number("number", run.number);
  in.number("state", state);
  in.time("from", run.plan.from);
  in.time("to", run.plan.to);
  in.text("step", run.plan.step);
  in.text("tenant", run.plan.tenant);
  in.text("cursor", run.cursor);
  in.number("of", run.of);
  in.number("messages", run.messages);
  in.number("damaged", run.damaged);
  in.time("started", run.started_at);
  in.time("ended", run.ended_at);
  if (!in.sound() || state >= states.size()) return damaged;
  run.state = static_cast<RunState>(state);
  return run;
}

Status write_run(env::Files& files, const std::string& path, const ReprocessRun& run) {
  std::string text(head);
  const auto line = [&text](const char* name, const std::string& value) {
    text.append(name).append(" ").append(value).append("\n");
  };
  line("number", std::to_string(run.number));
  line("state", std::to_string(static_cast<int>(run.state)));
  line("from", std::to_string(run.plan.from.us));
  line("to", std::to_string(run.plan.to.us));
  line("step", shown(run.plan.step));
  line("tenant", shown(run.plan.tenant));
  line("cursor", shown(run.cursor));
  line("of", std::to_string(run.of));
  line("messages", std::to_string(run.messages));
  line("damaged", std::to_string(run.damaged));
  line("started", std::to_string(run.started_at.us));
  line("ended", std::to_string(run.ended_at.us));
  return files.write_file(path, sealed(std::move(text)));
}

}  // namespace bonafide::control
