// Queries from anybody: whatever is accepted is an expression that FTS5 understands, and each error tells a
// position within the query.
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <unistd.h>

#include "steps/index/query.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bonafide;
  static const auto store = [] {
    const auto folder = std::filesystem::temp_directory_path() / ("fuzz-query-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    auto made = *stores::SearchStore::open({.path = (folder / "search.db").string()});
    stores::SearchDoc doc;
    doc.texts = {"subject", "sender a@b.example", "to", "text", "file.pdf", "www.b.example"};
    const flow::Stretch stretch{{"t", flow::Lane::live, 0}, {}, flow::Position::of(1)};
    if (!made->apply(std::span(&doc, 1), &stretch).ok()) std::abort();
    return made;
  }();
  const auto filter = steps::parse_query({reinterpret_cast<const char*>(data), size});
  if (!filter.ok()) {
    if (filter.error().message.empty() || filter.error().cause != Cause::invalid) std::abort();
    return 0;
  }
  const auto page = store->search(*filter, "", 10);
  if (page.ok()) return 0;
  std::fprintf(stderr, "%s: %s\n", filter->match.c_str(), page.error().message.c_str());
  std::abort();
}
