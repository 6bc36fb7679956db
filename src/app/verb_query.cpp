#include <cstdio>
#include <fstream>

#include <boost/json.hpp>

#include "app/access.hpp"
#include "app/output.hpp"
#include "app/verbs.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

// Verbs that ask about a data folder: show, export, verify, parked.
namespace bonafide::app {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(json::string_view(key.data(), key.size()));
  if (value == nullptr || value->is_null()) return "";
  if (value->is_string()) return std::string(value->as_string());
  if (value->is_double()) return to_decimal(value->as_double());
  return json::serialize(*value);
}

std::string fixed(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

double number_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value == nullptr || !value->is_number() ? 0 : value->to_number<double>();
}

// Runs `ask` on the folder's access and prints what it gives, as JSON or by `print`.
template <class Ask, class Print>
int ask_and_print(const Common& common, Ask&& ask, Print&& print) {
  auto access = Access::open(common);
  if (!access.ok()) return complain(access.error());
  const Result<std::string> answer = ask(**access);
  if (!answer.ok()) return complain(answer.error());
  if (common.json) {
    std::cout << *answer << "\n";
    return exit_ok;
  }
  boost::system::error_code error;
  const json::value value = json::parse(*answer, error);
  if (error || !value.is_object())
    return complain({Cause::internal, "the answer is not JSON: " + error.message()});
  return print(value.as_object());
}

void print_reasons(const json::object& row) {
  const auto* reasons = row.if_contains("reasons");
  if (reasons == nullptr) return;
  for (const auto& reason : reasons->as_array()) {
    const auto& object = reason.as_object();
    const double weight = number_of(object, "weight");
    std::cout << "  " << (weight < 0 ? "" : "+") << fixed(weight, 2) << "  " << text_of(object, "text")
              << "\n";
  }
}

int print_message(const json::object& row) {
  for (const char* key :
       {"id", "revision", "tenant", "direction", "received_at", "from", "subject", "message_id"}) {
    std::cout << key << ": " << text_of(row, key) << "\n";
  }
  std::cout << "recipients:";
  for (const auto& to : row.at("recipients").as_array()) std::cout << " " << std::string(to.as_string());
  if (text_of(row, "judgement") != "none")
    std::cout << "\njudged " << text_of(row, "judgement") << " at " << text_of(row, "judged_at");
  std::cout << "\n\n" << text_of(row, "verdict") << ", trust " << fixed(number_of(row, "trust"), 1);
  if (text_of(row, "attack") != "none") std::cout << ", " << text_of(row, "attack");
  std::cout << "\n";
  print_reasons(row);
  std::cout << "\nhops:\n";
  for (const auto& hop : row.at("hops").as_array()) {
    const auto& object = hop.as_object();
    std::cout << "  " << text_of(object, "hop") << " " << text_of(object, "in_at") << "\n";
  }
  std::cout << "model " << text_of(row, "model") << ", code " << text_of(row, "code") << ", schema "
            << text_of(row, "schema_id") << "; --json shows the evidence and all facts\n";
  if (const auto* again = row.if_contains("rescored")) {
    const bool same = again->as_object().at("same").as_bool();
    std::cout << "rescored: trust " << fixed(number_of(again->as_object(), "trust"), 1)
              << (same ? ", the same bit by bit\n" : ", NOT the same\n");
    return same ? exit_ok : exit_failed;
  }
  return exit_ok;
}

int print_parked(const json::object& answer) {
  const auto& items = answer.at("parked").as_array();
  if (items.empty()) std::cout << "nothing is parked\n";
  for (const auto& item : items) {
    const auto& object = item.as_object();
    std::cout << text_of(object, "id") << "  " << text_of(object, "parked_at") << "  "
              << text_of(object, "step") << "  event "
              << (text_of(object, "event").empty() ? "unreadable" : text_of(object, "event")) << "\n    "
              << text_of(object, "cause") << "\n";
  }
  return exit_ok;
}

int print_members(const json::object& object) {
  for (const auto& member : object)
    std::cout << std::string(member.key()) << ": " << text_of(object, member.key()) << "\n";
  return exit_ok;
}

int show_raw(const Common& common, const EventId& id) {
  auto access = Access::open(common);
  if (!access.ok()) return complain(access.error());
  const Status done = (*access)->raw(id, [](ByteView bytes) {
    std::cout.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return std::cout.good();
  });
  if (!done.ok()) return complain(done.error());
  std::cout.flush();
  return std::cout.good() ? exit_ok : complain({Cause::exhausted, "not everything could be written"});
}

// Cuts a stream into lines.
class Lines {
 public:
  template <class Each>
  void take(ByteView bytes, Each&& each) {
    rest_.append(bytes);
    for (size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
      each(rest_.substr(0, end));
      rest_.erase(0, end + 1);
    }
  }

 private:
  std::string rest_;
};

class VerifyPrinter {
 public:
  explicit VerifyPrinter(bool as_json) : as_json_(as_json) {}

  void line(const std::string& text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_object()) return;
    const auto& object = value.as_object();
    if (const auto* sound = object.if_contains("sound")) {
      ended_ = true;
      sound_ = sound->as_bool();
    }
    if (as_json_) {
      if (!object.contains("progress")) std::cout << text << std::endl;
    } else if (object.contains("finding")) {
      std::cout << "FOUND in " << text_of(object, "place") << ": " << text_of(object, "what") << "\n";
      for (const auto& id : object.at("ids").as_array())
        std::cout << "    " << std::string(id.as_string()) << "\n";
      const auto named = object.at("ids").as_array().size();
      const auto count = static_cast<size_t>(number_of(object, "count"));
      if (count > named) std::cout << "    and " << count - named << " more\n";
    } else if (ended_) {
      std::cout << (sound_ ? "The books balance" : "The books do NOT balance") << ": "
                << text_of(object, "accepted") << " accepted, " << text_of(object, "rows") << " in rows, "
                << text_of(object, "archived") << " archived, " << text_of(object, "indexed") << " indexed, "
                << text_of(object, "parked") << " parked, " << text_of(object, "under_way") << " under way"
                << (object.at("quick").as_bool() ? " (balances only)\n" : "; every live byte was read\n");
    }
  }
  /// Exit code, and a word where the stream broke off.
  int end() const {
    if (!ended_) return complain({Cause::unavailable, "the verification broke off"});
    return sound_ ? exit_ok : exit_failed;
  }

 private:
  bool as_json_, ended_ = false, sound_ = false;
};

}  // namespace

int show(const Common& common, const ShowOptions& options) {
  const auto id = EventId::parse(options.id);
  if (!id.ok()) return complain(id.error());
  if (options.raw) return show_raw(common, *id);
  return ask_and_print(
      common, [&](Access& access) { return access.message(*id, options.rescore); }, print_message);
}

int parked_list(const Common& common, const std::string& tenant) {
  api::ParkedQuery query;
  query.tenant = tenant;
  query.limit = 1000;
  return ask_and_print(
      common, [&](Access& access) { return access.parked(query); }, print_parked);
}

int parked_show(const Common& common, const std::string& id) {
  return ask_and_print(
      common, [&](Access& access) { return access.parked_record(id); }, print_members);
}

int parked_act(const Common& common, const std::string& id, const std::string& action) {
  const auto what = action == "retry" ? api::Service::ParkedAction::retry : api::Service::ParkedAction::drop;
  return ask_and_print(
      common, [&](Access& access) { return access.settle_parked(id, what); }, print_members);
}

int export_rows(const Common& common, const ExportOptions& options) {
  api::ExportQuery query;
  query.tenant = options.tenant;
  query.format = options.format == "avro" ? api::ExportFormat::avro : api::ExportFormat::json_lines;
  for (const auto& [text, bound] :
       {std::pair(&options.from, &query.from), std::pair(&options.to, &query.to)}) {
    if (text->empty()) continue;
    const auto time = parse_rfc3339(*text);
    if (!time.ok()) return complain(time.error());
    *bound = *time;
  }
  auto access = Access::open(common);
  if (!access.ok()) return complain(access.error());
  std::ofstream file;
  if (options.output != "-") {
    file.open(options.output, std::ios::binary);
    if (!file) return complain({Cause::invalid, options.output + " cannot be written"});
  }
  std::ostream& out = options.output == "-" ? std::cout : file;
  const Status done = (*access)->export_rows(query, [&](ByteView bytes) {
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return out.good();
  });
  if (!done.ok()) return complain(done.error());
  out.flush();
  return out.good() ? exit_ok
                    : complain({Cause::exhausted, "not everything could be written to " + options.output});
}

int verify(const Common& common, const VerifyOptions& options) {
  auto access = Access::open(common);
  if (!access.ok()) return complain(access.error());
  VerifyPrinter printer(common.json);
  Lines lines;
  const Status done = (*access)->verify(options.quick, [&](ByteView bytes) {
    lines.take(bytes, [&](const std::string& line) { printer.line(line); });
    return true;
  });
  if (!done.ok()) return complain(done.error());
  return printer.end();
}

}  // namespace bonafide::app
