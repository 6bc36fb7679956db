#include <cstdint>
#include <cstdlib>

#include "avro/container.hpp"
#include "avro/json_codec.hpp"

using namespace bonafide;
using namespace bonafide::avro;

// Any bytes are refused, or are a container file whose records can be read; damage can be passed.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView file(reinterpret_cast<const char*>(data), size);
  auto reader = ContainerReader::open(file, {.header_bytes = 1 << 20, .block_bytes = 1 << 20});
  if (!reader.ok()) return 0;
  ByteView record;
  std::string json;
  for (int records = 0; records < 10'000;) {
    const auto more = reader->next(record);
    if (!more.ok()) {
      const uint64_t before = reader->offset();
      const auto found = reader->resync();
      if (!found.ok() || !*found) return 0;
      if (reader->offset() < before) std::abort();
      continue;
    }
    if (!*more) return 0;
    ++records;
    json.clear();
    Decoder in(record);
    if (!binary_to_json(in, reader->schema().root(), json).ok() || !in.at_end()) std::abort();
    if (json.size() > (64U << 20)) std::abort();
  }
  return 0;
}
