#include "app/mail_watch.hpp"

#include <deque>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "env/real/files.hpp"

namespace bonafide::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
namespace fs = std::filesystem;

class MailWatchTest : public testing::Test {
 protected:
  MailWatchTest() {
    std::string pattern = fs::temp_directory_path() / "bonafide-watch-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    for (const char* part : {"new", "cur", "tmp"}) fs::create_directories(folder_ + "/maildir/" + part);
  }
  ~MailWatchTest() override { fs::remove_all(folder_); }

  void open(const std::vector<std::string>& names) {
    std::vector<std::string> paths;
    paths.reserve(names.size());
    for (const auto& name : names) paths.push_back(folder_ + "/" + name);
    watch_ = std::make_unique<MailWatch>(
        MailWatch::Settings{paths, Duration::seconds(2), folder_ + "/memory"},
        MailWatch::Parts{files_, logger_, [this](size_t) { return admits_; },
                         [this](const mail::RawMessage& message, bool old, std::function<void(bool)> done) {
                           taken_.emplace_back(message.bytes.view());
                           old_.push_back(old);
                           if (hold_) return held_.push_back(std::move(done));
                           done(settles_);
                         },
                         [] {}});
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }
  void append(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name, std::ios::app) << text;
  }
  /// What is handed over in one look at all, two seconds after the one before.
  std::vector<std::string> look() {
    taken_.clear();
    now_ = now_ + Duration::seconds(2);
    for (;;) {
      const auto more = watch_->step(now_);
      EXPECT_TRUE(more.ok()) << more.error().message;
      if (!more.ok() || !*more) return taken_;
    }
  }

  std::string folder_;
  env::RealFiles files_;
  env::NoLogger logger_;
  std::unique_ptr<MailWatch> watch_;
  Time now_;
  bool admits_ = true, settles_ = true, hold_ = false;
  std::vector<std::string> taken_;
  std::vector<bool> old_;
  std::deque<std::function<void(bool)>> held_;
};

TEST_F(MailWatchTest, EachMessageOfAMaildirIsTakenOnce) {
  write("maildir/new/1", "one");
  write("maildir/cur/2:2,S", "two");
  open({"maildir/"});
  EXPECT_THAT(look(), ElementsAre("one", "two"));
  EXPECT_THAT(look(), IsEmpty());
  fs::rename(folder_ + "/maildir/new/1", folder_ + "/maildir/cur/1:2,RS");  // read by its owner
  write("maildir/new/3", "three");
  EXPECT_THAT(look(), ElementsAre("three"));
  EXPECT_THAT(old_, ElementsAre(true, true, false));
  open({"maildir"});  // also after a restart
  EXPECT_THAT(look(), IsEmpty());
}

TEST_F(MailWatchTest, WhatIsGoneIsForgotten) {
  for (int i = 0; i < 200; ++i) write("maildir/new/" + std::to_string(i), "text");
  open({"maildir"});
  EXPECT_EQ(look().size(), 200U);
  const auto full = fs::file_size(folder_ + "/memory");
  for (int i = 0; i < 199; ++i) fs::remove(folder_ + "/maildir/new/" + std::to_string(i));
  EXPECT_THAT(look(), IsEmpty());
  EXPECT_LT(fs::file_size(folder_ + "/memory"), full / 10);
}

TEST_F(MailWatchTest, AnMboxIsReadOnFromWhereItEnded) {
  const auto mail = [](const std::string& text) {
    return "From a@b Mon Feb  2 10:00:00 2026\nSubject: " + text + "\n\nx\n\n";
  };
  write("box", mail("1") + mail("2"));
  open({"box"});
  EXPECT_THAT(look(), IsEmpty()) << "somebody may be writing it";
  EXPECT_THAT(look(), ElementsAre("Subject: 1\n\nx\n", "Subject: 2\n\nx\n"));
  append("box", mail("3").substr(0, 40));
  EXPECT_THAT(look(), IsEmpty());
  append("box", mail("3").substr(40));
  EXPECT_THAT(look(), IsEmpty());
  EXPECT_THAT(look(), ElementsAre("Subject: 3\n\nx\n"));
  open({"box"});
  EXPECT_THAT(look(), IsEmpty());
  EXPECT_THAT(look(), IsEmpty());
  write("box", mail("4"));  // rewritten, and shorter
  look();
  EXPECT_THAT(look(), ElementsAre("Subject: 4\n\nx\n"));
}

TEST_F(MailWatchTest, WhatIsNotTakenIsTriedAgain) {
  write("maildir/new/1", "one");
  write("box", "From a@b Mon Feb  2 10:00:00 2026\n\nx\n");
  open({"maildir", "box"});
  look();
  settles_ = false;
  write("maildir/new/2", "two");
  EXPECT_THAT(look(), UnorderedElementsAre("two", "\nx\n"));
  settles_ = true;
  EXPECT_THAT(look(), UnorderedElementsAre("two", "\nx\n"));
  EXPECT_THAT(look(), IsEmpty());
}

TEST_F(MailWatchTest, AFullPipelineIsWaitedFor) {
  write("maildir/new/1", "one");
  open({"maildir"});
  admits_ = false;
  EXPECT_THAT(look(), IsEmpty());
  EXPECT_GT(watch_->due(), now_);
  admits_ = true;
  EXPECT_THAT(look(), ElementsAre("one"));
}

TEST_F(MailWatchTest, NothingIsRememberedBeforeItIsAnswered) {
  write("maildir/new/1", "one");
  open({"maildir"});
  hold_ = true;
  EXPECT_THAT(look(), ElementsAre("one"));
  EXPECT_THAT(look(), IsEmpty()) << "it waits";
  EXPECT_FALSE(fs::exists(folder_ + "/memory"));
  held_.front()(true);
  look();
  EXPECT_TRUE(fs::exists(folder_ + "/memory"));
}

TEST_F(MailWatchTest, WhatIsNotThereYetIsLookedForAgain) {
  open({"absent", "maildir/tmp"});
  EXPECT_THAT(look(), IsEmpty());
  write("absent", "From a@b Mon Feb  2 10:00:00 2026\n\nx\n");
  look();
  EXPECT_THAT(look(), ElementsAre("\nx\n"));
}

}  // namespace
}  // namespace bonafide::app
