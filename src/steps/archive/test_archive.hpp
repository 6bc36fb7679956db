#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "avro/registry.hpp"
#include "base/hash.hpp"
#include "env/sim/files.hpp"
#include "steps/archive/archive.hpp"
#include "steps/archive/sink.hpp"
#include "stores/directory/directory_blobs.hpp"

namespace bonafide::steps {

/// For tests: an archive on a simulated disk, with what its sink needs.
class TestArchive {
 public:
  TestArchive() : codec_(*mail::EventCodec::open(registry_)) {
    settings_.file.block_bytes = size_t{64} << 10;  // so that a file of a test has some
    wipe(1);
  }

  /// An empty disk.
  void wipe(uint64_t seed) {
    sink_.reset();
    blobs_.reset();
    disk_.emplace(seed);
    steady_ = {};
    at_ = 0;
    random_ = env::SeededRandom(seed);
    EXPECT_TRUE(restart());
  }
  /// A new process on the same disk; false where it does not come up (open_error_).
  bool restart() {
    sink_.reset();
    blobs_.emplace(*disk_, "archive");
    auto opened = ArchiveSink::open({*blobs_, *codec_, registry_, random_, log_, metrics_}, settings_);
    if (!opened.ok()) {
      open_error_ = opened.error();
      return false;
    }
    sink_ = std::move(opened).value();
    return true;
  }
  static mail::Scored event(const std::string& name, const std::string& tenant, int day = 0) {
    mail::Scored event;
    auto& received = event.received;
    received.accepted_at = received.received_at = Time::from_seconds(1'750'000'000) + Duration::days(day);
    const Digest digest = sha256(name);
    received.id = EventId::make(received.accepted_at, view(digest).substr(0, 10));
    received.tenant = tenant;
    received.message_key.data = view(digest);
    received.facts.edit().message_id = name;
    return event;
  }
  flow::Record record(const mail::Scored& event) const {
    flow::Record record;
    std::string framed;
    codec_->encode(event, framed);
    record.value = SharedBytes(std::move(framed));
    return record;
  }
  static flow::ShardId shard() { return {"mail.scored", flow::Lane::live, 0}; }

  /// At positions after + 1, after + 2 …
  Result<flow::Applied> try_apply(const std::vector<mail::Scored>& events, uint64_t after) {
    std::vector<flow::Delivery> deliveries;
    for (const auto& event : events) {
      deliveries.push_back({shard(), flow::Position::of(after + deliveries.size() + 1), record(event)});
    }
    size_t poison = 0;
    return sink_->apply(
        deliveries, {shard(), flow::Position::of(after), flow::Position::of(after + events.size())}, &poison);
  }
  Result<flow::Applied> try_apply(const std::vector<mail::Scored>& events) { return try_apply(events, at_); }
  void apply(const std::vector<mail::Scored>& events) {
    const auto done = try_apply(events);
    ASSERT_TRUE(done.ok()) << done.error().message;
    at_ += events.size();
  }
  void settle(Duration passed) {
    steady_ = steady_ + passed;
    const auto done = sink_->settle(steady_, false);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  void drain() {
    const auto done = sink_->settle(steady_, true);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  ArchiveSink& sink() { return *sink_; }
  stores::BlobStore& blobs() { return *blobs_; }
  Archive archive() { return {*blobs_, *codec_}; }
  mail::EventCodec& codec() { return *codec_; }
  env::sim::SimFiles& disk() { return *disk_; }

  ArchiveSettings settings_;
  Error open_error_;
  Time steady_;

 private:
  avro::EmbeddedRegistry registry_;
  std::unique_ptr<mail::EventCodec> codec_;
  env::SeededRandom random_{1};
  env::NoLogger log_;
  env::Metrics metrics_;
  std::optional<env::sim::SimFiles> disk_;
  std::optional<stores::DirectoryBlobs> blobs_;
  std::unique_ptr<ArchiveSink> sink_;
  uint64_t at_ = 0;
};

}  // namespace bonafide::steps
