#include "steps/archive/name.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

namespace bonafide::steps {
namespace {

constexpr size_t max_part = 150;
constexpr std::string_view file_end = ".avro", index_end = ".index";

std::string escape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool plain =
        is_alpha(c) || is_digit(c) || c == '-' || c == '@' || c == '+' || (i > 0 && (c == '.' || c == '_'));
    out += plain ? std::string(1, c) : "%" + to_hex({&c, 1});
  }
  if (out.empty()) return "%";
  if (out.size() <= max_part) return out;
  std::string hash;
  append_be64(hash, hash64(text));
  return out.substr(0, max_part) + "~" + to_hex(hash);
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    BONAFIDE_ASSIGN(const std::string byte, from_hex(text.substr(i + 1, 2)));
    if (byte.size() != 1) return Error{Cause::invalid, "\"%\" without two hex digits"};
    out += byte;
    i += 2;
  }
  return out;
}

/// At least 16 digits; further ones without the zero bytes at the end. Keeps the order.
std::string text_of(const flow::Position& position) {
  size_t bytes = position.bytes.size();
  while (bytes > 8 && position.bytes[bytes - 1] == 0) --bytes;
  return to_hex(position.view().substr(0, bytes));
}

Result<flow::Position> position_of(std::string_view text) {
  BONAFIDE_ASSIGN(const std::string raw, from_hex(text));
  flow::Position position;
  if (raw.size() < 8 || raw.size() > position.bytes.size()) return Error{Cause::invalid, "not a position"};
  std::copy(raw.begin(), raw.end(), position.bytes.begin());
  return position;
}

std::string stem_of(const ArchiveName& name) {
  return escape(name.shard.topic) + (name.shard.lane == flow::Lane::live ? "-live-" : "-backfill-") +
         std::to_string(name.shard.number) + "-" + text_of(name.first) + "-" + text_of(name.last);
}

}  // namespace

std::string archive_tenant_folder(const std::string& tenant) { return escape(tenant); }

std::string archive_folder(const ArchiveSeries& series) {
  constexpr int64_t last_day = 2'932'896;  // 9999-12-31
  const Time day = Time{} + Duration::days(std::clamp<int64_t>(series.day, 0, last_day));
  return escape(series.tenant) + "/" + format_rfc3339(day).substr(0, 10) + "/";
}

bool is_archive_index(std::string_view path) {
  const size_t slash = path.rfind('/');
  return path.ends_with(index_end) && slash != std::string_view::npos &&
         path.substr(slash + 1).starts_with('_');
}
bool is_archive_file(std::string_view path) { return path.ends_with(file_end); }

ArchiveName ArchiveName::of(const ArchiveSeries& series, flow::Position first, flow::Position last) {
  return {archive_folder(series), series.shard, first, last};
}
std::string ArchiveName::file() const { return folder + stem_of(*this) + std::string(file_end); }
std::string ArchiveName::index() const { return folder + "_" + stem_of(*this) + std::string(index_end); }

Result<ArchiveName> ArchiveName::parse(const std::string& path) {
  const Error error = {Cause::invalid, "\"" + path + "\" is not the name of an archive file"};
  const size_t slash = path.rfind('/');
  const bool index = is_archive_index(path);
  if (slash == std::string::npos || !(index || is_archive_file(path))) return error;
  std::string stem = path.substr(slash + (index ? 2 : 1));
  stem.resize(stem.size() - (index ? index_end : file_end).size());
  // From the right: a topic's name may hold "-".
  const auto parts = split(stem, '-');
  if (parts.size() < 5) return error;
  const auto first = position_of(parts[parts.size() - 2]), last = position_of(parts.back());
  const auto number = parse_int(parts[parts.size() - 3]);
  const auto lane = parts[parts.size() - 4];
  const std::string_view topic_part(stem.data(), static_cast<size_t>(lane.data() - stem.data() - 1));
  const auto topic = unescape(topic_part);
  if (!first.ok() || !last.ok() || !number.ok() || *number < 0 || *number > UINT32_MAX || !topic.ok() ||
      (lane != "live" && lane != "backfill")) {
    return error;
  }
  const auto which = lane == "live" ? flow::Lane::live : flow::Lane::backfill;
  return ArchiveName{
      path.substr(0, slash + 1), {*topic, which, static_cast<uint32_t>(*number)}, *first, *last};
}

}  // namespace bonafide::steps
