#include "base/current.hpp"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace bonafide {
namespace {

TEST(Current, WhoTookTheOldValueKeepsIt) {
  Current<std::string> current(std::string("old"));
  const auto held = current.get();
  current.set(std::string("new"));
  EXPECT_EQ(*held, "old");
  EXPECT_EQ(*current.get(), "new");
  EXPECT_EQ(*Current<std::string>().get(), "");
}

TEST(Current, ReadersSeeOneValueOrTheOther) {
  Current<std::string> current(std::string(100, 'a'));
  std::atomic<bool> stop{false};
  std::atomic<int> mixed{0};
  std::vector<std::thread> readers;
  readers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto value = current.get();
        if (value->find_first_not_of(value->front()) != std::string::npos) ++mixed;
      }
    });
  }
  for (int i = 0; i < 2000; ++i)
    current.set(std::string(static_cast<size_t>(1 + i % 300), static_cast<char>('a' + i % 26)));
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(mixed, 0);
}

}  // namespace
}  // namespace bonafide
