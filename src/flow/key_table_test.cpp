#include "flow/key_table.hpp"

#include <gtest/gtest.h>

namespace bonafide::flow {
namespace {

TEST(KeyTable, NumbersKeysInTheOrderOfFirstSight) {
  KeyTable table;
  EXPECT_EQ(table.find("0"), KeyTable::none);
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < 5000; ++i) {
      EXPECT_EQ(table.add(std::to_string(i)), std::pair(i, true));
      EXPECT_EQ(table.add(std::to_string(i / 2)), std::pair(i / 2, false));
    }
    EXPECT_EQ(table.keys().size(), 5000U);
    for (size_t i = 0; i < 5000; ++i) {
      EXPECT_EQ(table.find(std::to_string(i)), i);
      EXPECT_EQ(table.keys()[i], std::to_string(i));
    }
    EXPECT_EQ(table.find("5000"), KeyTable::none);
    EXPECT_EQ(table.find(""), KeyTable::none);
    table.clear();
    EXPECT_EQ(table.find("0"), KeyTable::none);
  }
}

}  // namespace
}  // namespace bonafide::flow
