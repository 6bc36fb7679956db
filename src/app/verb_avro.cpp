#include <algorithm>
#include <cstdio>

#include "app/output.hpp"
#include "app/verbs.hpp"
#include "avro/container.hpp"
#include "avro/json_codec.hpp"
#include "avro/recode.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "env/real/files.hpp"
#include "env/real/random.hpp"

// bonafide avro cat|schema|fingerprint|recode: any Avro container file, not only our own.
namespace bonafide::app {
namespace {

Result<avro::ContainerReader> open_container(const std::string& path) {
  env::RealFiles files;
  BONAFIDE_ASSIGN(auto opened, files.open(path, env::Open::read));
  const std::shared_ptr<env::File> file = std::move(opened);
  return avro::ContainerReader::open(
      [file](uint64_t offset, size_t count) { return file->read_at(offset, count); });
}

bool is_schema_file(const std::string& path) {
  return path.size() > 5 && path.compare(path.size() - 5, 5, ".avsc") == 0;
}

Result<avro::Schema> schema_of_file(const std::string& path) {
  if (!is_schema_file(path)) {
    BONAFIDE_ASSIGN(const auto reader, open_container(path));
    return reader.schema();
  }
  env::RealFiles files;
  BONAFIDE_ASSIGN(const std::string text, files.read_file(path));
  auto schema = avro::parse_schema(text);
  if (!schema.ok()) return schema.error().in(path);
  return schema;
}

Status cat(const std::string& path, int64_t limit) {
  BONAFIDE_ASSIGN(auto reader, open_container(path));
  std::string line;
  ByteView record;
  for (int64_t n = 0; limit == 0 || n < limit; ++n) {
    BONAFIDE_ASSIGN(const bool more, reader.next(record));
    if (!more) break;
    line.clear();
    avro::Decoder in(record);
    BONAFIDE_TRY(avro::binary_to_json(in, reader.schema().root(), line));
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stdout);
  }
  return Ok{};
}

}  // namespace

int avro_cat(const Common&, const std::string& file, int64_t limit) {
  const auto done = cat(file, limit);
  return done.ok() ? exit_ok : complain(done.error().in(file));
}

int avro_schema(const Common&, const std::string& file) {
  const auto schema = schema_of_file(file);
  if (!schema.ok()) return complain(schema.error());
  std::cout << schema->to_json() << "\n";
  return exit_ok;
}

int avro_fingerprint(const Common& common, const std::string& file) {
  const auto schema = schema_of_file(file);
  if (!schema.ok()) return complain(schema.error());
  std::string crc(8, '\0');
  store_be64(crc.data(), avro::fingerprint64(*schema));
  const Digest sha = avro::fingerprint_sha256(*schema);
  if (common.json) {
    JsonWriter json;
    json.begin_object()
        .member("crc64", to_hex(crc))
        .member("sha256", to_hex(view(sha)))
        .end_object()
        .end_line();
    std::cout << json.text();
  } else {
    std::cout << "CRC-64-AVRO " << to_hex(crc) << "\nSHA-256     " << to_hex(view(sha)) << "\n";
  }
  return exit_ok;
}

int avro_recode(const Common& common, const std::string& file, const RecodeChoice& choice) {
  avro::RecodeOptions options;
  options.overwrite = choice.force;
  if (!choice.codec.empty()) {
    const auto codec = avro::parse_codec(choice.codec);
    if (!codec.ok()) return complain(codec.error());
    options.codec = *codec;
  }
  if (!choice.schema.empty()) {
    const auto schema = schema_of_file(choice.schema);
    if (!schema.ok()) return complain(schema.error());
    options.schema = *schema;
  }
  env::RealRandom random;
  const std::string marker = random.bytes(options.sync.size());
  std::copy(marker.begin(), marker.end(), options.sync.begin());
  env::RealFiles files;
  const auto done = avro::recode(files, file, choice.out, options);
  if (!done.ok()) return complain(done.error());
  if (common.json) {
    JsonWriter json;
    json.begin_object().member("records", done->records).member("codec", to_string(done->codec));
    json.member("bytes_before", done->bytes_before).member("bytes_after", done->bytes_after);
    std::cout << json.end_object().end_line().text();
  } else {
    std::cout << done->records << " records, " << to_string(done->codec) << ": " << done->bytes_before
              << " bytes before, " << done->bytes_after << " now\n";
  }
  return exit_ok;
}

}  // namespace bonafide::app
