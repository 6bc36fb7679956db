#include "avro/resolve.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "avro/plan.hpp"
#include "base/text.hpp"

namespace bonafide::avro {
namespace {

constexpr size_t max_steps = 200'000;
constexpr int max_compile_depth = 300;
constexpr size_t max_comparisons = 2'000'000;  // of branches of two unions
constexpr size_t max_gaps = 1000;

std::string_view unqualified(std::string_view name) { return name.substr(name.rfind('.') + 1); }

bool names_match(const Node& writer, const Node& reader) {
  return unqualified(writer.name) == unqualified(reader.name) ||
         std::find(reader.aliases.begin(), reader.aliases.end(), writer.name) != reader.aliases.end();
}

std::string type_name(const Node& node) {
  std::string name(to_string(node.type));
  if (node.named()) name += " \"" + node.name + "\"";
  return name;
}

std::string branch_label(const Node& node) {
  return "(" + (node.named() ? node.name : std::string(to_string(node.type))) + ")";
}

}  // namespace

/// Walks both schemas side by side. Each pair of nodes becomes one step, so that recursion ends; a pair that
/// is still being compiled is taken to be readable, which holds if everything else is.
class PlanCompiler {
 public:
  using Step = Plan::Step;
  using Op = Step::Op;

  PlanCompiler(const Schema& writer, const Schema& reader) : data_(std::make_shared<Plan::Data>()) {
    data_->writer = writer;
    data_->reader = reader;
  }

  Result<Plan> compile() {
    link();
    if (too_large_)
      return {Cause::exhausted,
              "the schemas are too entangled to be resolved: they have too many pairs of types"};
    if (broken(data_->root)) return {Cause::invalid, step(data_->root).message};
    find_copies();
    return Plan(data_);
  }

  std::vector<Gap> find_gaps() {
    link();
    return std::move(data_->gaps);
  }

  /// The promotions of the specification; nullopt if there is none.
  static std::optional<Op> promotion(Type writer, Type reader) {
    const auto is = [&](Type w, Type r) { return writer == w && reader == r; };
    if (is(Type::int32, Type::int64) || is(Type::string, Type::bytes) || is(Type::bytes, Type::string))
      return Op::copy;
    if (is(Type::int32, Type::float32)) return Op::int_to_float;
    if (is(Type::int32, Type::float64)) return Op::int_to_double;
    if (is(Type::int64, Type::float32)) return Op::long_to_float;
    if (is(Type::int64, Type::float64)) return Op::long_to_double;
    if (is(Type::float32, Type::float64)) return Op::float_to_double;
    return std::nullopt;
  }

 private:
  using Key = std::pair<const Node*, const Node*>;

  Step& step(uint32_t index) { return data_->steps[index]; }
  void link() {
    data_->root = pair(data_->writer.root(), data_->reader.root());
    collect_gaps();
  }
  [[nodiscard]] bool broken(uint32_t index) const { return data_->steps[index].op == Op::fail; }

  /// No value can be read, for a reason at this place or at `suffix` from it.
  void fail(uint32_t index, std::string message, std::string suffix = {}) {
    step(index).op = Op::fail;
    step(index).gaps.push_back({std::move(suffix), std::move(message)});
  }
  /// No value can be read because of a part.
  void fail_for(uint32_t index, uint32_t part) {
    step(index).op = Op::fail;
    step(index).cause = part;
  }

  uint32_t pair(const Node& writer, const Node& reader) {
    const auto [known, is_new] =
        steps_of_.try_emplace(Key(&writer, &reader), static_cast<uint32_t>(data_->steps.size()));
    const uint32_t index = known->second;
    if (!is_new) return index;
    Step& made = data_->steps.emplace_back();
    made.writer = &writer;
    made.reader = &reader;
    if (data_->steps.size() > max_steps || depth_ >= max_compile_depth) {
      too_large_ = true;
      fail(index, "the schemas are too entangled");
      return index;
    }
    ++depth_;
    compile_pair(index, writer, reader);
    --depth_;
    return index;
  }

  void compile_pair(uint32_t index, const Node& writer, const Node& reader) {
    if (writer.type == Type::union_) return from_union(index);
    if (reader.type == Type::union_) return into_union(index);
    if (writer.type != reader.type) {
      const auto promoted = promotion(writer.type, reader.type);
      if (!promoted) return fail(index, type_name(writer) + " cannot be read as " + type_name(reader));
      step(index).op = *promoted;
      return check_logical(index);
    }
    if (reader.named() && !names_match(writer, reader)) {
      return fail(index, type_name(writer) + " cannot be read as " + type_name(reader) +
                             ": add an alias to the reader's if they are the same");
    }
    switch (writer.type) {
      case Type::fixed:
        if (writer.size != reader.size) {
          return fail(index, "the size of " + type_name(writer) + " is " + std::to_string(writer.size) +
                                 ", the reader's " + std::to_string(reader.size));
        }
        step(index).op = Op::copy;
        break;
      case Type::enumeration:
        return symbols(index);
      case Type::array:
      case Type::map:
        return items(index);
      case Type::record:
        return record(index);
      default:
        step(index).op = Op::copy;
    }
    check_logical(index);
  }

  /// Values are read as they stand, so a difference in meaning would pass unseen: for decimals the
  /// specification forbids it, elsewhere it is a gap.
  void check_logical(uint32_t index) {
    const Node& writer = *step(index).writer;
    const Node& reader = *step(index).reader;
    if (writer.logical == Logical::none || reader.logical == Logical::none) return;
    if (writer.logical != reader.logical) {
      step(index).gaps.push_back({"", std::string(to_string(writer.logical)) + " would be read as " +
                                          std::string(to_string(reader.logical))});
    } else if (writer.precision != reader.precision || writer.scale != reader.scale) {
      const auto shape = [](const Node& n) {
        return std::to_string(n.precision) + "," + std::to_string(n.scale);
      };
      fail(index, "decimal(" + shape(writer) + ") cannot be read as decimal(" + shape(reader) + ")");
    }
  }

  void symbols(uint32_t index) {
    const Node& writer = *step(index).writer;
    const Node& reader = *step(index).reader;
    std::unordered_map<std::string_view, int32_t> known;
    for (size_t i = 0; i < reader.symbols.size(); ++i)
      known.emplace(reader.symbols[i], static_cast<int32_t>(i));
    Step& made = step(index);
    made.op = Op::symbol;
    made.messages.resize(writer.symbols.size());
    for (size_t i = 0; i < writer.symbols.size(); ++i) {
      const auto found = known.find(writer.symbols[i]);
      int32_t to = found == known.end() ? -1 : found->second;
      if (to < 0 && reader.default_symbol) to = static_cast<int32_t>(*reader.default_symbol);
      made.symbols.push_back(to);
      if (to >= 0) continue;
      made.messages[i] = "the reader's " + type_name(reader) + " has no symbol \"" + writer.symbols[i] +
                         "\" and no default: add one of them";
      made.gaps.push_back({"", made.messages[i]});
    }
  }

  void items(uint32_t index) {
    const Node& writer = *step(index).writer;
    const Node& reader = *step(index).reader;
    const bool array = writer.type == Type::array;
    const uint32_t child = pair(*writer.item, *reader.item);
    step(index).children = {child};
    step(index).ways = {{array ? "[]" : "{}", child}};
    if (broken(child)) return fail_for(index, child);
    step(index).op = array ? Op::array : Op::map;
  }

  /// For each of the reader's fields the index of the writer's, or -1: by name, else by an alias.
  static std::vector<int64_t> match_fields(const Node& writer, const Node& reader) {
    std::unordered_map<std::string_view, int64_t> written;
    for (size_t i = 0; i < writer.fields.size(); ++i)
      written.emplace(writer.fields[i].name, static_cast<int64_t>(i));
    std::vector<int64_t> sources(reader.fields.size(), -1);
    const auto take = [&](size_t field, std::string_view name) {
      const auto found = written.find(name);
      if (sources[field] >= 0 || found == written.end()) return;
      sources[field] = found->second;
      written.erase(found);
    };
    for (size_t i = 0; i < reader.fields.size(); ++i) take(i, reader.fields[i].name);
    for (size_t i = 0; i < reader.fields.size(); ++i) {
      for (const std::string& alias : reader.fields[i].aliases) take(i, alias);
    }
    return sources;
  }

  void record(uint32_t index) {
    const Node& writer = *step(index).writer;
    const Node& reader = *step(index).reader;
    const std::vector<int64_t> sources = match_fields(writer, reader);
    std::vector<Step::Action> reads;
    bool readable = true;
    for (size_t i = 0; i < sources.size(); ++i) {
      const Field& field = reader.fields[i];
      const auto at = static_cast<uint32_t>(sources[i]);
      if (sources[i] >= 0) {
        const uint32_t child = pair(*writer.fields[at].type, *field.type);
        step(index).ways.push_back({"." + field.name, child});
        if (broken(child) && readable) fail_for(index, child);
        readable = readable && !broken(child);
        reads.push_back({Step::Action::Kind::read, at, child});
      } else if (field.has_default) {
        reads.push_back({Step::Action::Kind::set_default, static_cast<uint32_t>(i), 0});
      } else {
        fail(index,
             "the writer's " + type_name(writer) + " has no such field, and it has no default: give it one",
             "." + field.name);
        readable = false;
      }
    }
    if (!readable) return;
    step(index).op = Op::record;
    order_actions(step(index), std::move(reads));
  }

  /// Puts the writer's fields that nobody reads between; or, if the reader's order is another, leaves the
  /// reads as they are.
  static void order_actions(Step& made, std::vector<Step::Action> reads) {
    using Kind = Step::Action::Kind;
    uint32_t next = 0;
    for (const Step::Action& action : reads) {
      if (action.kind == Kind::read) {
        if (action.field < next) {
          made.reordered = true;
          made.actions = std::move(reads);
          return;
        }
        for (; next < action.field; ++next) made.actions.push_back({Kind::skip, next, 0});
        ++next;
      }
      made.actions.push_back(action);
    }
    for (; next < made.writer->fields.size(); ++next) made.actions.push_back({Kind::skip, next, 0});
  }

  void from_union(uint32_t index) {
    const Node& writer = *step(index).writer;
    const Node& reader = *step(index).reader;
    std::vector<uint32_t> children;
    bool any = writer.branches.empty();
    for (const Node* branch : writer.branches) {
      children.push_back(pair(*branch, reader));
      step(index).ways.push_back({branch_label(*branch), children.back()});
      any = any || !broken(children.back());
    }
    if (!any) return fail_for(index, children.front());
    step(index).children = std::move(children);
    step(index).op = Op::from_union;
  }

  void into_union(uint32_t index) {
    const Node& writer = *step(index).writer;
    const Node& reader = *step(index).reader;
    std::optional<uint32_t> nearest;
    for (int closeness = 0; closeness < 3; ++closeness) {
      for (size_t i = 0; i < reader.branches.size(); ++i) {
        const Node& branch = *reader.branches[i];
        if (++comparisons_ > max_comparisons) too_large_ = true;
        if (too_large_) return fail(index, "the schemas are too entangled");
        if (nearness(writer, branch) != closeness) continue;
        const uint32_t child = pair(writer, branch);
        nearest = nearest.value_or(child);
        if (broken(child)) continue;
        step(index).op = Op::into_union;
        step(index).branch = static_cast<uint32_t>(i);
        step(index).children = {child};
        step(index).ways = {{"", child}};
        return;
      }
    }
    if (!nearest) return fail(index, type_name(writer) + " fits no branch of the reader's union: add one");
    step(index).ways = {{"", *nearest}};
    fail_for(index, *nearest);
  }

  /// 0: the same type; 1: the same by its short name or an alias; 2: by promotion; 3: not at all.
  static int nearness(const Node& writer, const Node& reader) {
    if (writer.type != reader.type) return promotion(writer.type, reader.type) ? 2 : 3;
    if (!reader.named() || writer.name == reader.name) return 0;
    return names_match(writer, reader) ? 1 : 3;
  }

  /// Names everything that is wrong by its place, each type where it is first met and each leaf wherever it
  /// is. Branches that were tried in vain are not met.
  void collect_gaps() {
    std::vector<char> met(data_->steps.size());
    std::vector<std::pair<std::string, uint32_t>> to_visit = {{"$", data_->root}};
    while (!to_visit.empty()) {
      const auto [place, index] = std::move(to_visit.back());
      to_visit.pop_back();
      Step& made = step(index);
      if (met[index] != 0 && !made.ways.empty()) continue;
      for (const Gap& gap : made.gaps) {
        if (data_->gaps.size() == max_gaps) break;
        data_->gaps.push_back({place + gap.place, gap.message});
      }
      if (met[index] == 0) {
        for (std::string& message : made.messages) {
          if (!message.empty()) message.insert(0, ": ").insert(0, place);
        }
        if (broken(index)) made.message = reason(index, place);
      }
      met[index] = 1;
      for (auto way = made.ways.rbegin(); way != made.ways.rend(); ++way) {
        to_visit.emplace_back(place + way->suffix, way->to);
      }
    }
  }

  /// Why a step fails: follows the causes to the first gap.
  [[nodiscard]] std::string reason(uint32_t index, std::string place) const {
    const Step* failed = &data_->steps[index];
    while (failed->cause) {
      const uint32_t cause = *failed->cause;
      const auto way = std::find_if(failed->ways.begin(), failed->ways.end(),
                                    [&](const Step::Way& w) { return w.to == cause; });
      if (way != failed->ways.end()) place += way->suffix;
      failed = &data_->steps[cause];
    }
    return failed->gaps.empty() ? place
                                : place + failed->gaps.front().place + ": " + failed->gaps.front().message;
  }

  /// Could this step be a copy if its parts are?
  [[nodiscard]] bool copies_by_itself(const Step& made) const {
    switch (made.op) {
      case Op::copy:
      case Op::array:
      case Op::map:
        return true;
      case Op::symbol:
        for (size_t i = 0; i < made.symbols.size(); ++i) {
          if (made.symbols[i] != static_cast<int32_t>(i)) return false;
        }
        return true;
      case Op::record:
        return !made.reordered &&
               std::all_of(made.actions.begin(), made.actions.end(),
                           [](const Step::Action& a) { return a.kind == Step::Action::Kind::read; });
      case Op::from_union:
        if (made.reader->type != Type::union_) return false;
        for (size_t i = 0; i < made.children.size(); ++i) {
          const Step& child = data_->steps[made.children[i]];
          if (child.op != Op::into_union || child.branch != i) return false;
        }
        return true;
      default:
        return false;
    }
  }

  [[nodiscard]] std::vector<uint32_t> parts_of(const Step& made) const {
    std::vector<uint32_t> parts;
    if (made.op == Op::from_union) {
      parts.reserve(made.children.size());
      for (const uint32_t child : made.children) parts.push_back(data_->steps[child].children[0]);
    } else if (made.op == Op::record) {
      parts.reserve(made.actions.size());
      for (const Step::Action& action : made.actions) parts.push_back(action.child);
    } else {
      parts = made.children;
    }
    return parts;
  }

  /// Steps whose bytes do not change become copies. Types may contain themselves: all candidates count as
  /// copies until a part of them turns out not to be one.
  void find_copies() {
    std::vector<Step>& steps = data_->steps;
    std::vector<char> copies(steps.size());
    std::vector<std::vector<uint32_t>> users(steps.size());
    std::vector<uint32_t> lost;
    for (uint32_t i = 0; i < steps.size(); ++i) {
      copies[i] = copies_by_itself(steps[i]) ? 1 : 0;
      if (copies[i] == 0) {
        lost.push_back(i);
        continue;
      }
      for (const uint32_t part : parts_of(steps[i])) users[part].push_back(i);
    }
    while (!lost.empty()) {
      const uint32_t one = lost.back();
      lost.pop_back();
      for (const uint32_t user : users[one]) {
        if (copies[user] != 0) lost.push_back(user);
        copies[user] = 0;
      }
    }
    for (size_t i = 0; i < steps.size(); ++i) {
      if (copies[i] != 0) steps[i].op = Op::copy;
    }
  }

  std::shared_ptr<Plan::Data> data_;
  std::map<Key, uint32_t> steps_of_;
  int depth_ = 0;
  size_t comparisons_ = 0;
  bool too_large_ = false;
};

/// Follows a plan.
class PlanRunner {
 public:
  using Step = Plan::Step;
  using Op = Step::Op;

  PlanRunner(const Plan::Data& plan, Decoder& in, std::string& out, size_t max_bytes)
      : plan_(plan), in_(in), out_(out), encoder_(out), limit_(out.size() + max_bytes) {}

  void run(uint32_t index) {
    const Step& step = plan_.steps[index];
    switch (step.op) {
      case Op::copy:
        return copy(*step.writer);
      case Op::int_to_float:
        return encoder_.put_float(static_cast<float>(in_.get_int()));
      case Op::int_to_double:
        return encoder_.put_double(in_.get_int());
      case Op::long_to_float:
        return encoder_.put_float(static_cast<float>(in_.get_long()));
      case Op::long_to_double:
        return encoder_.put_double(static_cast<double>(in_.get_long()));
      case Op::float_to_double:
        return encoder_.put_double(in_.get_float());
      case Op::symbol:
        return symbol(step);
      case Op::array:
      case Op::map:
        return nested(step, &PlanRunner::blocks);
      case Op::record:
        return nested(step, step.reordered ? &PlanRunner::reordered_record : &PlanRunner::record);
      case Op::from_union:
        return nested(step, &PlanRunner::from_union);
      case Op::into_union:
        encoder_.put_index(step.branch);
        return run(step.children[0]);
      case Op::fail:
        return in_.fail(step.message.c_str());
      case Op::pending:
        return in_.fail("the plan is not complete");
    }
  }

 private:
  void copy(const Node& writer) {
    const size_t start = in_.offset();
    if (skip(in_, writer)) out_ += in_.between(start, in_.offset());
  }

  void nested(const Step& step, void (PlanRunner::*body)(const Step&)) {
    if (out_.size() > limit_) return in_.fail("the value becomes too large in the reader's schema");
    if (!in_.enter()) return;
    (this->*body)(step);
    in_.leave();
  }

  void symbol(const Step& step) {
    const size_t index = in_.get_index(step.symbols.size());
    if (!in_.ok()) return;
    if (step.symbols[index] < 0) return in_.fail(step.messages[index].c_str());
    encoder_.put_index(static_cast<size_t>(step.symbols[index]));
  }

  void blocks(const Step& step) {
    const bool map = step.op == Op::map;
    while (size_t count = in_.next_block(step.writer->item->min_bytes + (map ? 1 : 0))) {
      encoder_.begin_block(count);
      for (; count > 0 && in_.ok(); --count) {
        if (map) encoder_.put_bytes(in_.get_bytes());
        run(step.children[0]);
      }
    }
    encoder_.end_blocks();
  }

  void record(const Step& step) {
    if (step.writer->min_bytes == 0) in_.get_empty();
    for (const Step::Action& action : step.actions) {
      if (!in_.ok()) return;
      switch (action.kind) {
        case Step::Action::Kind::skip:
          skip(in_, *step.writer->fields[action.field].type);
          break;
        case Step::Action::Kind::read:
          run(action.child);
          break;
        case Step::Action::Kind::set_default:
          set_default(step, action.field);
          break;
      }
    }
  }

  void set_default(const Step& step, size_t field) {
    if (out_.size() > limit_) return in_.fail("the value becomes too large in the reader's schema");
    out_ += step.reader->fields[field].default_binary;
  }

  void reordered_record(const Step& step) {
    if (step.writer->min_bytes == 0) in_.get_empty();
    std::vector<size_t> starts;
    starts.reserve(step.writer->fields.size());
    for (const Field& field : step.writer->fields) {
      starts.push_back(in_.offset());
      if (!skip(in_, *field.type)) return;
    }
    const size_t end = in_.offset();
    for (const Step::Action& action : step.actions) {
      if (!in_.ok()) return;
      if (action.kind == Step::Action::Kind::read) {
        in_.seek(starts[action.field]);
        run(action.child);
      } else {
        set_default(step, action.field);
      }
    }
    in_.seek(end);
  }

  void from_union(const Step& step) {
    const size_t index = in_.get_index(step.children.size());
    if (in_.ok()) run(step.children[index]);
  }

  const Plan::Data& plan_;
  Decoder& in_;
  std::string& out_;
  Encoder encoder_;
  size_t limit_;
};

Result<Plan> Plan::compile(const Schema& writer, const Schema& reader) {
  return PlanCompiler(writer, reader).compile();
}

std::vector<Gap> Plan::find_gaps(const Schema& writer, const Schema& reader) {
  return PlanCompiler(writer, reader).find_gaps();
}

Status Plan::run(Decoder& in, std::string& out, size_t max_bytes) const {
  const size_t start = out.size();
  PlanRunner(*data_, in, out, max_bytes).run(data_->root);
  if (!in.ok()) out.resize(start);
  return in.status();
}

Status Plan::run(ByteView bytes, std::string& out) const {
  const size_t start = out.size();
  Decoder in(bytes);
  BONAFIDE_TRY(run(in, out));
  Status done = in.finish();
  if (!done.ok()) out.resize(start);
  return done;
}

bool Plan::is_identity() const { return data_->steps[data_->root].op == Step::Op::copy; }

const std::vector<Gap>& Plan::gaps() const { return data_->gaps; }

}  // namespace bonafide::avro
