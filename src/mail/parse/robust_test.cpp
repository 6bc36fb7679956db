// Whatever is thrown at the parser gives facts: in bounds, in valid UTF-8, in time.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/text.hpp"
#include "env/random.hpp"
#include "mail/parse/parse.hpp"

namespace bonafide::mail {
namespace {

constexpr Limits limits;

// Checks what every Facts promises (facts.hpp), and sums up its bytes.
class Checker {
 public:
  template <class T>
  void operator()(std::string_view name, const T& value) {
    name_ = name;
    check(value);
  }
  size_t bytes = 0;

 private:
  void check(const std::string& value) {
    EXPECT_TRUE(is_utf8(value)) << name_ << " is not UTF-8: " << to_hex(value);
    for (const char c : value) {
      if (static_cast<uint8_t>(c) < ' ' && !(name_ == "excerpt" && c == '\n')) {
        ADD_FAILURE() << name_ << " holds a control character: " << to_hex(value);
        break;
      }
    }
    EXPECT_LE(value.size(), name_ == "excerpt" ? limits.excerpt_bytes : limits.text_bytes) << name_;
    bytes += value.size() + 2;
  }
  void check(const avro::Bytes& value) {
    EXPECT_LE(value.data.size(), limits.header_bytes);
    bytes += value.data.size() + 3;
  }
  void check(bool) { bytes += 1; }
  void check(int64_t) { bytes += 5; }
  void check(int32_t) { bytes += 3; }
  void check(Time) { bytes += 9; }
  template <class T>
  void check(const std::optional<T>& value) {
    bytes += 1;
    if (value) check(*value);
  }
  template <class T>
  void check(const std::vector<T>& values) {
    const std::string name(name_);
    EXPECT_LE(values.size(), 200U) << name;
    for (const auto& value : values) check(value);
  }
  template <class T>
    requires requires { T::avro_name; }
  void check(const T& value) {
    T::fields(value, *this);
  }
  std::string_view name_;
};

void check_facts(const Parsed& parsed) {
  Checker checker;
  Facts::fields(parsed.facts, checker);
  Envelope::fields(parsed.envelope, checker);
  // Leaves room for what enrichment and score add up to the event's bound.
  EXPECT_LE(checker.bytes, limits.event_bytes * 7 / 8);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
long peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// Generous: a slow build on a busy machine must pass too.
#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
constexpr double max_seconds = 10;
constexpr size_t large_megabytes = 10;
#else
constexpr double max_seconds = 2;
constexpr size_t large_megabytes = 50;
#endif

class Robust : public ::testing::Test {
 protected:
  const Facts& parse(ByteView raw) {
    const double begin = cpu_seconds();
    edge_.mode = Edge::Mode::auto_;
    parser_.parse(raw, edge_, parsed_);
    EXPECT_LT(cpu_seconds() - begin, max_seconds);
    check_facts(parsed_);
    return parsed_.facts;
  }
  bool malformed(std::string_view phrase) {
    const auto& all = parsed_.facts.malformed;
    return std::find(all.begin(), all.end(), phrase) != all.end();
  }

  Parser parser_;
  Parsed parsed_;
  Edge edge_;
};

std::string repeated(std::string_view piece, size_t times) {
  std::string out;
  out.reserve(piece.size() * times);
  for (size_t i = 0; i < times; ++i) out += piece;
  return out;
}

// Messages that use most of what there is.
std::vector<std::string> samples() {
  std::vector<std::string> all;
  all.push_back(
      "Return-Path: <b@example.org>\r\nAuthentication-Results: mx.example.net; spf=pass (x \"y\") "
      "smtp.mailfrom=b@example.org;\r\n"
      " dkim=fail reason=\"a;b\" header.d=example.org\r\n"
      "Received: from a.example.org (a.example.org [IPv6:2001:db8::1]) by mx.example.net (Postfix) with "
      "ESMTPS id 1\r\n"
      "\tfor <c@example.net>; Fri, 3 Jan 2025 09:00:05 +0000 (UTC)\r\nDKIM-Signature: v=1; a=rsa-sha256; "
      "d=example.org; s=s; b=x\r\n"
      "From: =?utf-8?B?SsO8cmdlbg==?= =?iso-2022-jp?B?GyRCRnxLXBsoQg==?= <\"j m\"@b\xC3\xBC"
      "cher.example>\r\n"
      "To: G: a@example.org, \"x\\\"y\" <(c)b@[192.0.2.1]>;, undisclosed:;\r\nSubject: =?koi8-r?Q?=F0=D2?= "
      "\xE9\r\n"
      "References: <1@x> <2@x>\r\nMessage-ID: <3@x>\r\nDate: Fri, 03 Jan 25 10:00:00 (c) EST\r\nList-Id: L "
      "<l.example.org>\r\n"
      "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_a:b c\"\r\n\r\npre\r\n--=_a:b c\r\n"
      "Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\nContent-Type: text/plain; "
      "charset=utf-7\r\n\r\n"
      "+AGEAYg- http://a.example/(x) www.b.example\r\n--i\r\nContent-Type: text/html; charset=gb2312\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\n<p style=3D\"display:none\">x</p><a "
      "href=3D\"http://c.example/?a&amp;b\">=D6=D0=\r\n"
      "&euro;&#65;</a><!-- c --><script>1<2</script>=\r\n--i--\r\n--=_a:b c\r\nContent-Type: "
      "message/rfc822\r\n\r\n"
      "Subject: inner\r\n\r\nbody\r\n--=_a:b c\r\nContent-Type: image/png; name*0*=utf-8''a%C3; "
      "name*1*=%BC.png\r\n"
      "Content-Disposition: attachment; filename=\"b\\\\c.png\"\r\nContent-Transfer-Encoding: "
      "base64\r\n\r\niVBORw0K\r\nGgo=\r\n--=_a:b c--\r\nepilogue");
  all.push_back(
      "From: a@example.org\nReceived: (qmail 1 invoked by uid 2); 3 Jan 2025 00:00:00 -0000\nContent-Type: "
      "text/html\n\n"
      "<html><head><meta charset=koi8-r><title>t</title></head><body><a href='x:y'>\xF0\xD2</a><form "
      "action=//f.example>&copy;");
  return all;
}

TEST_F(Robust, CutAtEveryByte) {
  for (const auto& sample : samples()) {
    for (size_t length = 0; length <= sample.size(); ++length) parse(ByteView(sample).substr(0, length));
  }
}

TEST_F(Robust, BytesChangedLostAndDoubled) {
  env::SeededRandom random(7);
  const std::string bytes = std::string("\0\r\n\x80\xFF\"()<>@,;:=?&[]\\-", 22) + "\x1B";
  for (const auto& sample : samples()) {
    for (int round = 0; round < 1500; ++round) {
      std::string mutant = sample;
      for (uint64_t changes = 1 + random.below(4); changes > 0 && !mutant.empty(); --changes) {
        const size_t at = random.below(mutant.size());
        const size_t length = random.below(30);
        switch (random.below(4)) {
          case 0:
            mutant[at] = bytes[random.below(bytes.size())];
            break;
          case 1:
            mutant.erase(at, length);
            break;
          case 2:
            mutant.insert(at, mutant.substr(random.below(mutant.size()), length));
            break;
          default:
            mutant.insert(at, 1 + random.below(3), bytes[random.below(bytes.size())]);
        }
      }
      parse(mutant);
    }
  }
}

TEST_F(Robust, LongHeaderLines) {
  for (const std::string piece :
       {"a",    "<", "(",      "\"",    "\\\"", "=?", "=?utf-8?q?=41?= ", "a@b,", "; a=b", "[", ">",
        "\xFF", ":", "<a@b> ", "\r\n ", "()",   "@",  "=?a?q?x",          "a:",   "\"a\" "}) {
    const std::string value = repeated(piece, 60'000 / piece.size()) + "\r\n";
    std::string message = "Received: from a by b; x\r\n";
    for (const auto* name :
         {"From", "To", "Subject", "Received", "Authentication-Results", "Date", "References", "Content-Type",
          "Content-Disposition", "DKIM-Signature", "List-Id", "X-Other", "Return-Path", "Message-ID"}) {
      message += std::string(name) + ": " + value;
    }
    parse(message + "\r\nbody");
    parse("From: " + repeated(piece, 1'000'000 / piece.size()) + "\r\n\r\nbody");
  }
}

TEST_F(Robust, ManyReceived) {
  const auto& facts = parse(repeated("Received: from a.example (b [192.0.2.1]) by c.example with SMTP; Fri, "
                                     "3 Jan 2025 09:00:05 +0000\r\n",
                                     10'000) +
                            "\r\nx");
  EXPECT_EQ(facts.received.size(), limits.hops);
  ASSERT_GE(facts.cuts.size(), 1U);
  EXPECT_TRUE(std::any_of(facts.cuts.begin(), facts.cuts.end(),
                          [](const Cut& cut) { return cut.what == "hops" && cut.total == 10'000; }));
}

TEST_F(Robust, ManyHeaderFields) {
  parse(repeated("A: b\n", 300'000) + "\nx");
  EXPECT_TRUE(malformed("too many header fields"));
}

TEST_F(Robust, NestedParts) {
  std::string message = "From: a@b.example\n";
  for (int i = 0; i < 10'000; ++i) {
    const std::string boundary = "b" + std::to_string(i);
    message += "Content-Type: multipart/mixed; boundary=" + boundary + "\n\n--" + boundary + "\n";
  }
  parse(message + "\ndeep");
  EXPECT_TRUE(malformed("nested too deep"));
  parse("From: a@b.example\n" + repeated("Content-Type: message/rfc822\n\n", 10'000) + "\ndeep");
  parse("From: a@b.example\n" + repeated("Content-Type: multipart/mixed; boundary=b\n\n--b\n", 10'000) +
        "\ndeep");
}

TEST_F(Robust, ManyParts) {
  const auto& facts =
      parse("Content-Type: multipart/mixed; boundary=b\n\n" + repeated("--b\n\nx\n", 10'000) + "--b--\n");
  EXPECT_EQ(facts.parts.size(), limits.parts);
  EXPECT_TRUE(std::any_of(facts.cuts.begin(), facts.cuts.end(),
                          [](const Cut& cut) { return cut.what == "parts" && cut.total == 10'000; }));
  parse("Content-Type: multipart/mixed; boundary=b\n\n" + repeated("--b\n", 500'000));
  EXPECT_TRUE(malformed("too many parts"));
  parse("Content-Type: multipart/mixed; boundary=\"a:b\"\n\n" + repeated("--a:b\nX: y\n", 100'000));
}

TEST_F(Robust, LinesThatLookLikeBoundaries) {
  std::string message = "From: a@b.example\n";
  for (int i = 0; i < 64; ++i) {
    const std::string boundary = "b" + std::to_string(i);
    message += "Content-Type: multipart/mixed; boundary=" + boundary + "\n\n--" + boundary + "\n";
  }
  parse(message + "\n" + repeated("--c\n", 500'000));
}

TEST_F(Robust, LargeBodies) {
  constexpr size_t size = size_t{large_megabytes} * 1024 * 1024;
  const long before = peak_kib();
  std::string raw;
  const auto body = [&](std::string_view head, std::string_view piece) -> ByteView {
    raw.assign(head);
    raw.reserve(size);
    while (raw.size() + piece.size() <= size) raw += piece;
    return raw;
  };
  const std::string base64_line = repeated("QUJD", 19) + "\r\n";
  parse(body("Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n", base64_line));
  EXPECT_EQ(parsed_.facts.parts[0].size_bytes % 57, 0);
  parse(body("Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n",
             "<a href=3D\"http://a.example/\">=C3=BC</a>=\n"));
  parse(body("Content-Type: text/plain; charset=gb18030\n\n", "\x81\x30\x81\x30 http://b.example/"));
  parse(body("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n", "<"));
  parse(body("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n", "A: b\n"));
  parse(body("", "A: b@c.example,\n "));
  parse(body("", "\n"));
  parse(body("", std::string_view("\0", 1)));
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_LT(peak_kib() - before, (64 + large_megabytes) * 1024)
      << "more than the message and 64 MB beside it";
#else
  (void)before;
#endif
}

TEST_F(Robust, AllBytesAndNothing) {
  parse("");
  EXPECT_TRUE(malformed("empty message"));
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  parse(all);
  for (const auto* charset : {"utf-7", "utf-16", "utf-32", "iso-2022-jp", "hz", "shift_jis", "euc-kr", "big5",
                              "x-nonsense", "ibm037", "iso-2022-kr", "imap-mailbox-name", "scsu", "bocu-1",
                              "gb18030", "../../etc/passwd", "utf-8,swaplfnl"}) {
    parse(std::string("Content-Type: text/html; charset=\"") + charset + "\"\nSubject: =?" + charset + "?q?" +
          all + "?=\n\n" + all + all);
  }
}

// The same parser, one message after the other: nothing of one is in the next.
TEST_F(Robust, NothingIsLeftOver) {
  const auto all = samples();
  Parsed expected;
  for (int i = 0; i < 4; ++i) {
    const auto& sample = all[static_cast<size_t>(i) % all.size()];
    parse(sample);
    Parser once;
    once.parse(sample, edge_, expected);
    EXPECT_EQ(parsed_.facts.structure, expected.facts.structure);
    EXPECT_EQ(parsed_.facts.excerpt, expected.facts.excerpt);
    EXPECT_EQ(parsed_.facts.malformed, expected.facts.malformed);
    EXPECT_EQ(parsed_.facts.links.size(), expected.facts.links.size());
    EXPECT_EQ(parsed_.facts.received.size(), expected.facts.received.size());
  }
}

// Mail of elsewhere, where there is some: BONAFIDE_MAIL_FOLDERS names folders of .eml files, ":" between.
TEST_F(Robust, CorporaOfElsewhere) {
  const char* folders = std::getenv("BONAFIDE_MAIL_FOLDERS");
  if (folders == nullptr) GTEST_SKIP() << "BONAFIDE_MAIL_FOLDERS names no folder of messages";
  for (const auto folder : split(folders, ':')) {
    size_t count = 0;
    double worst = 0, all = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(std::string(folder))) {
      if (!entry.is_regular_file() || entry.path().extension() != ".eml") continue;
      std::ifstream file(entry.path(), std::ios::binary);
      std::stringstream text;
      text << file.rdbuf();
      const std::string raw = text.str();
      SCOPED_TRACE(entry.path().string());
      const double begin = cpu_seconds();
      parse(raw);
      worst = std::max(worst, cpu_seconds() - begin);
      all += cpu_seconds() - begin;
      ++count;
      // Each message also cut in the middle, and with a NUL.
      parse(ByteView(raw).substr(0, raw.size() / 2));
      std::string nul = raw;
      if (!nul.empty()) nul[nul.size() / 3] = '\0';
      parse(nul);
    }
    EXPECT_GT(count, 0U) << folder << " holds no .eml files";
    std::cout << folder << ": " << count << " messages, "
              << all * 1e6 / static_cast<double>(std::max<size_t>(count, 1)) << " us each, at most "
              << worst * 1e6 << " us\n";
  }
}

}  // namespace
}  // namespace bonafide::mail
