#pragma once
#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace bonafide {

/// Why something failed, in as few causes as there are things to do about it.
enum class Cause {
  invalid,      ///< the input is wrong: tell whoever gave it; a repeat cannot help
  not_found,    ///< there is no such thing
  conflict,     ///< somebody else holds it, or it is already otherwise: look again, then decide
  exhausted,    ///< a bound or a disk is full: try again later
  unavailable,  ///< the other side does not answer: try again later
  damaged,      ///< stored bytes are not what was written: report, never serve
  fenced,       ///< a successor has taken over: stop, rejoin
  internal,     ///< our own mistake
};

/// Lower-case word for a cause, e.g. "not_found".
const char* to_string(Cause cause);

/// An error a user can act on: what was wrong, where, and what to do next.
struct Error {  // NOLINT(clang-analyzer-core.uninitialized.Assign): misreads the variant in Result
  Cause cause = Cause::internal;
  std::string message;

  /// The same error with `where: ` put before the message.
  [[nodiscard]] Error in(const std::string& where) const { return {cause, where + ": " + message}; }
};

struct Ok {};

/// A value or an Error. The error must be looked at before the value is.
template <class T = Ok>
class [[nodiscard]] Result {
 public:
  Result(T value) : data_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : data_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)
  Result(Cause cause, std::string message) : Result(Error{cause, std::move(message)}) {}

  [[nodiscard]] bool ok() const { return data_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    assert(ok());
    return std::get<0>(data_);
  }
  const T& value() const& {
    assert(ok());
    return std::get<0>(data_);
  }
  /// By value: what a range-for or a reference takes from a temporary Result must outlive it.
  T value() && {
    assert(ok());
    return std::get<0>(std::move(data_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const& {
    assert(!ok());
    return std::get<1>(data_);
  }
  [[nodiscard]] T value_or(T other) const { return ok() ? value() : std::move(other); }

 private:
  std::variant<T, Error> data_;
};

using Status = Result<Ok>;

}  // namespace bonafide

/// Returns the error of `expr` from the enclosing function, if there is one.
#define BONAFIDE_TRY(expr)                              \
  do {                                                  \
    if (auto&& try_result = (expr); !try_result.ok()) { \
      return try_result.error();                        \
    }                                                   \
  } while (false)

#define BONAFIDE_CONCAT_(a, b) a##b
#define BONAFIDE_CONCAT(a, b) BONAFIDE_CONCAT_(a, b)
/// `BONAFIDE_ASSIGN(auto x, f());` binds the value of f() or returns its error.
#define BONAFIDE_ASSIGN(declaration, expr) \
  BONAFIDE_ASSIGN_(BONAFIDE_CONCAT(try_result_, __LINE__), declaration, expr)
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses
#define BONAFIDE_ASSIGN_(name, declaration, expr) \
  auto name = (expr);                             \
  if (!name.ok()) {                               \
    return name.error();                          \
  }                                               \
  declaration = std::move(name).value()
// NOLINTEND(bugprone-macro-parentheses)
