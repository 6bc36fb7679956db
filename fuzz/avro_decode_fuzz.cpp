#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "avro/json_codec.hpp"
#include "avro/resolve.hpp"
#include "avro/value.hpp"

using namespace bonafide;
using namespace bonafide::avro;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr std::array<std::string_view, 4> texts = {
    R"({"type":"record","name":"R","fields":[
        {"name":"i","type":"int"},{"name":"l","type":"long"},{"name":"f","type":"float"},{"name":"d","type":"double"},
        {"name":"b","type":"boolean"},{"name":"s","type":"string"},{"name":"y","type":"bytes"},
        {"name":"x","type":{"type":"fixed","name":"X","size":3}},
        {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B","C"]}},
        {"name":"a","type":{"type":"array","items":["null","string","long"]}},
        {"name":"m","type":{"type":"map","values":"int"}},{"name":"next","type":["null","R"]}]})",
    R"({"type":"record","name":"R","fields":[
        {"name":"next","type":["null","R"]},{"name":"e","type":{"type":"enum","name":"E","symbols":["C","A"],"default":"A"}},
        {"name":"i","type":["double","string"]},{"name":"l","type":"float"},{"name":"s","type":"bytes"},
        {"name":"new","type":"string","default":"there"},{"name":"m","type":{"type":"map","values":"long"}},
        {"name":"a","type":{"type":"array","items":["null","bytes","double"]}}]})",
    R"({"type":"array","items":{"type":"record","name":"Z","fields":[{"name":"n","type":"null"},
        {"name":"o","type":{"type":"array","items":"null"}}]}})",
    R"({"type":"map","values":[{"type":"map","values":["null","string",{"type":"array","items":"bytes"}]},"boolean"]})"};

const Schema& schema(size_t i) {
  static const std::array<Schema, texts.size()> all = [] {
    std::array<Schema, texts.size()> parsed;
    for (size_t k = 0; k < texts.size(); ++k) parsed[k] = parse_schema(texts[k]).value();
    return parsed;
  }();
  return all[i];
}

}  // namespace

// The first byte chooses a schema, the rest is data: refused, or a value that keeps its bytes and its JSON.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t chosen = data[0] % texts.size();
  const ByteView bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Decoder skipped(bytes);
  const bool well_formed = skip(skipped, schema(chosen).root());

  if (chosen == 0) {
    static const Plan plan = Plan::compile(schema(0), schema(1)).value();
    Decoder in(bytes);
    std::string read;
    require(plan.run(in, read, 1 << 20).ok() || read.empty());
    if (!read.empty()) {
      Decoder back(read);
      require(skip(back, schema(1).root()) && back.at_end());
    }
  }
  Decoder in(bytes);
  const auto value = decode(in, schema(chosen).root());
  require(!value.ok() || (well_formed && in.offset() == skipped.offset()));
  if (!value.ok()) return 0;
  std::string written;
  require(encode(*value, schema(chosen).root(), written).ok());
  const auto again = decode(written, schema(chosen));
  require(again.ok());
  std::string twice;
  require(encode(*again, schema(chosen).root(), twice).ok() && twice == written);
  const auto json = to_json(*value, schema(chosen));
  require(json.ok());
  std::string from_text;
  // A map may hold a key twice, JSON may not; a NaN's payload has no JSON.
  if (json_to_binary(*json, schema(chosen).root(), from_text).ok()) {
    require(to_json(decode(from_text, schema(chosen)).value(), schema(chosen)).value() == *json);
  }
  return 0;
}
