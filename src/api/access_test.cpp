#include "api/access.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "env/sim/files.hpp"

namespace bonafide::api {
namespace {

using testing::HasSubstr;

ApiSettings listening(const std::string& address) {
  ApiSettings settings;
  settings.listen = {"127.0.0.1:8025", address};
  return settings;
}

TEST(Binding, LoopbackNeedsNothing) {
  for (const char* address : {"127.0.0.1:0", "127.8.8.8:1", "[::1]:0", "localhost:0", "unix:/run/api.sock"}) {
    EXPECT_TRUE(check_binding(listening(address)).ok()) << address;
  }
}

TEST(Binding, AnythingElseNeedsATokenOrAList) {
  for (const char* address : {"0.0.0.0:8025", "[::]:8025", "192.0.2.1:0", "10.0.0.1:0", "[2001:db8::1]:0"}) {
    ApiSettings settings = listening(address);
    const auto refused = check_binding(settings);
    ASSERT_FALSE(refused.ok()) << address;
    EXPECT_THAT(refused.error().message, HasSubstr(address));
    EXPECT_THAT(refused.error().message, HasSubstr("api.token_file"));
    settings.allow = {"10.0.0.0/8"};
    EXPECT_TRUE(check_binding(settings).ok());
    for (const char* everybody : {"0.0.0.0/0", "::/0"}) {
      settings.allow = {"10.0.0.0/8", everybody};
      EXPECT_FALSE(check_binding(settings).ok()) << "a list of everybody is no list";
    }
    settings.token_file = "token";
    EXPECT_TRUE(check_binding(settings).ok());
  }
}

TEST(Binding, WhatCannotBeReadIsNamed) {
  EXPECT_THAT(check_binding(listening("example.com:1")).error().message, HasSubstr("example.com"));
  ApiSettings settings;
  settings.allow = {"10.0.0.0/99"};
  EXPECT_THAT(check_binding(settings).error().message, HasSubstr("api.allow"));
  settings.listen.clear();
  EXPECT_FALSE(listen_addresses(settings).ok());
}

class AccessTest : public testing::Test {
 protected:
  AccessTest() { EXPECT_TRUE(files.make_folders("/t").ok()); }
  ApiSettings open_settings() {
    ApiSettings settings = listening("0.0.0.0:8025");
    settings.allow = {"10.0.0.0/8", "2001:db8::/32"};
    return settings;
  }
  int status(const Access& access, const std::string& from, const std::string& token = "") {
    net::Request request;
    request.host = "localhost";
    request.peer.remote = *net::Address::parse(from);
    request.peer.local = *net::Address::parse("192.0.2.9:8025");
    if (!token.empty()) request.headers.emplace_back("authorization", "Bearer " + token);
    const auto decided = access.admit(request, false);
    if (const auto* refusal = std::get_if<net::Response>(&decided)) return refusal->status;
    return std::get<Access::Caller>(decided).trusted ? 200 : 201;
  }
  env::sim::SimFiles files;
};

TEST_F(AccessTest, AListLetsInWhomItNames) {
  const Access access = *Access::make(open_settings(), files);
  EXPECT_EQ(status(access, "10.1.2.3:5"), 200);
  EXPECT_EQ(status(access, "[2001:db8::7]:5"), 200);
  EXPECT_EQ(status(access, "192.0.2.1:5"), 403);
  EXPECT_EQ(status(access, "127.0.0.1:5"), 200) << "this machine";
  EXPECT_EQ(status(access, "unix:/run/x"), 200);
}

TEST_F(AccessTest, ATokenLetsInWhoeverHasIt) {
  ASSERT_TRUE(files.write_file("/t/token", "aaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbb").ok());
  ApiSettings settings = open_settings();
  settings.token_file = "/t/token";
  settings.trust_token = false;
  const Access access = *Access::make(settings, files, "the-services-own-token");
  EXPECT_EQ(status(access, "192.0.2.1:5"), 401);
  EXPECT_EQ(status(access, "192.0.2.1:5", "aaaaaaaaaaaaaaaa"), 201);
  EXPECT_EQ(status(access, "192.0.2.1:5", "bbbbbbbbbbbbbbbb"), 201);
  EXPECT_EQ(status(access, "192.0.2.1:5", "the-services-own-token"), 201);
  EXPECT_EQ(status(access, "192.0.2.1:5", "aaaaaaaaaaaaaaab"), 401);
  EXPECT_EQ(status(access, "127.0.0.1:5"), 401) << "also on this machine";
  EXPECT_EQ(status(access, "10.0.0.1:5"), 200) << "named ranges need none";
  EXPECT_EQ(status(access, "10.0.0.1:5", "wrong-wrong-wrong-wrong"), 401) << "a wrong one is always refused";
}

TEST_F(AccessTest, TheServicesOwnTokenMakesNoneCompulsory) {
  const Access access = *Access::make({}, files, "the-services-own-token");
  EXPECT_EQ(status(access, "127.0.0.1:5"), 200);
  EXPECT_EQ(status(access, "127.0.0.1:5", "the-services-own-token"), 200);
}

TEST_F(AccessTest, BadTokenFilesAreRefusedAtStart) {
  ApiSettings settings;
  settings.token_file = "/t/absent";
  EXPECT_EQ(Access::make(settings, files).error().cause, Cause::not_found);
  settings.token_file = "/t/token";
  for (const char* bad : {"", "# nothing\n", "short\n", "has a space in the middle\n"}) {
    ASSERT_TRUE(files.write_file("/t/token", bad).ok());
    const auto refused = Access::make(settings, files);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_THAT(refused.error().message, HasSubstr("/t/token"));
  }
}

TEST_F(AccessTest, NamesAndTheOwnAddressAreKnownHosts) {
  ApiSettings settings = open_settings();
  settings.names = {"Bonafide.Example"};
  const Access access = *Access::make(settings, files);
  const auto known = [&](const std::string& host) {
    net::Request request;
    request.host = host;
    request.peer.remote = *net::Address::parse("10.0.0.1:5");
    request.peer.local = *net::Address::parse("192.0.2.9:8025");
    return std::holds_alternative<Access::Caller>(access.admit(request, false));
  };
  for (const char* host : {"localhost", "bonafide.example", "127.0.0.1", "::1", "192.0.2.9"})
    EXPECT_TRUE(known(host)) << host;
  for (const char* host : {"", "example", "192.0.2.8", "localhost.evil.example", "x.bonafide.example"})
    EXPECT_FALSE(known(host)) << host;
}

}  // namespace
}  // namespace bonafide::api
