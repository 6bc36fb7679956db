// Runs tests/cases/*.case: a message and the facts that are expected of it, as text.
//
//   edge: auto                    none (the default), auto, or trusted_hops N
//   authserv: mx.example.org      believed as well; may be repeated
//   line ends: crlf               (the default) lf, or as written
//   --- message
//   From: …                       \x00 \r \t \\ \{repeat 100 "ab"} are written out if "escapes: on"
//   --- expect
//   from[0].domain = example.org  the whole value
//   excerpt has hello             a part of it
//   links.size = 2
//   malformed lacks no Date
//
// Values are named as Facts names its members; of the envelope: envelope.client_ip and so on, and edge_time.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "mail/parse/parse.hpp"

namespace bonafide::mail {
namespace {

// Writes every value of a struct with fields() into a map from its path to its text.
class Flatten {
 public:
  explicit Flatten(std::map<std::string, std::string>& out) : out_(out) {}

  template <class T>
  void operator()(std::string_view name, const T& value) {
    const std::string before = path_;
    path_ += (path_.empty() ? "" : ".") + std::string(name);
    put(value);
    path_ = before;
  }

 private:
  void put(const std::string& value) { out_[path_] = value; }
  void put(const avro::Bytes& value) { out_[path_] = value.data; }
  void put(bool value) { out_[path_] = value ? "true" : "false"; }
  void put(int64_t value) { out_[path_] = std::to_string(value); }
  void put(int32_t value) { out_[path_] = std::to_string(value); }
  void put(Time value) { out_[path_] = format_rfc3339(value); }
  template <class T>
  void put(const std::optional<T>& value) {
    if (value) {
      put(*value);
    } else {
      out_[path_] = "none";
    }
  }
  template <class T>
  void put(const std::vector<T>& values) {
    out_[path_ + ".size"] = std::to_string(values.size());
    const std::string before = path_;
    std::string all;
    for (size_t i = 0; i < values.size(); ++i) {
      path_ = before + "[" + std::to_string(i) + "]";
      put(values[i]);
      if constexpr (std::is_same_v<T, std::string>) all += (i == 0 ? "" : "; ") + values[i];
    }
    path_ = before;
    if constexpr (std::is_same_v<T, std::string>) out_[path_] = all;
  }
  template <class T>
    requires requires { T::avro_name; }
  void put(const T& value) {
    T::fields(value, *this);
  }

  std::map<std::string, std::string>& out_;
  std::string path_;
};

// \xHH, \r, \n, \t, \\ and \{repeat N "text"} written out.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'x') {
      out += *from_hex(text.substr(i + 1, 2));
      i += 2;
    } else if (c == '{') {
      const size_t open = text.find('"', i), close = text.find("\"}", open + 1);
      const auto count = parse_int(trim(text.substr(i + 7, open - i - 7)));
      for (int64_t n = 0; n < *count; ++n) out += unescape(text.substr(open + 1, close - open - 1));
      i = close + 1;
    } else {
      out += c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
  }
  return out;
}

struct Case {
  Edge edge;
  std::string message;
  std::vector<std::pair<int, std::string>> expected;  // with the number of the line
};

void read_setting(std::string_view line, Case& one, std::string& ends, bool& escapes) {
  const size_t colon = line.find(':');
  ASSERT_NE(colon, std::string_view::npos) << "a setting needs a colon: " << line;
  const auto key = trim(line.substr(0, colon)), value = trim(line.substr(colon + 1));
  if (key == "edge") {
    if (value == "auto") one.edge.mode = Edge::Mode::auto_;
    if (value.starts_with("trusted_hops")) {
      one.edge.mode = Edge::Mode::trusted_hops;
      one.edge.trusted_hops = static_cast<int>(*parse_int(trim(value.substr(12))));
    }
  } else if (key == "authserv") {
    one.edge.authserv_ids.emplace_back(value);
  } else if (key == "line ends") {
    ends = value;
  } else if (key == "escapes") {
    escapes = value == "on";
  } else {
    FAIL() << "unknown setting " << key;
  }
}

Case read_case(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  const std::string whole = text.str();
  Case one;
  std::string ends = "crlf";
  bool escapes = false;
  enum { settings, message, expect } section = settings;
  int number = 0;
  for (const auto line : split(whole, '\n')) {
    ++number;
    if (line == "--- message") {
      section = message;
    } else if (line == "--- expect") {
      section = expect;
    } else if (section == message) {
      one.message += escapes ? unescape(line) : std::string(line);
      one.message += ends == "crlf" ? "\r\n" : "\n";
    } else if (!line.empty() && line[0] != '#') {
      if (section == settings) {
        read_setting(line, one, ends, escapes);
      } else {
        one.expected.emplace_back(number, line);
      }
    }
  }
  return one;
}

// The expectation "NAME = VALUE", "NAME has PART" or "NAME lacks PART"; "" if it holds.
std::string failure(const std::string& expectation, const std::map<std::string, std::string>& facts) {
  const size_t name_end = expectation.find(' ');
  const std::string name = expectation.substr(0, name_end);
  const auto rest = std::string_view(expectation).substr(std::min(name_end, expectation.size()));
  const auto word = trim(rest).substr(0, trim(rest).find(' '));
  const auto value = unescape(trim(trim(rest).substr(word.size())));
  const auto found = facts.find(name);
  if (found == facts.end()) return name + ": there is no such fact";
  const std::string& actual = found->second;
  const bool inside = actual.find(value) != std::string::npos;
  if (word == "=" ? actual == value : word == "has" ? inside : word == "lacks" && !inside) return "";
  return expectation + "\n  but it is: " + actual;
}

class Cases : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(Cases, HaveTheExpectedFacts) {
  const Case one = read_case(GetParam());
  ASSERT_FALSE(one.message.empty()) << "no message in " << GetParam();
  ASSERT_FALSE(one.expected.empty()) << "nothing is expected in " << GetParam();
  Parser parser;
  Parsed parsed;
  parser.parse(one.message, one.edge, parsed);
  std::map<std::string, std::string> facts;
  Flatten flatten(facts);
  Facts::fields(parsed.facts, flatten);
  flatten("envelope", parsed.envelope);
  flatten("edge_time", parsed.edge_time);
  for (const auto& [line, expectation] : one.expected) {
    const auto wrong = failure(expectation, facts);
    EXPECT_TRUE(wrong.empty()) << GetParam().string() << ":" << line << ": " << wrong;
  }
}

std::vector<std::filesystem::path> all_cases() {
  std::vector<std::filesystem::path> paths;
  std::error_code not_there;  // what CasesFolder reports
  for (const auto& entry :
       std::filesystem::directory_iterator(BONAFIDE_SOURCE_DIR "/tests/cases", not_there)) {
    if (entry.path().extension() == ".case") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(CasesFolder, IsThere) { EXPECT_GE(all_cases().size(), 40U) << "run it in the repository's folder"; }

INSTANTIATE_TEST_SUITE_P(, Cases, ::testing::ValuesIn(all_cases()), [](const auto& tested) {
  std::string name = tested.param.stem().string();
  for (char& c : name) {
    if (!is_alpha(c) && !is_digit(c)) c = '_';
  }
  return name;
});

}  // namespace
}  // namespace bonafide::mail
