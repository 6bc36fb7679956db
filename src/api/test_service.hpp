#pragma once
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>

#include "api/service.hpp"
#include "base/json.hpp"
#include "env/metrics.hpp"
#include "net/body_pipe.hpp"

namespace bonafide::api {

/// Tenants as they were put.
class TestTenants final : public TenantAdmin {
 public:
  Result<std::string> list() override { return R"({"count":)" + std::to_string(texts_.size()) + "}"; }
  Result<std::string> show(const std::string& name) override {
    const auto at = texts_.find(name);
    if (at == texts_.end()) return Error{Cause::not_found, "there is no tenant " + name};
    return at->second;
  }
  Result<std::string> put(const std::string& name, const std::string& json, bool only_new) override {
    if (only_new && texts_.contains(name)) return Error{Cause::conflict, "there is a tenant " + name};
    return texts_[name] = json;
  }
  Result<std::string> remove(const std::string& name) override {
    BONAFIDE_ASSIGN(const std::string text, show(name));
    texts_.erase(name);
    return text;
  }

 private:
  std::map<std::string, std::string> texts_;
};

/// A service in memory for the tests of the API: takes messages, decides by their text.
class TestService : public Service {
 public:
  TestService() = default;
  /// Does what later() was given, until stop(): somebody's thread runs it.
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  TestService(const TestService&) = delete;
  TestService& operator=(const TestService&) = delete;

  Admission admit(size_t bytes) override {
    const std::lock_guard lock(mutex_);
    admitted_bytes = bytes;
    return admission;
  }
  void submit(Submission submission, std::function<void(Result<Receipt>)> done) override {
    later([this, submission = std::move(submission), done = std::move(done)] {
      if (submission.raw == "poison") return done(Error{Cause::internal, "it went wrong"});
      if (submission.tenant == "nobody") return done(Error{Cause::invalid, "there is no tenant \"nobody\""});
      Receipt receipt;
      {
        const std::lock_guard lock(mutex_);
        submissions.push_back(submission);
        const auto [at, is_new] = ids_.emplace(submission.raw, next_id());
        receipt.id = at->second;
        receipt.duplicate = !is_new;
      }
      if (submission.raw == "two tenants") receipt.ids = {receipt.id, other_id};
      done(receipt);
    });
  }
  void await_verdict(const EventId& id, Time, std::function<void(Decision)> told) override {
    const std::lock_guard lock(mutex_);
    if (never_decide) return;
    tasks_.emplace_back([id, told = std::move(told), other = id == other_id] {
      told({id,
            other ? "untrusted" : "trusted",
            other ? "domain_spoof" : "none",
            other ? 3.5 : 97.25,
            {{"the sender's usual \"servers\"", 1.5}}});
    });
    changed_.notify_all();
  }
  void score(Submission submission, Answer answer) override {
    answer(R"({"bytes":)" + std::to_string(submission.raw.size()) + "}");
  }
  void message(const EventId& id, bool rescore, Answer answer) override {
    later([id, rescore, answer = std::move(answer)] {
      if (id.hex().ends_with("00")) return answer(Error{Cause::not_found, "there is no event " + id.hex()});
      if (id.hex().ends_with("dd")) return answer(Error{Cause::damaged, "row 7 is damaged"});
      JsonWriter json;
      answer(json.begin_object().member("id", id.hex()).member("rescored", rescore).end_object().take());
    });
  }
  void raw(const EventId& id, Source source) override {
    later([id, source = std::move(source)] {
      if (id.hex().ends_with("00")) return source(Error{Cause::not_found, "not kept"});
      net::BodyPipe pipe;
      source(pipe.reader());
      pipe.write(std::string("From: a\0\r\n", 10));
      pipe.finish();
    });
  }
  void status(Answer answer) override { answer(std::string(R"({"state":"running"})")); }
  void ledger(const LedgerQuery& query, Answer answer) override {
    JsonWriter json;
    json.begin_object().member("tenant", query.tenant).member("hop", query.hop).member("limit", query.limit);
    answer(json.member("from", query.from.value_or(Time{})).end_object().take());
  }
  void parked(const ParkedQuery& query, Answer answer) override {
    JsonWriter json;
    json.begin_object()
        .member("limit", query.limit)
        .member("cursor", query.cursor)
        .member("reveal", query.reveal);
    answer(json.end_object().take());
  }
  void judge(const EventId& id, Judgement judgement, std::function<void(Result<Judged>)> done) override {
    later([id, judgement, done = std::move(done)] {
      if (id.hex() == std::string(32, '0')) return done(Error{Cause::not_found, "there is no event"});
      const std::string said = judgement == Judgement::good ? "good" : "bad";
      done(Judged{judgement == Judgement::good,
                  R"({"id":")" + id.hex() + R"(","judgement":")" + said + R"("})"});
    });
  }
  void reprocess(const ReprocessQuery& query, Answer answer) override {
    later([query, answer = std::move(answer)] {
      if (query.to <= query.from) return answer(Error{Cause::invalid, "nothing lies between"});
      answer(R"({"state":"running","step":")" + query.step + R"(","tenant":")" + query.tenant + R"("})");
    });
  }
  void reprocess_state(Answer answer) override { answer(std::string(R"({"state":"none"})")); }
  void cancel_reprocess(Answer answer) override {
    answer(Error{Cause::conflict, "no reprocess is under way"});
  }
  void parked_record(const std::string& id, bool, Answer answer) override {
    answer(JsonWriter().begin_object().member("id", id).end_object().take());
  }
  void settle_parked(const std::string& id, ParkedAction action, Answer answer) override {
    JsonWriter json;
    json.begin_object().member("id", id).member("action", action == ParkedAction::retry ? "retry" : "drop");
    answer(json.end_object().take());
  }
  void export_rows(const ExportQuery& query, Source source) override {
    later([query, source = std::move(source)] {
      net::BodyPipe pipe(size_t{64} * 1024);
      source(pipe.reader());
      for (size_t i = 0; i < query.limit.value_or(100'000); ++i) {
        JsonWriter json;
        json.begin_object().member("row", i).end_object().end_line();
        if (!pipe.write(json.take())) return;
      }
      pipe.finish();
    });
  }
  void search(const SearchQuery& query, Answer answer) override {
    JsonWriter json;
    json.begin_object()
        .member("text", query.text)
        .member("tenant", query.tenant)
        .member("limit", query.limit);
    json.member("sender", query.sender).member("cursor", query.cursor);
    answer(json.end_object().take());
  }
  void stats(const StatsQuery& query, Answer answer) override {
    JsonWriter json;
    json.begin_object().member("group_by", query.group_by).member("tz", query.tz);
    answer(json.member("from", query.from.value_or(Time{})).end_object().take());
  }
  void reindex(Source source) override {
    later([source = std::move(source)] {
      net::BodyPipe pipe;
      source(pipe.reader());
      pipe.write("{\"rebuilt\":true}\n");
      pipe.finish();
    });
  }
  void verify(bool quick, Source source) override {
    later([this, quick, source = std::move(source)] {
      if (verifying) return source(Error{Cause::conflict, "a verify is under way"});
      net::BodyPipe pipe;
      source(pipe.reader());
      pipe.write("{\"progress\":0.5}\n");
      if (break_off) return;
      pipe.write(std::string(R"({"result":"sound","quick":)") + (quick ? "true" : "false") + "}\n");
      pipe.finish();
    });
  }
  void tail(const TailQuery& query, Source source) override {
    later([query, source = std::move(source)] {
      if (query.stream == "none") return source(Error{Cause::not_found, "there is no stream \"none\""});
      net::BodyPipe pipe;
      source(pipe.reader());
      JsonWriter json;
      json.begin_object().member("stream", query.stream).member("follow", query.follow);
      json.member("beginning", query.beginning).member("from", query.from.value_or(Time{}));
      json.member("last", query.last.value_or(0)).member("after", query.after);
      json.member("sender", query.sender).key("verdicts").begin_array();
      for (const auto& verdict : query.verdicts) json.value(verdict);
      json.end_array().member("reveal", query.reveal).end_object().end_line();
      pipe.write((query.framing == TailQuery::Framing::events ? "data: " : "") + json.take());
      pipe.finish();
    });
  }
  void with_registry(std::function<void(avro::Registry&)> work) override {
    later([this, work = std::move(work)] { work(schemas); });
  }
  void with_tenants(std::function<void(TenantAdmin&)> work) override {
    later([this, work = std::move(work)] { work(tenants); });
  }
  std::string metrics() override { return registry.exposition(); }
  Health alive() override { return {}; }
  Health ready() override {
    const std::lock_guard lock(mutex_);
    return {is_ready, {{"journal", is_ready ? "answers" : "the disk is full"}}};
  }

  std::mutex mutex_;
  Admission admission;
  size_t admitted_bytes = 0;
  std::vector<Submission> submissions;
  std::atomic<bool> never_decide{false}, verifying{false}, break_off{false};
  bool is_ready = true;
  env::Metrics registry;
  avro::EmbeddedRegistry schemas;
  TestTenants tenants;
  const EventId other_id = *EventId::parse("000000000000000000000000000000ee");

 private:
  EventId next_id() { return EventId::make(Time::from_millis(++count_), "0123456789"); }
  void later(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_all();
  }

  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::map<std::string, EventId> ids_;
  int64_t count_ = 0;
  bool stop_ = false;
};

}  // namespace bonafide::api
