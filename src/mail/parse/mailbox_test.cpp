#include "mail/parse/mailbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "env/sim/files.hpp"

namespace bonafide::mail {
namespace {

class Mailbox : public ::testing::Test {
 protected:
  void write(const std::string& path, ByteView bytes) {
    const size_t slash = path.rfind('/');
    if (slash != std::string::npos) {
      ASSERT_TRUE(files_.make_folders(path.substr(0, slash)).ok());
    }
    ASSERT_TRUE(files_.write_file(path, bytes).ok());
  }

  // "name=bytes" of each message.
  static std::vector<std::string> all(MailSource& source) {
    std::vector<std::string> found;
    for (;;) {
      auto message = source.next();
      if (!message.ok()) {
        found.push_back("error: " + message.error().message);
        continue;
      }
      if (!message->has_value()) return found;
      found.push_back((*message)->name + "=" + std::string((*message)->bytes.view()));
    }
  }
  std::vector<std::string> all(const std::string& path) {
    auto source = open_source(files_, path);
    if (!source.ok()) return {"error: " + source.error().message};
    return all(**source);
  }

  env::sim::SimFiles files_;
};

using Found = std::vector<std::string>;

TEST_F(Mailbox, OneMessageInAFile) {
  write("a.eml", "Subject: x\n\nhello\n");
  EXPECT_EQ(all("a.eml"), Found{"a.eml=Subject: x\n\nhello\n"});
}

TEST_F(Mailbox, MboxIsCutAtItsSeparatorsAndUnquoted) {
  const std::string mark = "From ann@example.org Thu Jan  9 12:22:47 2003\n";
  write("box", mark + "Subject: 1\n\n>From here\n>>From there\nFrom the heart, no separator\n\n" + mark +
                   "Subject: 2\n\nFrom me\n\nFrom nowhere, at noon: not one either\n\n");
  EXPECT_EQ(all("box"), (Found{"box#1=Subject: 1\n\nFrom here\n>From there\nFrom the heart, no separator\n",
                               "box#2=Subject: 2\n\nFrom me\n\nFrom nowhere, at noon: not one either\n"}));
}

TEST_F(Mailbox, MboxWithCrLf) {
  const std::string mark = "From - Thu Jan  9 12:22:47 2003\r\n";
  write("box.mbox", mark + "Subject: 1\r\n\r\none\r\n\r\n" + mark + "Subject: 2\r\n\r\ntwo\r\n");
  EXPECT_EQ(all("box.mbox"),
            (Found{"box.mbox#1=Subject: 1\r\n\r\none\r\n", "box.mbox#2=Subject: 2\r\n\r\ntwo\r\n"}));
}

TEST_F(Mailbox, MboxIsReadInBlocks) {
  const std::string mark = "From a@b.example Thu Jan  9 12:22:47 2003\n";
  const std::string body(100, 'x');
  std::string mbox;
  size_t long_line = 0;
  for (int i = 0; i < 20'000; ++i) {
    mbox += mark + "Subject: " + std::to_string(i) + "\n\n";
    if (i == 77) {
      mbox += std::string(1'000'000, 'y');
      long_line = 1'000'000;
    }
    mbox += body + "\n\n";
  }
  write("big", mbox);
  auto source = open_source(files_, "big");
  ASSERT_TRUE(source.ok());
  int count = 0;
  uint64_t last = 0;
  for (;; ++count) {
    auto message = (*source)->next();
    ASSERT_TRUE(message.ok());
    if (!message->has_value()) break;
    const std::string head = "Subject: " + std::to_string(count) + "\n\n";
    ASSERT_TRUE((*message)->bytes.view().starts_with(head));
    ASSERT_EQ((*message)->size, head.size() + body.size() + 1 + (count == 77 ? long_line : 0));
    const auto progress = (*source)->progress();
    ASSERT_GE(progress.done, last);
    last = progress.done;
  }
  EXPECT_EQ(count, 20'000);
  EXPECT_EQ((*source)->progress().done, mbox.size());
  EXPECT_EQ((*source)->progress().total, mbox.size());
}

TEST_F(Mailbox, FolderInNameOrderWithMaildirsAndMboxesInside) {
  write("in/b.eml", "B");
  write("in/a/z.EML", "Z");
  write("in/a/readme.txt", "no mail");
  write("in/c/cur/1.host:2,S", "C1");
  write("in/c/cur/.hidden", "no mail");
  write("in/c/new/0.host", "C0");
  write("in/c/tmp/9.host", "not there yet");
  write("in/d.mbox", "From x Thu Jan  9 12:22:47 2003\nD\n");
  EXPECT_EQ(all("in/"), (Found{"in/a/z.EML=Z", "in/b.eml=B", "in/c/cur/1.host:2,S=C1", "in/c/new/0.host=C0",
                               "in/d.mbox#1=D\n"}));
  EXPECT_EQ(all("in/c"), (Found{"in/c/cur/1.host:2,S=C1", "in/c/new/0.host=C0"}));
}

TEST_F(Mailbox, WhatIsNotThereIsNamed) {
  write("empty/x.txt", "");
  EXPECT_THAT(all("nowhere").front(), ::testing::HasSubstr("nowhere"));
  EXPECT_THAT(all("empty").front(), ::testing::HasSubstr("no mail in this folder"));
}

TEST_F(Mailbox, BytesFromElsewhere) {
  auto one = open_bytes("stdin", SharedBytes::copy("Subject: 1\n\nx"));
  EXPECT_EQ(all(*one), Found{"stdin=Subject: 1\n\nx"});
  auto two = open_bytes("stdin", SharedBytes::copy("From a 1:2\nA\n\nFrom b 1:2\nB\n"));
  EXPECT_EQ(all(*two), (Found{"stdin#1=A\n", "stdin#2=B\n"}));
  auto none = open_bytes("stdin", SharedBytes());
  EXPECT_EQ(all(*none), Found{"stdin="});
}

}  // namespace
}  // namespace bonafide::mail
