#include "app/configuration.hpp"

#include <cstdlib>

#include "mail/change.hpp"

namespace bonafide::app {
namespace {

using flow::FieldType;
using flow::Section;

Section api_section() {
  return {"api",
          "the HTTP API",
          {{"listen", FieldType::list, "127.0.0.1:8025", "addresses to listen on; port 0 is any free port"},
           {"token_file", FieldType::text, "",
            "file of bearer tokens, one a line; anything but loopback needs it or allow"},
           {"allow", FieldType::list, "", "CIDR ranges whose callers need no token"},
           {"names", FieldType::list, "", "host names the service is known by, beside localhost"},
           {"max_message", FieldType::bytes, "50MiB", "the largest message that is taken"},
           {"max_connections", FieldType::integer, "1000", "connections at one time", false, 1, 100'000},
           {"max_views", FieldType::integer, "32", "streams watched at one time (events, tail)", false, 1,
            1000}}};
}

Section door_section() {
  return {
      "door",
      "what front doors take and believe",
      {{"edge",
        FieldType::choice,
        "none",
        "which headers live doors believe: none, auto (topmost Received is the edge), hops",
        false,
        {},
        {},
        {"none", "auto", "hops"}},
       {"trusted_hops", FieldType::integer, "1", "with edge: hops, how many Received lines are ours", false,
        1, 20},
       {"authserv_ids", FieldType::list, "", "whose Authentication-Results are believed"},
       {"deadline", FieldType::duration, "2s",
        "from acceptance to verdict; then a waiting caller is answered as `late` says"},
       {"late",
        FieldType::choice,
        "suspicious",
        "what a waiting caller is told after the deadline: suspicious (marked late), or defer (a temporary "
        "failure)",
        false,
        {},
        {},
        {"suspicious", "defer"}},
       {"dedupe", FieldType::duration, "7d", "for how long a repeat is answered with the first id"},
       {"keep_raw", FieldType::duration, "0s",
        "for how long the bytes of messages are kept as they were received; 0s: they are not kept, and those "
        "that are there are removed"},
       {"heartbeat", FieldType::duration, "5s", "how often a heartbeat crosses the pipeline; 0s is never"}}};
}

Section retention_section() {
  return {
      "retention",
      "for how long stores keep what they have, by the time of acceptance; 0s is for ever. The door's list "
      "is kept as long as the longest of them, the journal by its own settings",
      {{"rows", FieldType::duration, "90d", "the rows"},
       {"rows_size", FieldType::bytes, "0",
        "the oldest rows are removed until the others fit; 0 is no limit. The search index goes with the "
        "rows"},
       {"raw_size", FieldType::bytes, "0", "likewise the bytes of messages that door.keep_raw keeps"},
       {"archive", FieldType::duration, "400d", "the archive, in whole days"},
       {"archive_size", FieldType::bytes, "0",
        "the archive's oldest days are removed until it fits; 0 is no limit"},
       {"parked", FieldType::duration, "90d",
        "parked messages, after they were retried or dropped; those that wait are kept"},
       {"every", FieldType::duration, "5m", "how often is looked", false, 1, 86'400}}};
}

control::RetentionSettings retention_of(const flow::Settings& section, Duration keep_raw) {
  const auto keep = [&](const char* name) {
    const Duration given = section.duration(name);
    return given == Duration{} ? std::nullopt : std::optional(given);
  };
  control::RetentionSettings settings;
  settings.rows = keep("rows");
  settings.archive = keep("archive");
  settings.archive_bytes = section.bytes("archive_size");
  settings.rows_bytes = section.bytes("rows_size");
  settings.raw_bytes = section.bytes("raw_size");
  settings.parked = keep("parked");
  settings.raw = keep_raw;
  settings.every = section.duration("every");
  return settings;
}

Section mail_door_section(const char* name, const char* summary, const char* listen) {
  return {
      name,
      summary,
      {{"listen", FieldType::list, listen,
        "addresses to listen on; port 0 is any free port, unix:/path a socket, [] shuts the door"},
       {"host_name", FieldType::text, "bonafide.localhost", "what the door calls itself"},
       {"allow", FieldType::list, "",
        "CIDR ranges that may hand over mail, beside this machine; anything but loopback needs it"},
       {"relays", FieldType::list, "127.0.0.0/8,::1",
        "CIDR ranges of mail servers of yours: what they say with XFORWARD is believed, and they are never "
        "taken for the sender's own server"},
       {"copy_to", FieldType::list, "",
        "addresses your mail server sends copies to (always_bcc): they are no recipients of the message"},
       {"copy_domain", FieldType::text, "",
        "domain your mail server puts behind recipients to send copies (recipient_bcc_maps): it is taken "
        "off"},
       {"tenant", FieldType::text, "", "whose all mail of this door is; empty: the recipients tell"},
       {"max_connections", FieldType::integer, "200", "connections at one time", false, 1, 100'000}}};
}

MailDoorSettings mail_door_of(net::SmtpProtocol protocol, const flow::Settings& section) {
  MailDoorSettings door;
  door.protocol = protocol;
  door.listen = section.list("listen");
  door.listen_is_default = section.where("listen") == "default";
  door.host_name = section.text("host_name");
  door.allow = section.list("allow");
  door.relays = section.list("relays");
  door.copy_to = section.list("copy_to");
  door.copy_domain = section.text("copy_domain");
  door.tenant = section.text("tenant");
  door.max_connections = static_cast<size_t>(section.integer("max_connections"));
  return door;
}

Section files_section() {
  return {"files",
          "mail from files that others write; nothing in them is changed",
          {{"watch", FieldType::list, "",
            "Maildirs and mboxes; each message in them is taken once, those that come later too"},
           {"every", FieldType::duration, "2s", "how often is looked", false, 0.1, 3600}}};
}

Section tenants_section() {
  return {"tenants",
          "whose mail it is, beside the tenants of `bonafide tenant add`; without any, there is one, default",
          {{"domains", FieldType::lists, "", "tenant: [its domains]"},
           {"networks", FieldType::lists, "",
            "tenant: [CIDR ranges its own servers send from]; makes mail outbound or internal"},
           {"mailboxes", FieldType::lists, "",
            "tenant: [single addresses that are its own, whatever their domain]"},
           {"people", FieldType::lists, "",
            "tenant: [its own people, as \"Ann Smith <ann@acme.example>\"]; whoever bears such a name from "
            "another "
            "address borrows it"}}};
}

Section journal_section() {
  return {
      "journal",
      "the embedded log",
      {{"segment", FieldType::bytes, "64MiB", "size of a segment file", false, 1 << 20, 1 << 30},
       {"memory", FieldType::bytes, "64MiB", "recent records kept in memory"},
       {"max_age", FieldType::duration, "7d",
        "records older than this are forgotten, once every reader has them"},
       {"max_size", FieldType::bytes, "16GiB",
        "at this size doors answer \"later\" until readers have caught up"},
       {"min_free", FieldType::bytes, "1GiB",
        "with less room on the disk, or less than 5 % of it, mail is refused; with an eighth of that, steps "
        "wait as well"},
       {"max_behind", FieldType::integer, "1000000",
        "messages a step may be behind with what is durable; then mail is refused until it has caught up",
        false, 1, 1e9},
       {"partitions", FieldType::integer, "0",
        "shards of every stream and lane; another number than there are ends those and begins new ones, "
        "order per sender is kept. 0: as they are, 1 at first",
        false, 0, 64}}};
}

Section search_section() {
  return {"search",
          "the search index",
          {{"text", FieldType::bytes, "128",
            "so much of the beginning of a message's text can be searched; 0: none of it", false, 0,
            mail::Change::text_bytes}}};
}

Section history_section() {
  return {"history",
          "what is known of every identity",
          {{"memory", FieldType::bytes, "96MiB", "cache of histories"}}};
}

Section reference_section() {
  return {
      "reference",
      "files of networks and domains, one entry a line, or MaxMind DBs (.mmdb); read again when they change",
      {{"blocked", FieldType::list, "", "files of senders known to be bad"},
       {"disposable", FieldType::list, "", "files of providers of mailboxes that are thrown away"},
       {"free_mail", FieldType::list, "", "files of free mail providers, beside the built-in ones"},
       {"hosting", FieldType::list, "", "files of rented networks"},
       {"popular", FieldType::list, "", "files of widely used domains"},
       {"network", FieldType::list, "", "files that say whose network an address is in (ASN, country)"},
       {"every", FieldType::duration, "2s",
        "how often is looked whether they have changed; 0s: never, they stay as they are at start", false, 0,
        3600}}};
}

mail::Edge edge_of(const flow::Settings& door) {
  mail::Edge edge;
  const std::string mode = door.text("edge");
  edge.mode = mode == "auto"   ? mail::Edge::Mode::auto_
              : mode == "hops" ? mail::Edge::Mode::trusted_hops
                               : mail::Edge::Mode::none;
  edge.trusted_hops = static_cast<int>(door.integer("trusted_hops"));
  edge.authserv_ids = door.list("authserv_ids");
  return edge;
}

Result<std::vector<mail::TenantDefinition>> tenants_of(const flow::Settings& settings) {
  std::map<std::string, mail::TenantDefinition> tenants;
  for (const auto& [name, domains] : settings.lists("domains")) tenants[name].domains = domains;
  for (const auto& [name, mailboxes] : settings.lists("mailboxes")) tenants[name].mailboxes = mailboxes;
  for (const auto& [name, networks] : settings.lists("networks")) tenants[name].networks = networks;
  for (const auto& [name, people] : settings.lists("people")) {
    for (const auto& text : people) {
      auto person = mail::parse_person(text);
      if (!person.ok()) return person.error().in("tenants.people: " + name);
      tenants[name].people.push_back(std::move(*person));
    }
  }
  std::vector<mail::TenantDefinition> out;
  for (auto& [name, tenant] : tenants) {
    tenant.name = name;
    out.push_back(std::move(tenant));
  }
  return out;
}

Result<std::vector<trust::ListSource>> sources_of(const flow::Settings& settings) {
  std::vector<trust::ListSource> sources;
  for (const char* role : {"blocked", "disposable", "free_mail", "hosting", "popular", "network"}) {
    BONAFIDE_ASSIGN(const auto which, trust::parse_list_role(role));
    for (const auto& path : settings.list(role)) {
      const size_t slash = path.rfind('/');
      sources.push_back({slash == std::string::npos ? path : path.substr(slash + 1), which, path});
    }
  }
  return sources;
}

Result<Configuration> from_config(std::shared_ptr<const flow::Config> config, env::Files& files) {
  Configuration made;
  const auto& api = config->section("api");
  made.api.listen = api.list("listen");
  made.api.token_file = api.text("token_file");
  made.api.allow = api.list("allow");
  made.api.names = api.list("names");
  made.api.max_message_bytes = api.bytes("max_message");
  made.api.max_connections = static_cast<size_t>(api.integer("max_connections"));
  made.service.max_views = static_cast<size_t>(api.integer("max_views"));
  const auto& door = config->section("door");
  made.service.edge = edge_of(door);
  made.heartbeat = door.duration("heartbeat");
  made.mail_doors = {mail_door_of(net::SmtpProtocol::smtp, config->section("smtp")),
                     mail_door_of(net::SmtpProtocol::lmtp, config->section("lmtp"))};
  made.files_door = {config->section("files").list("watch"), config->section("files").duration("every")};
  for (auto& mail_door : made.mail_doors) {
    mail_door.max_message_bytes = made.api.max_message_bytes;
    mail_door.edge = made.service.edge;
  }
  made.api.deadline = door.duration("deadline");
  made.api.late = door.text("late") == "defer" ? api::Late::defer : api::Late::suspicious;
  auto& pipeline = made.pipeline;
  pipeline.collector.deadline = door.duration("deadline");
  pipeline.collector.dedupe_for = door.duration("dedupe");
  pipeline.collector.keep_raw = door.duration("keep_raw") > Duration{};
  pipeline.retention = retention_of(config->section("retention"), door.duration("keep_raw"));
  pipeline.collector.max_message_bytes = made.api.max_message_bytes;
  BONAFIDE_ASSIGN(pipeline.tenants, tenants_of(config->section("tenants")));
  const auto& journal = config->section("journal");
  pipeline.journal.segment_bytes = journal.bytes("segment");
  pipeline.journal.memory_bytes = journal.bytes("memory");
  pipeline.journal.max_age = journal.duration("max_age");
  pipeline.journal.max_bytes = journal.bytes("max_size");
  pipeline.journal.min_free_bytes = journal.bytes("min_free");
  pipeline.journal.max_behind_records = static_cast<uint64_t>(journal.integer("max_behind"));
  pipeline.journal.shards = static_cast<uint32_t>(journal.integer("partitions"));
  pipeline.history_memory_bytes = config->section("history").bytes("memory");
  pipeline.search_text_bytes = config->section("search").bytes("text");
  const auto& reference = config->section("reference");
  BONAFIDE_ASSIGN(const auto sources, sources_of(reference));
  BONAFIDE_ASSIGN(auto sets, trust::ReferenceData::load(files, sources));
  pipeline.reference = std::make_shared<const trust::ReferenceData>(std::move(sets));
  pipeline.reference_every = reference.duration("every");
  if (pipeline.reference_every > Duration{}) pipeline.reference_sources = sources;
  pipeline.model = std::shared_ptr<const trust::Model>(&trust::Model::built_in(), [](const trust::Model*) {});
  if (config->topology()) pipeline.topology = *config->topology();
  pipeline.config = std::move(config);
  return made;
}

}  // namespace

std::vector<Section> configuration_sections() {
  std::vector<Section> sections = {api_section(),
                                   mail_door_section("smtp", "the SMTP door", "127.0.0.1:2525"),
                                   mail_door_section("lmtp", "the LMTP door", "127.0.0.1:2424"),
                                   files_section(),
                                   door_section(),
                                   tenants_section(),
                                   journal_section(),
                                   history_section(),
                                   search_section(),
                                   retention_section(),
                                   reference_section()};
  for (auto& section : components(nullptr).sections()) sections.push_back(std::move(section));
  return sections;
}

flow::Config::Outside configuration_outside(env::Files& files) {
  return {files, [](const std::string& name) -> std::optional<std::string> {
            const char* value =
                std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): read before any thread starts
            return value == nullptr ? std::nullopt : std::optional<std::string>(value);
          }};
}

std::string configuration_file(env::Files& files, const Common& common) {
  if (!common.config.empty()) return common.config;
  for (const auto& path : {common.data + "/bonafide.yaml", std::string("/etc/bonafide/bonafide.yaml")}) {
    if (const auto there = files.exists(path); there.ok() && *there) return path;
  }
  return "";
}

Result<Configuration> load_configuration(env::Files& files, const Common& common) {
  const auto sections = configuration_sections();
  const std::string file = configuration_file(files, common);
  std::shared_ptr<const flow::Config> config;
  if (file.empty()) {
    config = std::make_shared<const flow::Config>(flow::Config::presets(sections));
  } else {
    BONAFIDE_ASSIGN(auto loaded, flow::Config::load(file, sections, configuration_outside(files)));
    config = std::make_shared<const flow::Config>(std::move(loaded));
  }
  BONAFIDE_ASSIGN(auto made, from_config(config, files));
  made.file = file;
  return made;
}

}  // namespace bonafide::app
