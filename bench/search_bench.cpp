// Links: stores_sqlite steps_index env_real
//
// What the search index costs and answers: processor time a message to take it, at 50 and 1,000 messages a
// transaction; counts and searches over millions of messages.
//
//   search_bench [FOLDER] [MESSAGES]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "env/random.hpp"
#include "steps/index/query.hpp"
#include "stores/sqlite/search_store.hpp"

namespace {

using namespace bonafide;
using namespace bonafide::stores;

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }
double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Messages of a company with 2,000 partners, words as in a language: few are frequent, most are rare.
class Mail {
 public:
  explicit Mail(bool texts) : texts_(texts) {}

  SearchDoc next() {
    const uint64_t n = count_++;
    const Time at = Time::from_seconds(1'767'225'600) + Duration::millis(static_cast<int64_t>(n) * 1555);
    std::string tail(10, '\0');
    store_le(tail.data(), hash64(std::to_string(n)));
    SearchDoc doc;
    doc.id = EventId::make(at, tail);
    doc.at = at - Duration::minutes(random_.below(10) == 0 ? static_cast<int64_t>(random_.below(3000)) : 0);
    const uint64_t partner = rare(2000);
    domain_ = "partner" + std::to_string(partner) + ".example";
    doc.tenant = random_.below(5) == 0 ? "branch" : "default";
    doc.domain = domain_;
    const uint64_t kind = random_.below(100);
    doc.labels.verdict = kind < 90 ? 0 : kind < 98 ? 1 : 2;
    doc.labels.attack = static_cast<uint8_t>(doc.labels.verdict == 2 ? 1 + random_.below(6) : 0);
    doc.labels.attachment = random_.below(5) == 0;
    if (!texts_) return doc;
    subject_ = words(6);
    const uint64_t person = rare(20);
    sender_ = word(partner * 31 + person) + " " + word(partner * 17 + person) + " p" +
              std::to_string(person) + "@" + domain_;
    recipients_ = word(rare(500)) + "@corp.example";
    text_ = words(40);
    files_ = doc.labels.attachment ? word(rare(30'000)) + ".pdf" : "";
    links_ = "www." + domain_;
    doc.texts = {subject_, sender_, recipients_, text_, files_, links_};
    return doc;
  }

 private:
  uint64_t rare(uint64_t bound) {
    const double u = random_.unit();
    return std::min(bound - 1, static_cast<uint64_t>(static_cast<double>(bound) * u * u * u));
  }
  static std::string word(uint64_t n) {
    std::string made;
    for (uint64_t rest = n * 2654435761U % 400'000'007 + 1; rest > 0; rest /= 23)
      made += static_cast<char>('a' + rest % 23);
    return made;
  }
  std::string words(int count) {
    std::string made;
    for (int i = 0; i < count; ++i) made += (i == 0 ? "" : " ") + word(rare(30'000));
    return made;
  }

  const bool texts_;
  env::SeededRandom random_{1};
  uint64_t count_ = 0;
  std::string domain_, subject_, sender_, recipients_, text_, files_, links_;
};

std::unique_ptr<SearchStore> open(const std::string& folder, const char* name, size_t text_bytes = 128) {
  SearchStoreSettings settings;
  settings.text_bytes = text_bytes;
  settings.path = folder + "/" + name;
  auto opened = SearchStore::open(settings);
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    std::exit(1);
  }
  return std::move(*opened);
}

// The texts of a Mail live until the next one, so each is taken as it is made, and the making is taken off.
void fill(SearchStore& store, bool texts, uint64_t messages, uint64_t in_one) {
  struct Held {
    std::string tenant, domain;
    std::vector<std::string> texts;
  };
  Mail mail(texts);
  double spent = 0;
  uint64_t at = 0;
  while (at < messages) {
    std::vector<SearchDoc> docs;
    std::vector<Held> held(std::min(in_one, messages - at));
    for (auto& one : held) {
      auto doc = mail.next();
      one = {std::string(doc.tenant), std::string(doc.domain), {doc.texts.begin(), doc.texts.end()}};
      doc.tenant = one.tenant;
      doc.domain = one.domain;
      for (size_t i = 0; i < one.texts.size(); ++i) doc.texts[i] = one.texts[i];
      docs.push_back(doc);
    }
    const flow::Stretch stretch{
        {"mail.changes", flow::Lane::live, 0}, flow::Position::of(at), flow::Position::of(at + docs.size())};
    const double began = processor_seconds();
    if (!store.apply(docs, &stretch).ok() ||
        !store.settle(Time::from_millis(static_cast<int64_t>(at)), false).ok())
      std::exit(1);
    spent += processor_seconds() - began;
    at += docs.size();
  }
  std::printf("take %s, %llu in a transaction: %.1f us of processor time a message\n",
              texts ? "facts and texts" : "facts alone", static_cast<unsigned long long>(in_one),
              spent * 1e6 / static_cast<double>(messages));
}

template <class Ask>
void ask(const char* what, Ask&& question) {
  double best_wall = 1e9, best_processor = 1e9;
  size_t size = 0;
  for (int i = 0; i < 3; ++i) {
    const double wall = wall_seconds(), processor = processor_seconds();
    size = question();
    best_wall = std::min(best_wall, wall_seconds() - wall);
    best_processor = std::min(best_processor, processor_seconds() - processor);
  }
  std::printf("%-52s %8.1f ms (%.1f ms of processor time), %zu\n", what, best_wall * 1e3,
              best_processor * 1e3, size);
}

SearchFilter query(const char* text) {
  const auto filter = steps::parse_query(text);
  if (!filter.ok()) std::exit(1);
  return *filter;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder =
      argc > 1 ? argv[1] : (std::filesystem::temp_directory_path() / "search_bench").string();
  const uint64_t messages = argc > 2 ? std::stoull(argv[2]) : 5'000'000;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  for (const size_t text_bytes : {0, 128, 256}) {
    const auto store = open(folder, ("texts" + std::to_string(text_bytes) + ".db").c_str(), text_bytes);
    std::printf("search.text %zu: ", text_bytes);
    fill(*store, true, 20'000, 50);
  }
  const auto texts = open(folder, "texts.db");
  const uint64_t with_texts = std::min<uint64_t>(messages, 200'000);
  fill(*texts, true, with_texts, 1000);
  std::printf("index file: %.0f bytes a message\n",
              static_cast<double>(std::filesystem::file_size(folder + "/texts.db") +
                                  std::filesystem::file_size(folder + "/texts.db-wal")) /
                  static_cast<double>(with_texts));
  const auto found = [&](const char* text) {
    return [&texts, filter = query(text)] { return texts->search(filter, "", 50)->hits.size(); };
  };
  ask("search, a frequent sender", found("from:partner0.example"));
  ask("search, two words", found("partner1 pdf"));
  ask("search, a phrase that is nowhere", found("\"pdf corp\""));
  ask("search, a rare attack without words", found("attack:domain_spoof verdict:untrusted"));

  const auto facts = open(folder, "facts.db");
  fill(*facts, false, messages, 1000);
  std::printf("%llu messages:\n", static_cast<unsigned long long>(messages));
  const auto count = [&](SearchGroupBy by, const char* text = "") {
    return [&facts, by, filter = query(text)] { return facts->count(filter, by)->size(); };
  };
  ask("count by quarter hour (hour, day)", count(SearchGroupBy::quarter_hour));
  ask("count by domain", count(SearchGroupBy::domain));
  ask("count by verdict", count(SearchGroupBy::verdict));
  ask("count by attack", count(SearchGroupBy::attack));
  ask("count by tenant", count(SearchGroupBy::tenant));
  ask("count by domain, untrusted, last day",
      count(SearchGroupBy::domain, "verdict:untrusted after:2026-03-30"));
  ask("search, an attack that never was, no words", [&] {
    SearchFilter filter = query("");
    filter.attacks = 1U << 15;
    std::string cursor;
    size_t pages = 0;
    do {
      cursor = facts->search(filter, cursor, 50)->cursor;
      ++pages;
    } while (!cursor.empty());
    return pages;
  });
  return 0;
}
