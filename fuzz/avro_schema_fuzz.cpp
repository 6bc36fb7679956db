#include <cstdint>
#include <cstdlib>

#include "avro/resolve.hpp"
#include "avro/schema.hpp"

using namespace bonafide;
using namespace bonafide::avro;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// Any text is refused, or is a schema that prints to one that is the same. Two schemas, divided by a zero
// byte, are also resolved against each other.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(reinterpret_cast<const char*>(data), size);
  const size_t middle = input.find('\0');
  const auto schema = parse_schema(input.substr(0, middle));
  if (!schema.ok()) {
    require(!schema.error().message.empty());
    return 0;
  }
  const auto again = parse_schema(schema->to_json());
  require(again.ok() && again->to_json() == schema->to_json());
  require(canonical_form(*again) == canonical_form(*schema));
  require(fingerprint64(*again) == fingerprint64(*schema));

  // Only a schema that no value fits cannot read itself.
  const auto self = Plan::compile(*schema, *schema);
  if (self.ok() && self->gaps().empty()) {
    require(check_compatibility(*schema, *again, Compatibility::full).empty());
  }
  if (middle == ByteView::npos) return 0;
  const auto other = parse_schema(input.substr(middle + 1));
  if (!other.ok()) return 0;
  const auto plan = Plan::compile(*schema, *other);
  const auto gaps = Plan::find_gaps(*schema, *other);
  require(plan.ok() ? gaps.size() == plan->gaps().size() : !gaps.empty());
  return 0;
}
