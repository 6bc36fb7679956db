// The readers of single header fields and encodings, by the examples of their RFCs and the ways they are
// broken in use.
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "mail/parse/addresses.hpp"
#include "mail/parse/authentication_results.hpp"
#include "mail/parse/date.hpp"
#include "mail/parse/encoded_word.hpp"
#include "mail/parse/header.hpp"
#include "mail/parse/html.hpp"
#include "mail/parse/links.hpp"
#include "mail/parse/transfer.hpp"

namespace bonafide::mail {
namespace {

std::string words(std::string_view text) {
  Charsets charsets;
  std::string out;
  append_decoded_words(text, charsets, out);
  return out;
}

TEST(EncodedWord, Rfc2047Section8) {
  EXPECT_EQ(words("=?ISO-8859-1?Q?a?="), "a");
  EXPECT_EQ(words("=?ISO-8859-1?Q?a?= b"), "a b");
  EXPECT_EQ(words("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?="), "ab");
  EXPECT_EQ(words("=?ISO-8859-1?Q?a?=    =?ISO-8859-1?Q?b?="), "ab");
  EXPECT_EQ(words("=?ISO-8859-1?Q?a_b?="), "a b");
  EXPECT_EQ(words("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?="), "a b");
  EXPECT_EQ(words("=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?="), "Patrik Fältström");
  EXPECT_EQ(words("=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?="), "םולש ןב ילטפנ");
}

TEST(EncodedWord, WhatIsNoneStays) {
  for (const std::string_view plain :
       {"=?", "=?a?b", "=?utf-8?x?y?=", "=?utf-8?q?no end", "a=?b", "=?=?=?=?"}) {
    EXPECT_EQ(words(plain), plain);
  }
}

TEST(EncodedWord, LongRunsStayCheap) {
  std::string open, many;
  for (int i = 0; i < 20'000; ++i) open += "=?a?q?x";
  for (int i = 0; i < 20'000; ++i) many += "=?utf-8?q?x?= ";
  EXPECT_TRUE(words(open) == open);
  EXPECT_EQ(words(many).size(), 20'001U);
}

std::string decoded(TransferDecoder::Encoding encoding, std::string_view text, size_t slice,
                    bool* broken = nullptr) {
  TransferDecoder decoder(encoding);
  std::string out, carried;
  for (size_t at = 0; at <= text.size(); at += slice) {
    carried += text.substr(at, slice);
    const size_t taken = decoder.decode(carried, at + slice > text.size(), out);
    carried.erase(0, taken);
  }
  EXPECT_TRUE(carried.empty());
  if (broken != nullptr) *broken = decoder.broken();
  return out;
}

TEST(Transfer, SliceBySliceAsInOne) {
  const std::string base64 = "SGVsbG8s\r\nIHdvcmxkIQ==\r\nTW9yZQ==";
  const std::string quoted = "a=3Db=\r\nc=\nd=20 \r\ne=  \r\nf=C3=bc=";
  for (size_t slice = 1; slice < 40; ++slice) {
    bool broken = true;
    EXPECT_EQ(decoded(TransferDecoder::Encoding::base64, base64, slice, &broken), "Hello, world!More")
        << slice;
    EXPECT_FALSE(broken);
    EXPECT_EQ(decoded(TransferDecoder::Encoding::quoted_printable, quoted, slice, &broken), "a=bcd  \r\nefü")
        << slice;
    EXPECT_FALSE(broken);
  }
}

TEST(Transfer, EveryByteSurvivesBase64) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += static_cast<char>(i * 7);
  for (size_t length = 0; length < 20; ++length) {
    const auto part = bytes.substr(0, 980 + length);
    EXPECT_EQ(decoded(TransferDecoder::Encoding::base64, to_base64(part), 1000), part);
  }
}

TEST(Transfer, BrokenIsSaidAndSurvived) {
  bool broken = false;
  EXPECT_EQ(decoded(TransferDecoder::Encoding::base64, "SGV\x01sbG8", 100, &broken), "Hello");
  EXPECT_TRUE(broken);
  EXPECT_EQ(decoded(TransferDecoder::Encoding::quoted_printable, "=ZZ=4", 100, &broken), "=ZZ=4");
  EXPECT_TRUE(broken);
}

TEST(Dates, Rfc5322Examples) {
  EXPECT_EQ(format_rfc3339(parse_mail_date("Fri, 21 Nov 1997 09:55:06 -0600")->time), "1997-11-21T15:55:06Z");
  EXPECT_EQ(format_rfc3339(parse_mail_date("Tue, 1 Jul 2003 10:52:37 +0200")->time), "2003-07-01T08:52:37Z");
  EXPECT_EQ(format_rfc3339(parse_mail_date("21 Nov 97 09:55:06 GMT")->time), "1997-11-21T09:55:06Z");
  EXPECT_EQ(parse_mail_date("Tue, 1 Jul 2003 10:52:37 +0200")->offset_minutes, 120);
  EXPECT_EQ(parse_mail_date("Tue, 1 Jul 2003 10:52:37 -0000")->offset_minutes, std::nullopt);
}

TEST(Dates, Impossible) {
  for (const auto* bad : {"", "Fri", "Fri, 32 Jan 2025 10:00:00 +0000", "1 Jan 2025", "1 Foo 2025 10:00:00",
                          "1 Jan 2025 25:00:00", "29 Feb 2023 10:00:00", "1 Jan 99999 10:00:00", ";;;",
                          "(((((", "12345678901234567890"}) {
    EXPECT_FALSE(parse_mail_date(bad)) << bad;
  }
}

TEST(AuthResults, Rfc8601AppendixB) {
  EXPECT_EQ(parse_auth_results("example.org 1; none").authserv_id, "example.org");
  EXPECT_TRUE(parse_auth_results("example.org 1; none").methods.empty());

  const auto several = parse_auth_results(
      "example.com; auth=pass (cram-md5) smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net");
  ASSERT_EQ(several.methods.size(), 2U);
  EXPECT_EQ(several.methods[0].method, "auth");
  EXPECT_EQ(several.methods[0].domain, "example.net");
  EXPECT_EQ(several.methods[1].result, "pass");

  const auto odd = parse_auth_results(
      "foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail "
      "policy (A dot can go here) . (like that) expired (this surprised me) = (as I wasn't expecting it) "
      "1362471462");
  EXPECT_EQ(odd.authserv_id, "foo.example.net");
  ASSERT_EQ(odd.methods.size(), 1U);
  EXPECT_EQ(odd.methods[0].method, "dkim");
  EXPECT_EQ(odd.methods[0].result, "fail");
}

TEST(AuthResults, QuotedAndUnreadable) {
  const auto quoted = parse_auth_results(
      R"("mx.example"; dkim=fail reason="bad; signature \"x\"" header.i=@a.example header.s="s 1")");
  EXPECT_EQ(quoted.authserv_id, "mx.example");
  ASSERT_EQ(quoted.methods.size(), 1U);
  EXPECT_EQ(quoted.methods[0].domain, "a.example");
  EXPECT_EQ(quoted.methods[0].selector, "s 1");
  EXPECT_EQ(parse_auth_results("spf=pass smtp.mailfrom=x.example").authserv_id, "");
  EXPECT_EQ(parse_auth_results("").authserv_id, "");
  EXPECT_TRUE(parse_auth_results("a; ((((((; =; = =;;;\"").methods.empty());
}

TEST(Addresses, Rfc5322AppendixA) {
  Charsets charsets;
  std::vector<Address> found;
  const auto list = append_addresses(
      "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>, Mary Smith <mary@x.test>,\r\n"
      " jdoe@example.org, Who? <one@y.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>,\r\n"
      " A Group(Some people):Chris Jones <c@(Chris's host.)public.example>,joe@example.org,\r\n"
      " John <jdoe@one.test> (my dear friend); (the end of the group)",
      charsets, 100, found);
  EXPECT_EQ(list.total, 8U);
  EXPECT_TRUE(list.sound);
  std::vector<std::string> text;
  for (const auto& one : found) text.push_back(one.display_name + "|" + one.key());
  EXPECT_EQ(text, (std::vector<std::string>{
                      "Pete|pete@silly.test", "Mary Smith|mary@x.test", "|jdoe@example.org",
                      "Who?|one@y.test", "Giant; \"Big\" Box|sysservices@example.net",
                      "Chris Jones|c@public.example", "|joe@example.org", "John|jdoe@one.test"}));
}

TEST(Addresses, BoundedAndCounted) {
  Charsets charsets;
  std::vector<Address> found;
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "a@example.org,";
  EXPECT_EQ(append_addresses(many, charsets, 100, found).total, 5000U);
  EXPECT_EQ(found.size(), 100U);
}

TEST(Addresses, Paths) {
  EXPECT_EQ(parse_path("<Ann@Example.org>").key(), "ann@example.org");
  EXPECT_EQ(parse_path("ann@example.org").local, "ann");
  EXPECT_EQ(parse_path("<>").usable(), false);
  EXPECT_EQ(parse_path("<@a,@b:ann@example.org>").key(), "ann@example.org");
}

TEST(Header, Unfolding) {
  std::string buffer;
  EXPECT_EQ(unfold("  plain ", buffer, 100), "plain");
  EXPECT_EQ(unfold(" a\r\n b\n\tc ", buffer, 100), "a b c");
  EXPECT_EQ(unfold(std::string(100, 'x'), buffer, 10).size(), 10U);
}

TEST(Header, ViewsIntoTheBlock) {
  const std::string bytes = "A: 1\nB:2\n\t3\r\nC :4\n\nbody";
  HeaderBlock block;
  block.scan(bytes);
  ASSERT_EQ(block.fields().size(), 3U);
  EXPECT_EQ(block.fields()[1].value, "2\n\t3");
  EXPECT_EQ(block.fields()[2].name, "C");
  EXPECT_EQ(bytes.substr(block.body_at()), "body");
  ASSERT_NE(block.find("b"), nullptr);
  EXPECT_EQ(block.find("d"), nullptr);
}

TEST(Links, HostsAsBrowsersReadThem) {
  EXPECT_EQ(host_of_url("http://A.Example:80/x"), "a.example");
  EXPECT_EQ(host_of_url("https:a.example"), "a.example");
  EXPECT_EQ(host_of_url("http:\\\\a.example\\b"), "a.example");
  EXPECT_EQ(host_of_url("http://bank.example#@evil.example/"), "bank.example");
  EXPECT_EQ(host_of_url("http://bank.example\\@evil.example/"), "bank.example");
  EXPECT_EQ(host_of_url("http://a@b@c.example/"), "c.example");
  EXPECT_EQ(host_of_url("http://0300.0250.0.1/"), "192.168.0.1");
  EXPECT_EQ(host_of_url("http://[::FFFF:1.2.3.4]/"), "1.2.3.4");
  EXPECT_EQ(host_of_url("http://256.256.256.256/"), "256.256.256.256");
  EXPECT_EQ(host_of_url("http://%2565.example/"), "");
  EXPECT_EQ(host_of_url("tel:+123"), "");
  EXPECT_EQ(host_of_url("http://"), "");
}

TEST(Links, OnceEachAndBounded) {
  std::vector<Link> out;
  LinkList links(out);
  for (int i = 0; i < 1000; ++i) links.add("http://a.example/" + std::to_string(i % 500), "");
  EXPECT_EQ(links.total(), 500U);
  EXPECT_EQ(out.size(), 200U);
}

TEST(Html, EntitiesResolved) {
  std::string out;
  append_unescaped("&lt;&AMP;&amp&#x1F600;&#0;&#xD800;&;&#;&#x;&nosuch;&eacute;", out);
  EXPECT_EQ(out, "<&AMP;&\xF0\x9F\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD&;&#;&#x;&nosuch;é");
}

TEST(Html, TextOfNonsenseIsLinear) {
  for (const std::string piece :
       {"<", "<a", "<!--", "</", "<a href=\"", "&", "<p style=\"", "<script>", "<div hidden>", "<![", "--"}) {
    std::string html;
    while (html.size() < 300'000) html += piece;
    Excerpt excerpt(2048);
    std::vector<Link> out;
    LinkList links(out);
    read_html(html, excerpt, links);
    EXPECT_LE(excerpt.text().size(), 2048U);
  }
}

}  // namespace
}  // namespace bonafide::mail
