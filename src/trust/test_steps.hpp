#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "flow/processor.hpp"
#include "mail/codec.hpp"
#include "mail/revision.hpp"
#include "trust/test_story.hpp"

// For the tests of steps that make revisions: a story whose steps are run as a worker runs them.
namespace bonafide::trust::test {

class StepStory : public Story {
 public:
  StepStory() : codec_(*mail::EventCodec::open(registry_)) {
    populate(*this);
    past(acme, 20);
  }
  /// A message that has come, was scored and taught.
  mail::Scored came(const Sender& sender, int64_t day) {
    auto received = message(sender, day);
    received.id = EventId::make(received.received_at, std::string(10, static_cast<char>(++ids_)));
    received.order_key = "default acme.example";
    return take(std::move(received));
  }
  [[nodiscard]] std::string framed(const mail::Scored& event) const {
    std::string out;
    codec_->encode(event, out);
    return out;
  }
  template <class Event>
  flow::Delivery delivery(const Event& event) const {
    flow::Delivery delivery;
    delivery.shard = {std::string(Event::topic), flow::Lane::live, 0};
    std::string value;
    codec_->encode(event, value);
    delivery.record.value = SharedBytes(std::move(value));
    return delivery;
  }
  /// Asks, processes, and lets the history learn. Nothing: it was dropped.
  Result<std::optional<mail::Scored>> run(flow::Processor& step, const flow::Delivery& delivery) {
    flow::Questions questions;
    step.ask(delivery, questions);
    auto known = answers(questions.take());
    if (unknown) std::ranges::fill(known, nullptr);
    Collector output;
    BONAFIDE_TRY(
        step.process(delivery, known, {Time::from_seconds(1'800'000'000), delivery.record.attempt}, output));
    if (output.payloads.empty()) {
      EXPECT_TRUE(output.deltas.empty());
      return std::optional<mail::Scored>();
    }
    EXPECT_EQ(output.payloads.size(), 1U);
    std::string value;
    output.payloads.front()->encode(value);
    mail::Scored scored;
    BONAFIDE_TRY(codec_->decode(value, scored));
    EXPECT_EQ(output.deltas, deltas(scored)) << "the fold gives what the step has said";
    learn(scored);
    return std::optional(std::move(scored));
  }
  const mail::EventCodec& codec() const { return *codec_; }

  Sender acme;
  bool unknown = false;  ///< the histories do not answer

 private:
  struct Collector final : flow::Output {
    void emit(std::shared_ptr<const flow::Payload> payload) override {
      payloads.push_back(std::move(payload));
    }
    void observe(flow::Delta delta) override { deltas.push_back(std::move(delta)); }
    std::vector<std::shared_ptr<const flow::Payload>> payloads;
    std::vector<flow::Delta> deltas;
  };
  avro::EmbeddedRegistry registry_;
  std::unique_ptr<mail::EventCodec> codec_;
  int ids_ = 0;
};

}  // namespace bonafide::trust::test
