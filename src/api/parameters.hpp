#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/route.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http.hpp"

namespace bonafide::api {

/// The query parameters of one request against those a call knows. Problems are collected, the first is told.
class Parameters {
 public:
  Parameters(const net::Query& query, const std::vector<QueryParameter>& known);

  /// Nothing where it is absent.
  std::optional<std::string> text(std::string_view name, size_t max_bytes = 1000);
  std::vector<std::string> texts(std::string_view name, size_t max_count, size_t max_bytes);
  std::optional<Time> time(std::string_view name);
  std::optional<Duration> duration(std::string_view name, Duration longest);
  /// "1", "true", "yes" or without a value; "0", "false", "no".
  bool flag(std::string_view name);
  /// In [1, most].
  std::optional<size_t> count(std::string_view name, size_t most);
  /// One of `words`; the first where it is absent.
  std::string choice(std::string_view name, const std::vector<std::string>& words);

  void refuse(std::string_view name, const std::string& why);
  /// Errors: invalid, naming the parameter.
  [[nodiscard]] Status status() const;

 private:
  const net::Query& query_;
  std::optional<Error> error_;
};

}  // namespace bonafide::api
