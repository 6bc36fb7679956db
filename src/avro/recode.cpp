#include "avro/recode.hpp"

#include <memory>

#include "avro/resolve.hpp"
#include "base/text.hpp"

namespace bonafide::avro {
namespace {

constexpr size_t write_bytes = size_t{1} << 20;
constexpr size_t max_record_bytes = size_t{64} << 20;  // what a reader takes for one block

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// The file written aside: gone again unless it takes the place it was made for.
class Aside {
 public:
  Aside(env::Files& files, std::string path) : files_(files), path_(std::move(path)) {}
  ~Aside() {
    if (file_ != nullptr) (void)files_.remove(path_);
  }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  Status open() {
    BONAFIDE_ASSIGN(file_, files_.open(path_, env::Open::create_new));
    return Ok{};
  }
  /// Writes what `bytes` holds and empties it.
  Status put(std::string& bytes) {
    BONAFIDE_TRY(file_->write_at(written_, bytes));
    written_ += bytes.size();
    bytes.clear();
    return Ok{};
  }
  Status take_place(const std::string& to) {
    BONAFIDE_TRY(file_->sync_all());
    BONAFIDE_TRY(files_.rename(path_, to));
    file_.reset();
    return files_.sync_folder(folder_of(to));
  }
  [[nodiscard]] uint64_t written() const { return written_; }

 private:
  env::Files& files_;
  const std::string path_;
  std::unique_ptr<env::File> file_;
  uint64_t written_ = 0;
};

Status refuse_overwriting(env::Files& files, const std::string& to, const RecodeOptions& options) {
  if (options.overwrite) return Ok{};
  BONAFIDE_ASSIGN(const bool there, files.exists(to));
  if (!there) return Ok{};
  return {Cause::invalid, to + " is there already: name another file, or overwrite it with --force"};
}

/// The records of `reader`, resolved by `plan` where there is one, into `aside`.
Status copy_records(ContainerReader& reader, const Plan* plan, ContainerWriter& writer, Aside& aside) {
  std::string out, resolved;
  BONAFIDE_TRY(writer.header(out));
  for (ByteView record;;) {
    BONAFIDE_ASSIGN(const bool more, reader.next(record));
    if (!more) break;
    if (plan != nullptr) {
      resolved.clear();
      Decoder in(record);
      const Status done = plan->run(in, resolved, max_record_bytes);
      if (!done.ok()) return done.error().in("record " + std::to_string(writer.records() + 1));
      record = resolved;
    }
    BONAFIDE_TRY(writer.append(record, out));
    if (out.size() >= write_bytes) BONAFIDE_TRY(aside.put(out));
  }
  BONAFIDE_TRY(writer.end_block(out));
  return aside.put(out);
}

}  // namespace

Result<Recoded> recode(env::Files& files, const std::string& from, const std::string& to,
                       const RecodeOptions& options) {
  BONAFIDE_TRY(refuse_overwriting(files, to, options));
  auto opened = files.open(from, env::Open::read);
  if (!opened.ok()) return opened.error();
  const std::shared_ptr<env::File> source = std::move(opened).value();
  auto found = ContainerReader::open(
      [source](uint64_t offset, size_t count) { return source->read_at(offset, count); });
  if (!found.ok()) return found.error().in(from);
  ContainerReader& reader = *found;

  const Schema schema = options.schema.value_or(reader.schema());
  std::optional<Plan> plan;
  if (options.schema) {
    auto compiled = Plan::compile(reader.schema(), schema);
    if (!compiled.ok()) return compiled.error().in("the schema cannot read " + from);
    if (!compiled->is_identity()) plan = std::move(*compiled);
  }
  ContainerOptions container;
  container.codec = options.codec.value_or(reader.codec());
  container.sync = options.sync;
  for (const auto& [key, value] : reader.metadata()) {
    if (!key.starts_with("avro.")) container.metadata.emplace(key, value);
  }
  ContainerWriter writer(schema, container);
  Aside aside(files, to + "." + to_hex({options.sync.data(), options.sync.size()}) + ".part");
  BONAFIDE_TRY(aside.open());
  const Status copied = copy_records(reader, plan ? &*plan : nullptr, writer, aside);
  if (!copied.ok()) return copied.error().in(from);
  BONAFIDE_TRY(refuse_overwriting(files, to, options));
  BONAFIDE_TRY(aside.take_place(to));
  BONAFIDE_ASSIGN(const uint64_t before, source->size());
  return Recoded{container.codec, writer.records(), before, aside.written()};
}

}  // namespace bonafide::avro
