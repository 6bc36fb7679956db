#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What the command line asks for, one struct and one function a verb. The functions print to standard output
// and error and return an exit code of sysexits(3). main.cpp fills the structs.
namespace bonafide::app {

enum Exit : int {
  exit_ok = 0,
  exit_failed = 1,  ///< the answer is no: verify found something, lint found an error
  exit_usage = 64,
  exit_data = 65,         ///< the input is wrong
  exit_no_input = 66,     ///< the input is not there
  exit_unavailable = 69,  ///< the service does not answer
  exit_software = 70,
  exit_temporary = 75,  ///< try again later
  exit_config = 78,
};

struct Common {
  std::string data = "data";
  bool data_given = false;
  std::string config;  ///< "" = DATA/bonafide.yaml, /etc/bonafide/bonafide.yaml, or none
  bool json = false;
  bool verbose = false;
};

struct RunOptions {
  std::vector<std::string> paths;  ///< .eml, mbox, Maildir or folders to be fed first; "" = none
  std::optional<std::string> listen;
};
int run(const Common& common, const RunOptions& options);

struct DemoOptions {
  // Of the company. Without any of them a demo goes on as it was begun.
  std::string scenario;  ///< file; "" = the usual company
  std::optional<uint64_t> seed;
  std::optional<uint32_t> people, messages_per_day, attacks_per_day;
  std::optional<std::string> quiet;  ///< duration
  std::vector<std::string> attacks;  ///< only these kinds
  int64_t past_days = 45;
  double speed = 60;       ///< simulated seconds a second, live
  int64_t stop_after = 0;  ///< messages; 0 = never
  std::optional<std::string> listen;
};
int run_demo(const Common& common, const DemoOptions& options);

struct ScoreOptions {
  std::vector<std::string> paths;  ///< "-" = standard input
  std::string tenant;
};
int score(const Common& common, const ScoreOptions& options);

struct ReplayOptions {
  std::string set;     ///< folder with manifest.jsonl and mail/
  std::string scores;  ///< JSON lines out
};
int replay(const Common& common, const ReplayOptions& options);

struct ShowOptions {
  std::string id;
  bool rescore = false;
  bool raw = false;  ///< the bytes of the message, and nothing else
};
int show(const Common& common, const ShowOptions& options);

struct FeedbackOptions {
  std::string id;
  std::string judgement;  ///< good or bad
};
int feedback(const Common& common, const FeedbackOptions& options);

struct ExportOptions {
  std::string format = "jsonl";  ///< jsonl or avro
  std::string from, to;          ///< RFC 3339, of acceptance
  std::string tenant;            ///< "" = all
  std::string output = "-";
};
int export_rows(const Common& common, const ExportOptions& options);

struct SearchOptions {
  std::vector<std::string> words;  ///< of the query
  std::string tenant, from, to;    ///< "" = all
  int64_t limit = 50;
};
int search(const Common& common, const SearchOptions& options);

struct StatsOptions {
  std::string by = "day", tz = "UTC";
  std::string tenant, from, to;
  std::vector<std::string> words;
  int64_t limit = 1000;
};
int stats(const Common& common, const StatsOptions& options);

int reindex(const Common& common);

struct TailOptions {
  std::string stream, from;  ///< "" = the last ones; with follow: from now
  int64_t last = 10, limit = 0;
  bool last_given = false;
  bool follow = false, reveal = false, full = false;
  std::string tenant, sender, id;
  std::vector<std::string> verdicts;
};
int tail(const Common& common, const TailOptions& options);
struct ReprocessOptions {
  std::string from, to;  ///< RFC 3339 or a day, of acceptance
  std::string step = "enrich";
  std::string tenant;  ///< "" = all
  bool status = false, cancel = false, no_wait = false;
};
int reprocess(const Common& common, const ReprocessOptions& options);

int status(const Common& common);

struct TopOptions {
  bool once = false;  ///< one picture, and end
};
int top(const Common& common, const TopOptions& options);

struct VerifyOptions {
  bool quick = false;
};
int verify(const Common& common, const VerifyOptions& options);

int parked_list(const Common& common, const std::string& tenant);  ///< "" = all
int parked_show(const Common& common, const std::string& id);
int parked_act(const Common& common, const std::string& id, const std::string& action);  ///< retry or drop

struct TenantOptions {
  std::string name;
  std::vector<std::string> domains, networks, mailboxes, people;
  std::string people_file;  ///< a person a line
  std::string file;         ///< the whole tenant as JSON; "-" = standard input
  bool replace = false;
};
int tenant_list(const Common& common);
int tenant_show(const Common& common, const TenantOptions& options);
int tenant_add(const Common& common, const TenantOptions& options);
int tenant_remove(const Common& common, const TenantOptions& options);

int config_lint(const Common& common, const std::string& file);
int config_show(const Common& common);
int config_schema(const Common& common);
int config_docs(const Common& common, const std::string& folder);

int schema_list(const Common& common);
int schema_check(const Common& common, const std::string& folder);

int avro_cat(const Common& common, const std::string& file, int64_t limit);
int avro_schema(const Common& common, const std::string& file);
int avro_fingerprint(const Common& common, const std::string& file);
struct RecodeChoice {
  std::string out;
  std::string codec;   ///< "": as it is
  std::string schema;  ///< a .avsc file, or a container file with the schema; "": as it is
  bool force = false;
};
int avro_recode(const Common& common, const std::string& file, const RecodeChoice& choice);

}  // namespace bonafide::app
