#include "trust/model.hpp"

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "env/sim/files.hpp"

namespace bonafide::trust {
namespace {

std::string sealed(const std::string& body) {
  std::string bytes;
  append_be32(bytes, crc32c(body));
  return body + "crc32c " + to_hex(bytes) + "\n";
}

TEST(ModelTest, TheFileReadsBackAsTheSameModel) {
  const Model& model = Model::built_in();
  const auto again = Model::from_text(model.to_text());
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->to_text(), model.to_text());
  EXPECT_EQ(again->id, model.id);
  env::sim::SimFiles files;
  ASSERT_TRUE(files.make_folders("models").ok());
  ASSERT_TRUE(model.save(files, "models/m").ok());
  EXPECT_EQ(Model::load(files, "models/m")->to_text(), model.to_text());
}

TEST(ModelTest, ADamagedFileIsRefused) {
  std::string text = Model::built_in().to_text();
  for (const size_t at : {size_t{20}, text.size() / 2, text.size() - 3}) {
    std::string damaged = text;
    damaged[at] = damaged[at] == '1' ? '2' : '1';
    const auto model = Model::from_text(damaged);
    ASSERT_FALSE(model.ok()) << at;
    EXPECT_EQ(model.error().cause, Cause::damaged);
  }
  EXPECT_FALSE(Model::from_text("").ok());
}

TEST(ModelTest, WrongContentIsNamedByLine) {
  const auto error = [](const std::string& lines) {
    const auto model = Model::from_text(sealed("bonafide-model 1\n" + lines));
    return model.ok() ? std::string() : model.error().message;
  };
  EXPECT_NE(error("id x\nregime known_aligned\nnetwork+ -1\n")
                .find("line 4: the weight of network+ has the wrong sign"),
            std::string::npos);
  EXPECT_NE(error("id x\nregime nobody\n").find("unknown regime"), std::string::npos);
  EXPECT_NE(error("id x\nregime known_aligned\ncolour 1\n").find("unknown feature"), std::string::npos);
  EXPECT_NE(error("id x\nregime known_aligned\ncurve 1 50\ncurve 1 60\n").find("must rise"),
            std::string::npos);
  EXPECT_NE(error("id x\n").find("no curve"), std::string::npos);
}

TEST(ModelTest, TheBuiltInModelKeepsItsSigns) {
  for (const auto& regime : Model::built_in().regimes) {
    for (size_t i = 0; i < feature_count; ++i)
      EXPECT_GE(regime.weights[i] * sign_of(i), 0) << feature_name(i);
    size_t used = 0;
    for (const double weight : regime.weights) used += weight != 0 ? 1 : 0;
    EXPECT_GE(used, 15U) << "a misspelt feature name in the table?";
  }
}

}  // namespace
}  // namespace bonafide::trust
