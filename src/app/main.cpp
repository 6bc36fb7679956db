#include <iostream>

#include <CLI/CLI.hpp>
#include <sys/stat.h>

#include "app/cli_pages.hpp"
#include "app/verbs.hpp"

// The command line: names, options and help. What the verbs do stands in the files named after them.
namespace bonafide::app {
namespace {

constexpr const char* about =
    "Bonafide scores every message against what its sender normally does, and stores the verdict with its "
    "reasons.\n"
    "Without any configuration everything runs on this machine, on loopback, with its data in ./data.";

struct Cli {
  Common common;
  RunOptions run;
  DemoOptions demo;
  ScoreOptions score;
  ReplayOptions replay;
  ShowOptions show;
  FeedbackOptions feedback;
  ExportOptions exported;
  VerifyOptions verify;
  SearchOptions search;
  StatsOptions stats;
  TailOptions tail;
  TopOptions top;
  ReprocessOptions reprocess;
  RecodeChoice recode;
  TenantOptions tenant;
  std::string id, file, folder, parked_tenant, shell;
  int64_t limit = 0;
  int result = exit_ok;
};

void add_common(CLI::App* verb, Cli& cli) {
  verb->add_option("--data", cli.common.data, "the data folder")
      ->capture_default_str()
      ->each([&cli](const std::string&) { cli.common.data_given = true; });
  verb->add_option("--config", cli.common.config,
                   "configuration file (default: DATA/bonafide.yaml, /etc/bonafide/bonafide.yaml, or none)");
  verb->add_flag("--json", cli.common.json, "print JSON, one object a line");
  verb->add_flag("-v,--verbose", cli.common.verbose, "log what is done to standard error");
}

CLI::App* add_verb(CLI::App* parent, Cli& cli, const char* name, const char* help,
                   const std::string& examples, std::function<int()> act) {
  auto* verb = parent->add_subcommand(name, help);
  add_common(verb, cli);
  verb->footer("Examples:\n" + examples);
  verb->callback([&cli, act = std::move(act)] { cli.result = act(); });
  return verb;
}

CLI::App* add_noun(CLI::App& app, const char* name, const char* help) {
  auto* noun = app.add_subcommand(name, help);
  noun->require_subcommand(1);
  return noun;
}

void add_services(CLI::App& app, Cli& cli) {
  auto* run = add_verb(&app, cli, "run", "run the service; with paths, feed these messages into it first",
                       "  bonafide run\n  bonafide run ~/Maildir archive.mbox --data /srv/bonafide",
                       [&cli] { return bonafide::app::run(cli.common, cli.run); });
  run->add_option("path", cli.run.paths, ".eml files, mbox files, Maildirs or folders of them");
  run->add_option("--listen", cli.run.listen, "address of the API, HOST:PORT; port 0 = any free port");
  auto* demo = add_verb(&app, cli, "demo", "run the service, fed by a simulated company",
                        "  bonafide demo\n  bonafide demo --seed 7 --speed 3600 --data /tmp/demo\n"
                        "  bonafide demo --scenario takeover.yaml --attacks account_takeover,hijacked_thread",
                        [&cli] { return run_demo(cli.common, cli.demo); });
  demo->add_option("--scenario", cli.demo.scenario,
                   "file that tells the company and its troubles (docs/demo.md)")
      ->check(CLI::ExistingFile);
  demo->add_option("--seed", cli.demo.seed, "which company: the same seed gives the same mail (1)");
  demo->add_option("--people", cli.demo.people, "on its staff (50)")->check(CLI::Range(20, 200));
  demo->add_option("--messages-per-day", cli.demo.messages_per_day, "about, on a working day (2000)")
      ->check(CLI::Range(50, 1'000'000));
  demo->add_option("--attacks-per-day", cli.demo.attacks_per_day, "about, on a working day (24)")
      ->check(CLI::Range(0, 100'000));
  demo->add_option("--quiet", cli.demo.quiet, "for how long there are no attacks, from the start on (28d)");
  demo->add_option("--attacks", cli.demo.attacks,
                   "only attacks of these kinds, with weights if you like: --attacks "
                   "blind_spoof,\"hijacked_thread 3\"")
      ->delimiter(',');
  demo->add_option("--past-days", cli.demo.past_days, "days of past mail before it goes live")
      ->capture_default_str()
      ->check(CLI::Range(0, 3650));
  demo->add_option("--speed", cli.demo.speed, "simulated seconds a second, once live")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 1e6));
  demo->add_option("--stop-after", cli.demo.stop_after,
                   "stop after so many messages (0: go on until Ctrl-C)");
  demo->add_option("--listen", cli.demo.listen, "address of the API, HOST:PORT; port 0 = any free port");
}

void add_mail(CLI::App& app, Cli& cli) {
  auto* score = add_verb(&app, cli, "score", "score messages without storing or learning anything",
                         "  bonafide score message.eml\n  bonafide score --json < message.eml\n"
                         "  bonafide score --data ./data inbox.mbox     (with the history of that folder)",
                         [&cli] { return bonafide::app::score(cli.common, cli.score); });
  score->add_option("file", cli.score.paths, ".eml, mbox, Maildir; none or - is standard input");
  score->add_option("--tenant", cli.score.tenant, "whose history to score against");
  auto* replay = add_verb(&app, cli, "replay", "feed a replay set through the whole pipeline at event time",
                          "  bonafide replay ./dev-set --scores scores.jsonl --data /tmp/replay",
                          [&cli] { return bonafide::app::replay(cli.common, cli.replay); });
  replay->add_option("set", cli.replay.set, "folder with manifest.jsonl and mail/")->required();
  replay->add_option("--scores", cli.replay.scores, "file for one JSON line a message")->required();
  auto* show = add_verb(&app, cli, "show", "everything that is stored of one message",
                        "  bonafide show 019a… --json\n  bonafide show 019a… --rescore\n  bonafide show "
                        "019a… --raw > message.eml",
                        [&cli] { return bonafide::app::show(cli.common, cli.show); });
  show->add_option("id", cli.show.id, "event id, 32 hex digits")->required();
  show->add_flag("--rescore", cli.show.rescore,
                 "score again from the stored evidence and compare bit by bit");
  show->add_flag("--raw", cli.show.raw, "the message's bytes as they were received (needs door.keep_raw)")
      ->excludes("--rescore");
  auto* feedback =
      add_verb(&app, cli, "feedback", "say that a message is good or bad; the last word counts, and teaches",
               "  bonafide feedback 019a… good\n  bonafide feedback 019a… bad --json",
               [&cli] { return bonafide::app::feedback(cli.common, cli.feedback); });
  feedback->add_option("id", cli.feedback.id, "event id, 32 hex digits")->required();
  feedback->add_option("judgement", cli.feedback.judgement, "good or bad")
      ->required()
      ->check(CLI::IsMember({"good", "bad"}));
  auto* exported =
      add_verb(&app, cli, "export", "all stored rows as JSON lines or an Avro file",
               "  bonafide export > rows.jsonl\n  bonafide export --format avro --output rows.avro",
               [&cli] { return export_rows(cli.common, cli.exported); });
  exported->add_option("--format", cli.exported.format, "jsonl or avro")
      ->capture_default_str()
      ->check(CLI::IsMember({"jsonl", "avro"}));
  exported->add_option("--from", cli.exported.from, "accepted at or after (RFC 3339)");
  exported->add_option("--to", cli.exported.to, "accepted before (RFC 3339)");
  exported->add_option("--tenant", cli.exported.tenant, "of this tenant alone");
  exported->add_option("-o,--output", cli.exported.output, "file, - is standard output")
      ->capture_default_str();
}

void add_search(CLI::App& app, Cli& cli) {
  auto* search = add_verb(&app, cli, "search", "find messages by words, fields and facts",
                          "  bonafide search invoice from:acme.example verdict:suspicious,untrusted\n"
                          "  bonafide search '\"new bank account\"' after:2026-01-01 --json",
                          [&cli] { return bonafide::app::search(cli.common, cli.search); });
  search->add_option(
      "query", cli.search.words,
      "words, \"phrases\", word*, from: to: subject: text: file: link: domain: verdict: attack: "
      "direction: judgement: after: before: has:attachment; nothing: all, newest first");
  search->add_option("--tenant", cli.search.tenant, "of this tenant alone");
  search->add_option("--from", cli.search.from, "received at or after (a day, or RFC 3339)");
  search->add_option("--to", cli.search.to, "received before");
  search->add_option("--limit", cli.search.limit, "how many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  auto* stats = add_verb(&app, cli, "stats", "count messages, when asked",
                         "  bonafide stats --by day --from 2026-01-01 --tz Europe/Berlin\n"
                         "  bonafide stats --by domain verdict:untrusted",
                         [&cli] { return bonafide::app::stats(cli.common, cli.stats); });
  stats->add_option("query", cli.stats.words, "count only what this search finds");
  stats
      ->add_option("--by", cli.stats.by, "hour, day, domain, verdict, attack, direction, judgement or tenant")
      ->capture_default_str()
      ->check(
          CLI::IsMember({"hour", "day", "domain", "verdict", "attack", "direction", "judgement", "tenant"}));
  stats->add_option("--from", cli.stats.from, "received at or after (a day, or RFC 3339)");
  stats->add_option("--to", cli.stats.to, "received before");
  stats->add_option("--tz", cli.stats.tz, "whose hours and days, e.g. Europe/Berlin")->capture_default_str();
  stats->add_option("--tenant", cli.stats.tenant, "of this tenant alone");
  stats->add_option("--limit", cli.stats.limit, "how many groups")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  add_verb(&app, cli, "reindex", "build the search index anew from the rows, while it is asked",
           "  bonafide reindex", [&cli] { return bonafide::app::reindex(cli.common); });
}

void add_views(CLI::App& app, Cli& cli) {
  auto* tail = add_verb(&app, cli, "tail", "the records of a stream, decoded, as they are synced",
                        "  bonafide tail mail.scored -f --verdict suspicious,untrusted\n"
                        "  bonafide tail mail.received --from 15m --sender acme.example --json\n"
                        "  bonafide tail mail.parked --from beginning",
                        [&cli] { return bonafide::app::tail(cli.common, cli.tail); });
  tail->add_option("stream", cli.tail.stream)
      ->type_name(
          "STREAM:{mail.received,mail.scored,mail.changes,mail.feedback,mail.reprocess,mail.parked,mail.raw}")
      ->required();
  tail->add_flag("-f,--follow", cli.tail.follow, "go on with what comes, until Ctrl-C");
  auto* last = tail->add_option("-n,--last", cli.tail.last, "begin with so many of the newest")
                   ->capture_default_str()
                   ->check(CLI::Range(1, 1000));
  last->each([&cli](const std::string&) { cli.tail.last_given = true; });
  tail->add_option("--from", cli.tail.from,
                   "beginning, now, a time (2026-01-31, 2026-01-31T08:30:00Z), or how long ago (15m)")
      ->excludes(last);
  tail->add_option("--limit", cli.tail.limit, "end after so many (0: no limit)")
      ->check(CLI::NonNegativeNumber);
  tail->add_option("--tenant", cli.tail.tenant, "of this tenant alone");
  tail->add_option("--verdict", cli.tail.verdicts, "of these alone: trusted, suspicious, untrusted, none")
      ->delimiter(',')
      ->check(CLI::IsMember({"trusted", "suspicious", "untrusted", "none"}));
  tail->add_option("--sender", cli.tail.sender, "from this address, or this domain and those below it");
  tail->add_option("--id", cli.tail.id, "of this event alone");
  tail->add_flag("--reveal", cli.tail.reveal, "addresses in full, not a…@acme.example");
  tail->add_flag("--full", cli.tail.full, "with --json: all of the event");
  auto* top = add_verb(&app, cli, "top",
                       "the pipeline live: rates, latency of every step, backlog, verdicts; q ends it",
                       "  bonafide top\n  bonafide top --once\n  bonafide top --json | jq .recent",
                       [&cli] { return bonafide::app::top(cli.common, cli.top); });
  top->add_flag("--once", cli.top.once, "one picture, and end");
}

void add_reprocess(CLI::App& app, Cli& cli) {
  auto* verb =
      add_verb(&app, cli, "reprocess",
               "stored messages through the pipeline again, as new revisions, behind live mail",
               "  bonafide reprocess --from 2026-01-01 --to 2026-02-01\n"
               "  bonafide reprocess --from 2026-01-31T08:00:00Z --to 2026-02-01 --step score --no-wait\n"
               "  bonafide reprocess --status\n  bonafide reprocess --cancel",
               [&cli] { return bonafide::app::reprocess(cli.common, cli.reprocess); });
  verb->add_option("--from", cli.reprocess.from, "accepted at or after (a day, or RFC 3339)");
  verb->add_option("--to", cli.reprocess.to, "accepted before");
  verb->add_option(
          "--step", cli.reprocess.step,
          "from which step on; score: today's code and model on the evidence as it was read; enrich: "
          "today's reference data and histories too")
      ->capture_default_str()
      ->check(CLI::IsMember({"enrich", "score"}));
  verb->add_option("--tenant", cli.reprocess.tenant, "of this tenant alone");
  verb->add_flag("--no-wait", cli.reprocess.no_wait, "do not wait for its end");
  verb->add_flag("--status", cli.reprocess.status, "how far the last one has come");
  verb->add_flag("--cancel", cli.reprocess.cancel, "end the one that is under way")->excludes("--status");
}

void add_operations(CLI::App& app, Cli& cli) {
  add_verb(&app, cli, "status", "is all well, and if not, what is not", "  bonafide status",
           [&cli] { return bonafide::app::status(cli.common); });
  auto* verify = add_verb(&app, cli, "verify", "do the books balance, and is every stored byte sound",
                          "  bonafide verify\n  bonafide verify --quick --json",
                          [&cli] { return bonafide::app::verify(cli.common, cli.verify); });
  verify->add_flag("--quick", cli.verify.quick, "only the balances, not every byte");
  auto* parked = add_noun(app, "parked", "messages that could not be processed and wait for you");
  add_verb(parked, cli, "list", "what is parked, and why", "  bonafide parked list", [&cli] {
    return parked_list(cli.common, cli.parked_tenant);
  })->add_option("--tenant", cli.parked_tenant, "of this tenant alone");
  add_verb(parked, cli, "show", "one parked message with its payload", "  bonafide parked show 019a…",
           [&cli] { return parked_show(cli.common, cli.id); })
      ->add_option("id", cli.id)
      ->required();
  add_verb(parked, cli, "retry", "put it back; its result is a new revision under the same id",
           "  bonafide parked retry 019a…", [&cli] { return parked_act(cli.common, cli.id, "retry"); })
      ->add_option("id", cli.id)
      ->required();
  add_verb(parked, cli, "drop", "give it up; its suspicious row stays", "  bonafide parked drop 019a…",
           [&cli] { return parked_act(cli.common, cli.id, "drop"); })
      ->add_option("id", cli.id)
      ->required();
}

void add_tenants(CLI::App& app, Cli& cli) {
  auto* tenant = add_noun(app, "tenant", "whose mail it is; changes are in force at once");
  const auto named = [&cli](CLI::App* verb) {
    verb->add_option("name", cli.tenant.name, "letters, digits, -, _ and .")->required();
    return verb;
  };
  auto* add = named(
      add_verb(tenant, cli, "add", "add a tenant, or replace one",
               "  bonafide tenant add acme --domain acme.example --network 192.0.2.0/28\n"
               "  bonafide tenant add acme --domain acme.example --person 'Ann Smith <ann@acme.example>'\n"
               "  bonafide tenant show acme --json > acme.json; …; bonafide tenant add acme --replace --file "
               "acme.json",
               [&cli] { return tenant_add(cli.common, cli.tenant); }));
  add->add_option("--domain", cli.tenant.domains, "all mail to it is the tenant's (repeatable)");
  add->add_option("--network", cli.tenant.networks, "CIDR range its own servers send from (repeatable)");
  add->add_option("--mailbox", cli.tenant.mailboxes, "a single address, whatever its domain (repeatable)");
  add->add_option("--person", cli.tenant.people, "one of its own people, NAME <ADDRESS>… (repeatable)");
  add->add_option("--people", cli.tenant.people_file, "file with a person a line, as in --person");
  add->add_option("--file", cli.tenant.file,
                  "the whole tenant as JSON, as show --json prints it; - is standard input")
      ->excludes("--domain", "--network", "--mailbox", "--person", "--people");
  add->add_flag("--replace", cli.tenant.replace, "put it in the place of the tenant of that name");
  add_verb(tenant, cli, "list", "all tenants, and those that were removed", "  bonafide tenant list",
           [&cli] { return tenant_list(cli.common); });
  named(add_verb(tenant, cli, "show", "one tenant with its people", "  bonafide tenant show acme",
                 [&cli] { return tenant_show(cli.common, cli.tenant); }));
  named(add_verb(tenant, cli, "remove", "refuse its mail from now on; what is stored stays until retention",
                 "  bonafide tenant remove acme", [&cli] { return tenant_remove(cli.common, cli.tenant); }));
}

void add_tools(CLI::App& app, Cli& cli) {
  auto* config = add_noun(app, "config", "the configuration file");
  add_verb(config, cli, "lint", "find mistakes in a configuration file",
           "  bonafide config lint bonafide.yaml", [&cli] { return config_lint(cli.common, cli.file); })
      ->add_option("file", cli.file, "default: the file that would be used");
  add_verb(config, cli, "show", "the configuration in force, defaults included", "  bonafide config show",
           [&cli] { return config_show(cli.common); });
  add_verb(config, cli, "schema", "every key with its type, default and meaning",
           "  bonafide config schema --json", [&cli] { return config_schema(cli.common); });
  add_verb(config, cli, "docs", "write a page for each component into a folder, from the fields",
           "  bonafide config docs docs/components", [&cli] { return config_docs(cli.common, cli.folder); })
      ->add_option("folder", cli.folder)
      ->required();
  auto* schema = add_noun(app, "schema", "the schemas of the events");
  add_verb(schema, cli, "list", "subjects, versions and ids", "  bonafide schema list",
           [&cli] { return schema_list(cli.common); });
  add_verb(schema, cli, "check", "are all versions compatible with each other",
           "  bonafide schema check schemas/", [&cli] { return schema_check(cli.common, cli.folder); })
      ->add_option("folder", cli.folder, "SUBJECT/vN.avsc; default: the built-in schemas");
  auto* avro = add_noun(app, "avro", "Avro container files and schemas");
  auto* cat = add_verb(avro, cli, "cat", "the records of a container file as JSON lines",
                       "  bonafide avro cat data/archive/default/2026-01-02/*.avro --limit 3",
                       [&cli] { return avro_cat(cli.common, cli.file, cli.limit); });
  cat->add_option("file", cli.file)->required();
  cat->add_option("--limit", cli.limit, "stop after so many records (0: all)");
  add_verb(avro, cli, "schema", "the schema of a container file", "  bonafide avro schema events.avro",
           [&cli] { return avro_schema(cli.common, cli.file); })
      ->add_option("file", cli.file)
      ->required();
  add_verb(avro, cli, "fingerprint", "canonical form fingerprints of a schema (.avsc or container file)",
           "  bonafide avro fingerprint schemas/mail.scored/v1.avsc",
           [&cli] { return avro_fingerprint(cli.common, cli.file); })
      ->add_option("file", cli.file)
      ->required();
  auto* recode =
      add_verb(avro, cli, "recode", "a container file in another codec, or by another version of its schema",
               "  bonafide avro recode old.avro new.avro --codec zstandard\n"
               "  bonafide avro recode old.avro new.avro --schema schemas/mail.scored-value/v2.avsc",
               [&cli] { return avro_recode(cli.common, cli.file, cli.recode); });
  recode->add_option("file", cli.file)->required();
  recode->add_option("out", cli.recode.out, "the file to write: it becomes whole, or stays as it was")
      ->required();
  recode->add_option("--codec", cli.recode.codec, "null, deflate, snappy or zstandard; default: as it is")
      ->check(CLI::IsMember({"null", "deflate", "snappy", "zstandard"}));
  recode->add_option("--schema", cli.recode.schema,
                     "what the records become: .avsc, or a container file with it");
  recode->add_flag("--force", cli.recode.force, "overwrite OUT where it is there");
}

// What is made from the definitions above.
void add_pages(CLI::App& app, Cli& cli) {
  auto* man = app.add_subcommand("man", "the man page, for man(1)");
  man->footer("Examples:\n  bonafide man | man -l -\n  bonafide man > /usr/local/share/man/man1/bonafide.1");
  man->callback([&app] { std::cout << man_page(describe(app), BONAFIDE_VERSION); });
  auto* shells = app.add_subcommand("completion", "completion of the command line, for a shell to read");
  shells->footer("Examples:\n  source <(bonafide completion bash)\n  bonafide completion fish | source");
  shells->add_option("shell", cli.shell)->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  shells->callback([&app, &cli] { std::cout << completion(describe(app), cli.shell); });
}

int main_of(int argc, char** argv) {
  Cli cli;
  CLI::App app(about, "bonafide");
  app.require_subcommand(1);
  app.set_version_flag("--version", "bonafide " BONAFIDE_VERSION);
  app.get_formatter()->column_width(34);
  add_services(app, cli);
  add_mail(app, cli);
  add_search(app, cli);
  add_views(app, cli);
  add_operations(app, cli);
  add_tenants(app, cli);
  add_reprocess(app, cli);
  add_tools(app, cli);
  add_pages(app, cli);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? exit_ok : exit_usage;
  }
  return cli.result;
}

}  // namespace
}  // namespace bonafide::app

int main(int argc, char** argv) {
  ::umask(S_IRWXG | S_IRWXO);  // mail and what is known of people is nobody else's, in whatever file
  try {
    return bonafide::app::main_of(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "bonafide: " << error.what() << "\n";
    return bonafide::app::exit_software;
  }
}
