#include <algorithm>

#include "flow/state.hpp"
#include "flow/varint.hpp"

namespace bonafide::flow {
namespace {

constexpr char format_version = 1;

// Counts wrap instead of overflowing, so that additions commute whatever they are.
int64_t plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

// What adds up to nothing goes: an addition and its opposite leave no trace.
void erase_if_zero(Buckets& buckets, size_t place) {
  if (buckets[place].n == 0) buckets.erase(place);
}

void add_to(Buckets& buckets, int32_t bucket, int64_t n) {
  const auto* at = std::lower_bound(buckets.begin(), buckets.end(), bucket,
                                    [](const Bucket& b, int32_t wanted) { return b.bucket < wanted; });
  const auto place = static_cast<size_t>(at - buckets.begin());
  if (place < buckets.size() && at->bucket == bucket) {
    buckets[place].n = plus(at->n, n);
    return erase_if_zero(buckets, place);
  }
  if (n == 0) return;
  buckets.insert(place, {bucket, n});
  if (buckets.size() > History::max_buckets) {
    buckets[1].n = plus(buckets[1].n, buckets[0].n);
    buckets.erase(0);
    erase_if_zero(buckets, 0);
  }
}

// The group decides most comparisons, and is one byte. `name` is not empty.
bool name_before(const History::Field& field, std::string_view name) {
  const auto a = static_cast<unsigned char>(field.name[0]), b = static_cast<unsigned char>(name[0]);
  return a != b ? a < b : field.name < name;
}

/// Is `a` to be folded away before `b`?
bool weaker(const History::Field& a, const History::Field& b) {
  const int32_t last_a = a.buckets.back().bucket, last_b = b.buckets.back().bucket;
  if (last_a != last_b) return last_a < last_b;
  const int64_t total_a = a.total(), total_b = b.total();
  return total_a != total_b ? total_a < total_b : a.name < b.name;
}

}  // namespace

int64_t History::Field::total() const {
  int64_t sum = 0;
  for (const auto& bucket : buckets) sum = plus(sum, bucket.n);
  return sum;
}

const History::Field* History::find(std::string_view field) const {
  if (field.empty()) return nullptr;
  const auto at = std::lower_bound(fields_.begin(), fields_.end(), field, name_before);
  return at != fields_.end() && at->name == field ? &*at : nullptr;
}

std::span<const History::Field> History::group(char group) const {
  const auto key = [](const Field& field) { return static_cast<unsigned char>(field.name[0]); };
  const auto wanted = static_cast<unsigned char>(group);
  const auto begin =
      std::partition_point(fields_.begin(), fields_.end(), [&](const Field& f) { return key(f) < wanted; });
  const auto end =
      std::partition_point(begin, fields_.end(), [&](const Field& f) { return key(f) == wanted; });
  return {begin, end};
}

void History::add(const Increment& increment) {
  if (increment.field.empty()) return;
  auto at = std::lower_bound(fields_.begin(), fields_.end(), std::string_view(increment.field), name_before);
  if (at != fields_.end() && at->name == increment.field) {
    add_to(at->buckets, increment.bucket, increment.n);
    if (at->buckets.empty()) fields_.erase(at);
    return;
  }
  if (increment.n == 0) return;
  fields_.insert(at, {increment.field, {{increment.bucket, increment.n}}});

  auto all = group(increment.field[0]);
  if (all.front().name.size() == 1) all = all.subspan(1);  // "other" stays
  if (all.size() <= max_fields) return;
  const auto weakest =
      fields_.begin() + (&*std::min_element(all.begin(), all.end(), weaker) - fields_.data());
  const Field folded = std::move(*weakest);
  fields_.erase(weakest);
  for (const auto& bucket : folded.buckets) add({folded.name.substr(0, 1), bucket.bucket, bucket.n});
}

History History::with_room() const {
  History copy;
  copy.fields_.reserve(fields_.size() + fields_.size() / 4 + 4);
  copy.fields_.insert(copy.fields_.end(), fields_.begin(), fields_.end());
  return copy;
}

size_t History::memory_bytes() const {
  size_t sum = sizeof *this + fields_.capacity() * sizeof(Field);
  for (const auto& field : fields_) {
    sum += field.buckets.outside_bytes();
    if (field.name.capacity() > 15) sum += field.name.capacity() + 1;  // shorter names live inside the string
  }
  return sum;
}

// version, number of fields, then per field: name length, name, number of buckets, first bucket and its
// count, then the distance to each next bucket and its count.
void History::encode(std::string& out) const {
  out += format_version;
  put_varint(out, fields_.size());
  for (const auto& field : fields_) {
    put_bytes(out, field.name);
    put_varint(out, field.buckets.size());
    int32_t before = 0;
    for (const auto& bucket : field.buckets) {
      put_signed(out, int64_t{bucket.bucket} - before);
      put_signed(out, bucket.n);
      before = bucket.bucket;
    }
  }
}

Result<History> History::decode(ByteView bytes) {
  const Error damaged = {Cause::damaged, "not an encoded history"};
  if (bytes.empty() || bytes[0] != format_version) return damaged;
  VarintReader in(bytes.substr(1));
  History history;
  const uint64_t fields = in.varint();
  // Every field takes at least four bytes: a damaged count cannot make us allocate more than the input
  // justifies.
  if (!in.ok() || fields > bytes.size() / 4) return damaged;
  history.fields_.reserve(fields);
  for (uint64_t i = 0; i < fields; ++i) {
    Field field{std::string(in.bytes()), {}};
    const uint64_t buckets = in.varint();
    if (!in.ok() || field.name.empty() || buckets == 0 || buckets > max_buckets) return damaged;
    if (!history.fields_.empty() && history.fields_.back().name >= field.name) return damaged;
    int64_t bucket = 0;
    for (uint64_t b = 0; b < buckets; ++b) {
      const int64_t step = in.signed_varint();
      if (!in.ok() || (b > 0 && step <= 0) || step > INT64_C(0x1'0000'0000) || step < INT32_MIN)
        return damaged;
      bucket += step;
      if (bucket < INT32_MIN || bucket > INT32_MAX) return damaged;
      field.buckets.push_back({static_cast<int32_t>(bucket), in.signed_varint()});
    }
    if (!in.ok()) return damaged;
    history.fields_.push_back(std::move(field));
  }
  if (!in.at_end()) return damaged;
  return history;
}

}  // namespace bonafide::flow
