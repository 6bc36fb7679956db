#include "base/json.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace bonafide {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(Json, StringsAreEscaped) {
  EXPECT_EQ(quoted("plain"), "\"plain\"");
  EXPECT_EQ(quoted("a\"b\\c\n\r\t"), R"("a\"b\\c\n\r\t")");
  EXPECT_EQ(quoted(std::string_view("\0\x01\x1F\x7F", 4)), R"("\u0000\u0001\u001f\u007f")");
  EXPECT_EQ(quoted("\xC2\x85\xC2\xA0"), "\"\\u0085\xC2\xA0\"");
  EXPECT_EQ(quoted("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA"), "\"\\u2028\\u2029\xE2\x80\xAA\"");
}

TEST(Json, BrokenUtf8NeverReachesTheText) {
  EXPECT_EQ(quoted("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(quoted("\xC2"), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(quoted("\xE2\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(Json, WriterPlacesCommas) {
  JsonWriter json;
  json.begin_object().member("a", 1).member("b", "x,").key("c").begin_array().value(1.5).value(true).null();
  json.begin_object()
      .end_object()
      .begin_array()
      .end_array()
      .end_array()
      .member("d", int64_t{-9})
      .end_object();
  EXPECT_EQ(json.text(), R"({"a":1,"b":"x,","c":[1.5,true,null,{},[]],"d":-9})");
}

TEST(Json, AStringThatEndsLikeABracketIsStillFollowedByAComma) {
  JsonWriter json;
  json.begin_array().value("[").value("{").value(":").value("").end_array();
  EXPECT_EQ(json.text(), R"(["[","{",":",""])");
}

TEST(Json, NumbersAndTimes) {
  JsonWriter json;
  json.begin_array().value(0.1).value(5.0).value(std::numeric_limits<double>::quiet_NaN());
  json.value(std::numeric_limits<double>::infinity())
      .value(uint64_t{18446744073709551615U})
      .value(Time::from_seconds(0));
  json.end_array();
  EXPECT_EQ(json.text(), R"([0.1,5,null,null,18446744073709551615,"1970-01-01T00:00:00Z"])");
}

TEST(Json, OneValueALine) {
  JsonWriter json;
  json.begin_object()
      .member("n", 1)
      .end_object()
      .end_line()
      .begin_object()
      .member("n", 2)
      .end_object()
      .end_line();
  EXPECT_EQ(json.take(), "{\"n\":1}\n{\"n\":2}\n");
  EXPECT_EQ(json.text(), "");
}

}  // namespace
}  // namespace bonafide
