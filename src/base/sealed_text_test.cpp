#include "base/sealed_text.hpp"

#include <gtest/gtest.h>

namespace bonafide {
namespace {

TEST(SealedText, ComesBack) {
  for (const std::string text : {"", "one\n", "crc32c of nothing\ntwo\n"})
    EXPECT_EQ(unsealed(sealed(text)), text);
  EXPECT_EQ(sealed(""), "crc32c 00000000\n");
}

TEST(SealedText, AnyOtherByteShows) {
  const std::string file = sealed("name 1\nother 2\n");
  for (size_t i = 0; i < file.size(); ++i) {
    std::string other = file;
    other[i] ^= 1;
    EXPECT_FALSE(unsealed(other)) << i;
    EXPECT_FALSE(unsealed(file.substr(0, i))) << i;
  }
}

}  // namespace
}  // namespace bonafide
