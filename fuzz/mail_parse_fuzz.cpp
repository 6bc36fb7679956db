// Raw mail to facts: whatever comes, the facts are in their bounds and in valid UTF-8. The first byte picks
// the edge.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/text.hpp"
#include "mail/parse/parse.hpp"

using namespace bonafide;

namespace {

void demand(bool holds) {
  if (!holds) std::abort();
}

class Checker {
 public:
  template <class T>
  void operator()(std::string_view, const T& value) {
    check(value);
  }
  size_t bytes = 0;

 private:
  void check(const std::string& value) {
    demand(is_utf8(value) && value.find('\0') == std::string::npos);
    bytes += value.size();
  }
  void check(const avro::Bytes& value) { bytes += value.data.size(); }
  template <class T>
  void check(const std::optional<T>& value) {
    if (value) check(*value);
  }
  template <class T>
  void check(const std::vector<T>& values) {
    for (const auto& value : values) check(value);
  }
  template <class T>
  void check(const T& value) {
    if constexpr (requires { T::avro_name; }) T::fields(value, *this);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static mail::Parser parser;
  if (size == 0) return 0;
  mail::Edge edge;
  edge.mode = static_cast<mail::Edge::Mode>(data[0] % 3);
  edge.trusted_hops = data[0] / 3 % 4;
  edge.authserv_ids = {"mx.example.net"};
  mail::Parsed parsed;
  parser.parse({reinterpret_cast<const char*>(data) + 1, size - 1}, edge, parsed);
  Checker checker;
  mail::Facts::fields(parsed.facts, checker);
  mail::Envelope::fields(parsed.envelope, checker);
  demand(checker.bytes <= mail::Limits{}.event_bytes * 7 / 8);
  return 0;
}
