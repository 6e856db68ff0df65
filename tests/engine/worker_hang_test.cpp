// R3: whatever phase hangs, the worker is gone within its deadline and two seconds. Also:
// cancelling.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "engine/scripted.hpp"

namespace sweetspot::engine {
namespace {

constexpr double kDeadline = 0.4;
// The requirement; what this machine is busy with comes on top of the deadline, not of this.
constexpr double kGrace = 2.0;

// A request that never answers, and what asks it.
struct Hang {
  std::string place;
  Phase phase;
  std::function<std::optional<Failure>(Worker&)> ask;
};

template <typename T>
std::optional<Failure> failure_of(const Outcome<T>& outcome) {
  if (outcome) return std::nullopt;
  return outcome.error();
}

std::vector<Hang> hangs() {
  return {
      {"inspect", Phase::inspect, [](Worker& w) { return failure_of(w.inspect("/a.gguf")); }},
      {"load", Phase::load,
       [](Worker& w) {
         return failure_of(w.load({"/a.gguf", {}}, 1));
       }},
      {"context", Phase::context, [](Worker& w) { return failure_of(w.context({})); }},
      {"measure", Phase::warm_up,
       [](Worker& w) { return failure_of(w.measure(generation(5), Phase::warm_up, every)); }},
      {"measure", Phase::generation,
       [](Worker& w) { return failure_of(w.measure(generation(5), Phase::generation, every)); }},
      {"check", Phase::warm_up, [](Worker& w) { return failure_of(w.check()); }},
      {"full-depth", Phase::full_depth, [](Worker& w) { return failure_of(w.full_depth()); }},
      {"unload", Phase::unload, [](Worker& w) { return failure_of(w.unload()); }},
      {"synth", Phase::synth, [](Worker& w) { return failure_of(w.synth({})); }},
      {"serve", Phase::serve, [](Worker& w) { return failure_of(w.serve({})); }},
  };
}

Deadlines short_deadlines() {
  Deadlines deadlines;
  deadlines.inspect_seconds = kDeadline;
  deadlines.load_base_seconds = kDeadline;
  deadlines.context_seconds = kDeadline;
  deadlines.step_seconds = kDeadline;
  deadlines.full_depth_seconds = kDeadline;
  return deadlines;
}

TEST(WorkerHang, EveryPhaseEndsAtItsDeadline) {
  for (const Hang& hang : hangs()) {
    StartOptions options = scripted(rule(hang.place, "hang"));
    options.deadlines = short_deadlines();
    if (hang.phase == Phase::serve) options.deadlines.hello_seconds = 3;
    const double allowed = hang.phase == Phase::serve ? 3 : kDeadline;
    Worker worker = start(options);
    const auto before = std::chrono::steady_clock::now();
    const auto failure = hang.ask(worker);
    const double taken = seconds_since(before);
    ASSERT_TRUE(failure) << hang.place;
    EXPECT_EQ(failure->failure_class, FailureClass::timed_out) << hang.place;
    EXPECT_EQ(failure->phase, hang.phase) << hang.place;
    EXPECT_GE(taken, allowed) << hang.place;
    EXPECT_LT(taken, allowed + kGrace) << hang.place;
    EXPECT_FALSE(worker.alive());
    EXPECT_FALSE(worker.stuck());
  }
}

TEST(WorkerHang, AWorkerThatNeverSpeaksEndsAtItsStart) {
  StartOptions options = scripted(rule("start", "hang"));
  options.deadlines.start_seconds = kDeadline;
  const auto before = std::chrono::steady_clock::now();
  const auto worker = Worker::start(options);
  ASSERT_FALSE(worker);
  EXPECT_EQ(worker.error().failure_class, FailureClass::timed_out);
  EXPECT_EQ(worker.error().phase, Phase::start);
  EXPECT_LT(seconds_since(before), kDeadline + kGrace);
}

TEST(WorkerHang, AWorkerThatNeverGreetsEnds) {
  StartOptions options = scripted(rule("hello", "hang"));
  options.deadlines.hello_seconds = kDeadline;
  const auto worker = Worker::start(options);
  ASSERT_FALSE(worker);
  EXPECT_EQ(worker.error().failure_class, FailureClass::timed_out);
  EXPECT_EQ(worker.error().phase, Phase::hello);
}

// An RPC server that is silent, refuses (ggml aborts) or is never reached.
TEST(WorkerHang, AnRpcServerThatDoesNotAnswerIsNamedAsSuch) {
  for (const std::string action : {"hang", "abort"}) {
    StartOptions options = scripted(rule("hello", action));
    options.rpc = {"127.0.0.1:1"};
    options.deadlines.rpc_connect_seconds = kDeadline;
    const auto worker = Worker::start(options);
    ASSERT_FALSE(worker);
    EXPECT_EQ(worker.error().failure_class, FailureClass::rpc_unreachable) << action;
    EXPECT_EQ(worker.error().phase, Phase::rpc_connect) << action;
  }
}

TEST(WorkerHang, SilenceEndsItLongBeforeTheDeadline) {
  StartOptions options = scripted(rule("load", "silent"));
  options.deadlines.silence_seconds = 2;
  Worker worker = start(options);
  const auto before = std::chrono::steady_clock::now();
  const auto load = worker.load({"/a.gguf", {}}, 1);
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().failure_class, FailureClass::timed_out);
  EXPECT_NE(load.error().message.find("no sign of life"), std::string::npos);
  EXPECT_LT(seconds_since(before), 2 + kGrace);
}

// A measurement may take as long as it likes, as long as each step is in time.
TEST(WorkerHang, EverySampleStartsTheTimeAgain) {
  StartOptions options =
      scripted(R"({"speed":{"real_time":true,"cpu_ms":250,"gpu_ms":250,"noise":0}})");
  options.deadlines.step_seconds = 2;
  Worker worker = start_with_context(options);
  ASSERT_TRUE(worker.load({"/a.gguf", {}}, 1));
  EXPECT_TRUE(worker.measure(generation(12), Phase::generation, every)) << "3 s in all";
}

TEST(WorkerHang, AHangInTheMiddleOfAMeasurementIsNoticed) {
  StartOptions options = scripted(rule("measure", "hang", R"("after_samples":4)"));
  options.deadlines = short_deadlines();
  Worker worker = start_with_context(options);
  ASSERT_TRUE(worker.load({"/a.gguf", {}}, 1));
  int seen = 0;
  const auto measured = worker.measure(generation(10), Phase::generation, [&](const Sample&) {
    ++seen;
    return true;
  });
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().failure_class, FailureClass::timed_out);
  EXPECT_EQ(seen, 4);
}

// The model's size buys time: what is a hang for a small file is not one for a large file.
TEST(WorkerHang, TheLoadDeadlineGrowsWithTheFile) {
  StartOptions options = scripted(rule("load", "answer", R"("delay_ms":600)"));
  options.deadlines.load_base_seconds = 0.1;
  options.deadlines.load_bytes_per_second = 1000;
  Worker patient = start(options);
  EXPECT_TRUE(patient.load({"/a.gguf", {}}, 20'000));
  Worker hasty = start(options);
  EXPECT_FALSE(hasty.load({"/a.gguf", {}}, 1));
}

TEST(WorkerCancel, EndsEveryWaitAtOnce) {
  for (const Hang& hang : hangs()) {
    process::CancelToken cancel;
    StartOptions options = scripted(rule(hang.place, "hang"));
    options.cancel = &cancel;
    Worker worker = start(options);
    std::thread canceller([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      cancel.cancel();
    });
    const auto before = std::chrono::steady_clock::now();
    const auto failure = hang.ask(worker);
    const double taken = seconds_since(before);
    canceller.join();
    ASSERT_TRUE(failure) << hang.place;
    EXPECT_EQ(failure->failure_class, FailureClass::cancelled) << hang.place;
    EXPECT_EQ(failure->phase, hang.phase) << hang.place;
    EXPECT_LT(taken, 2) << hang.place;
    EXPECT_FALSE(worker.alive());
  }
}

TEST(WorkerCancel, ACancelledRunStartsNoWorker) {
  process::CancelToken cancel;
  cancel.cancel();
  StartOptions options = scripted("{}");
  options.cancel = &cancel;
  const auto worker = Worker::start(options);
  ASSERT_FALSE(worker);
  EXPECT_EQ(worker.error().failure_class, FailureClass::cancelled);
}

TEST(WorkerCancel, EndsAMeasurementThatGoesOn) {
  process::CancelToken cancel;
  StartOptions options = scripted(R"({"speed":{"real_time":true,"cpu_ms":5,"gpu_ms":5}})");
  options.cancel = &cancel;
  Worker worker = start_with_context(options);
  ASSERT_TRUE(worker.load({"/a.gguf", {}}, 1));
  int seen = 0;
  const auto measured =
      worker.measure(generation(1'000'000), Phase::generation, [&](const Sample&) {
        if (++seen == 10) cancel.cancel();
        return true;
      });
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().failure_class, FailureClass::cancelled);
}

}  // namespace
}  // namespace sweetspot::engine
