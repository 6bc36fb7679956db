#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "avro/codec.hpp"
#include "avro/schema.hpp"

// Schema resolution (specification, "Schema Resolution"): reading what was written with another schema.
namespace bonafide::avro {

/// A place where some value of the writer's schema cannot be read with the reader's.
struct Gap {
  std::string place;    ///< "$.links[].host"; "[]" items of an array, "{}" values of a map, "(name)" a branch
                        ///< of a union
  std::string message;  ///< what is wrong and how it could be read
};

/// How to turn the bytes of one schema into those of another, worked out once for a pair of schemas.
/// Immutable; copies share it; safe to use from several threads.
class Plan {
 public:
  /// Errors: invalid where no value could ever be read: "$.place: why".
  /// A plan may still meet values it cannot read (a union's branch, an enum's symbol): see gaps().
  static Result<Plan> compile(const Schema& writer, const Schema& reader);

  /// All gaps between two schemas (the first thousand), also where there is no plan.
  static std::vector<Gap> find_gaps(const Schema& writer, const Schema& reader);

  /// Reads one value of the writer's schema and appends it as one of the reader's. `max_bytes` bounds what is
  /// appended: defaults may make much out of little. Errors: invalid, "byte N: why"; `out` is then as before.
  Status run(Decoder& in, std::string& out, size_t max_bytes = size_t{256} << 20) const;
  /// The same for a value that takes all of `bytes`.
  Status run(ByteView bytes, std::string& out) const;

  /// Every value has the same bytes in both schemas: nothing need be run.
  [[nodiscard]] bool is_identity() const;
  /// What cannot be read: empty if every value of the writer's schema can be. Also names logical types that
  /// differ, though their values are read as they stand.
  [[nodiscard]] const std::vector<Gap>& gaps() const;

 private:
  friend class PlanCompiler;
  friend class PlanRunner;
  struct Step;
  struct Data;
  explicit Plan(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

/// What a new schema version must be able to do (Confluent's names).
enum class Compatibility : uint8_t {
  none,
  backward,             ///< readers of the new version read what the last one wrote
  backward_transitive,  ///< … what all versions wrote
  forward,              ///< readers of the last version read what the new one writes
  forward_transitive,
  full,  ///< both
  full_transitive,
};

/// "NONE", "BACKWARD_TRANSITIVE" …
std::string_view to_string(Compatibility mode);
/// Errors: invalid, naming the modes.
Result<Compatibility> parse_compatibility(std::string_view name);

struct Incompatibility {
  size_t version = 0;     ///< index of the earlier schema
  bool backward = false;  ///< the new cannot read the earlier one; else the other way round
  Gap gap;

  /// "the new schema cannot read version 3 at $.x: …", versions counted from `first_version`.
  [[nodiscard]] std::string text(size_t first_version = 1) const;
};

/// All there is against adding `next` after `history` (oldest first).
std::vector<Incompatibility> check_compatibility(const std::vector<Schema>& history, const Schema& next,
                                                 Compatibility mode);
std::vector<Incompatibility> check_compatibility(const Schema& old_schema, const Schema& new_schema,
                                                 Compatibility mode);

}  // namespace bonafide::avro
