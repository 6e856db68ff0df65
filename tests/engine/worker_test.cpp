#include "engine/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "engine/scripted.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using tests::TemporaryFolder;

// ---- a healthy worker
// ------------------------------------------------------------------------------------

TEST(Worker, AnswersEveryRequest) {
  const TemporaryFolder folder;
  Worker worker = start(scripted(R"({"model":{"layers":10}})"));
  EXPECT_EQ(worker.hello().version, protocol::kVersion);
  EXPECT_EQ(worker.hello().devices.size(), 2U);

  const auto model = worker.inspect("/models/a.gguf");
  ASSERT_TRUE(model);
  EXPECT_EQ(model->n_layer, 10);
  EXPECT_EQ(model->path, "/models/a.gguf");

  std::vector<double> fractions;
  const auto load =
      worker.load({"/models/a.gguf", {.n_gpu_layers = -1, .devices = {"GPU0"}}}, 1000,
                  [&](const auto& progress) { fractions.push_back(progress.fraction); });
  ASSERT_TRUE(load);
  EXPECT_EQ(load->n_gpu_layers, Reading<int>(11));
  EXPECT_EQ(fractions, (std::vector<double>{0.5}));

  ContextSettings settings;
  settings.n_ctx = 1234;
  const auto context = worker.context(settings);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->effective.n_ctx, 1234U);
  EXPECT_EQ(context->memory.size(), 2U);

  std::vector<Sample> samples;
  const auto measure = worker.measure(generation(16), Phase::generation, [&](const Sample& sample) {
    samples.push_back(sample);
    return true;
  });
  ASSERT_TRUE(measure);
  EXPECT_EQ(measure->passes, 2U);
  EXPECT_EQ(samples.size(), 16U);

  EXPECT_TRUE(worker.check());
  EXPECT_TRUE(worker.full_depth());
  EXPECT_TRUE(worker.unload());
  protocol::SynthRequest synth;
  synth.out_path = (folder / "out.gguf").string();
  EXPECT_TRUE(worker.synth(synth));
  EXPECT_TRUE(fs::exists(folder / "out.gguf"));

  EXPECT_TRUE(worker.alive());
  EXPECT_TRUE(worker.end());
  EXPECT_TRUE(worker.end()) << "idempotent";
  EXPECT_FALSE(worker.alive());
  EXPECT_FALSE(worker.stuck());
}

TEST(Worker, AMeasurementEndsWhenTheCallerHasEnough) {
  Worker worker = start_with_context(scripted("{}"));
  ASSERT_TRUE(worker.load({"/a.gguf", {}}, 1));
  int seen = 0;
  const auto first = worker.measure(generation(1'000'000), Phase::generation,
                                    [&](const Sample&) { return ++seen < 5; });
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(seen, 5) << "nothing is handed over after the stop";
  // What was still under way belongs to the first measurement, not to this one.
  int again = 0;
  const auto second = worker.measure(generation(3), Phase::generation,
                                     [&](const Sample&) { return ++again < 100; });
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(again, 3);
}

TEST(Worker, AStopThatComesTooLateIsHarmless) {
  Worker worker = start_with_context(scripted("{}"));
  ASSERT_TRUE(worker.load({"/a.gguf", {}}, 1));
  for (int round = 0; round < 20; ++round) {
    const auto measured =
        worker.measure(generation(1), Phase::generation, [](const Sample&) { return false; });
    ASSERT_TRUE(measured) << measured.error().message;
  }
  EXPECT_TRUE(worker.check());
}

TEST(Worker, LeavesNoProcessBehind) {
  const std::string variable = "SWEETSPOT_TEST_TAG=destructor-" + std::to_string(getpid());
  {
    StartOptions options = scripted("{}");
    options.environment.emplace_back("SWEETSPOT_TEST_TAG", variable.substr(variable.find('=') + 1));
    const Worker worker = start(options);
    EXPECT_EQ(living(variable), 1U);
  }
  EXPECT_EQ(living(variable), 0U);
}

TEST(Worker, ServesUntilCancelled) {
  process::CancelToken cancel;
  StartOptions options = scripted("{}");
  options.cancel = &cancel;
  Worker worker = start(options);
  const auto ready = worker.serve({"127.0.0.1", 50052, 0, {}});
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->endpoint, "127.0.0.1:50052");
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    cancel.cancel();
  });
  const Failure ended = worker.wait_while_serving();
  canceller.join();
  EXPECT_EQ(ended.failure_class, FailureClass::cancelled);
  EXPECT_EQ(ended.phase, Phase::serve);
  EXPECT_FALSE(worker.alive());
}

TEST(Worker, ServingEndsWithTheDeathOfTheServer) {
  Worker worker = start(scripted("{}"));
  ASSERT_TRUE(worker.serve({}));
  kill(worker.pid(), SIGABRT);
  const Failure ended = worker.wait_while_serving();
  EXPECT_EQ(ended.failure_class, FailureClass::crashed);
  EXPECT_EQ(ended.signal, SIGABRT);
}

// ---- a worker that dies
// ----------------------------------------------------------------------------------

// R1: an assertion in the library ends the worker, never the supervisor, and is told as what it is.
TEST(Worker, AnAbortIsAFailureWithItsAssertion) {
  Worker worker = start(scripted(rule(
      "load", "abort",
      R"("stderr":["/build/src/llama-vocab.cpp:2678: GGML_ASSERT(id_to_token.size() == token_to_id.size()) failed"])")));
  const auto load = worker.load({"/a.gguf", {}}, 1);
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().failure_class, FailureClass::crashed);
  EXPECT_EQ(load.error().phase, Phase::load);
  EXPECT_EQ(load.error().signal, SIGABRT);
  EXPECT_THAT(load.error().message, HasSubstr("llama-vocab.cpp:2678: GGML_ASSERT("));
  EXPECT_THAT(load.error().message, Not(HasSubstr("/build/")));
  EXPECT_THAT(load.error().stderr_tail, HasSubstr("/build/src/llama-vocab.cpp"));
  EXPECT_FALSE(worker.alive());
  EXPECT_FALSE(worker.stuck());
}

TEST(Worker, EverySignalInEveryPhaseIsAFailure) {
  for (const auto& [action, signal] : std::vector<std::pair<std::string, int>>{
           {"segv", SIGSEGV}, {"bus", SIGBUS}, {"abort", SIGABRT}}) {
    Worker worker = start_with_context(scripted(rule("measure", action, R"("after_samples":3)")));
    ASSERT_TRUE(worker.load({"/a.gguf", {}}, 1));
    int seen = 0;
    const auto measured = worker.measure(generation(50), Phase::generation, [&](const Sample&) {
      ++seen;
      return true;
    });
    ASSERT_FALSE(measured);
    EXPECT_EQ(measured.error().failure_class, FailureClass::crashed);
    EXPECT_EQ(measured.error().signal, signal);
    EXPECT_EQ(measured.error().phase, Phase::generation);
    EXPECT_EQ(seen, 3) << "what was said before the death still counts";
  }
}

TEST(Worker, AnEndWithoutASignalNamesTheExitCode) {
  Worker worker =
      start(scripted(rule("context", "exit", R"("code":3,"stderr":["something went wrong"])")));
  const auto context = worker.context({});
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().failure_class, FailureClass::crashed);
  EXPECT_EQ(context.error().signal, std::nullopt);
  EXPECT_THAT(context.error().message, HasSubstr("exit code 3 (something went wrong)"));
}

TEST(Worker, DyingBeforeItSpeaksIsAFailure) {
  const auto worker = Worker::start(scripted(rule(
      "start", "exit",
      R"("code":127,"stderr":["error while loading shared libraries: libllama.so.0: cannot open shared object file"])")));
  ASSERT_FALSE(worker);
  EXPECT_EQ(worker.error().failure_class, FailureClass::crashed);
  EXPECT_EQ(worker.error().phase, Phase::start);
  EXPECT_THAT(worker.error().message, HasSubstr("libllama.so.0"));
}

TEST(Worker, AMissingProgramIsAFailure) {
  StartOptions options;
  options.program.path = "/no/such/worker";
  const auto worker = Worker::start(options);
  ASSERT_FALSE(worker);
  EXPECT_EQ(worker.error().phase, Phase::start);
  EXPECT_THAT(worker.error().message, HasSubstr("/no/such/worker"));
}

TEST(Worker, DyingBetweenRequestsIsAFailureOfTheNext) {
  Worker worker = start(scripted("{}"));
  kill(worker.pid(), SIGABRT);
  const auto load = worker.load({"/a.gguf", {}}, 1);
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().failure_class, FailureClass::crashed);
  EXPECT_EQ(load.error().signal, SIGABRT);
  const auto after = worker.check();
  ASSERT_FALSE(after) << "asking a dead worker is a failure, not a hang";
  EXPECT_EQ(after.error().failure_class, FailureClass::protocol_error);
}

// R2, at this level: each position of a sweep can fail and the others are measured.
TEST(Worker, AFailureAtAnyPositionLeavesTheOthersAlone) {
  for (int bad = 1; bad <= 4; ++bad) {
    const TemporaryFolder folder;
    const std::string script = R"({"starts_file":")" + (folder / "starts").string() +
                               R"(","rules":[{"at":"load","do":"abort","if":{"starts":[)" +
                               std::to_string(bad) + "]}}]}";
    std::vector<bool> measured;
    for (int position = 1; position <= 4; ++position) {
      Worker worker = start_with_context(scripted(script));
      measured.push_back(worker.load({"/a.gguf", {}}, 1) &&
                         worker.measure(generation(5), Phase::generation, every).has_value());
    }
    for (int position = 1; position <= 4; ++position) {
      EXPECT_EQ(measured[static_cast<std::size_t>(position - 1)], position != bad);
    }
  }
}

// R4: what the worker started is gone, even where it left the group and the session.
TEST(Worker, NoOrphanSurvivesAFailure) {
  ASSERT_TRUE(process::become_subreaper());
  const std::string value = "orphan-" + std::to_string(getpid());
  const std::string variable = "SWEETSPOT_TEST_TAG=" + value;
  for (const std::string action : {"abort", "hang"}) {
    StartOptions options = scripted(rule("load", action, R"("orphan":true)"));
    options.environment.emplace_back("SWEETSPOT_TEST_TAG", value);
    options.deadlines.load_base_seconds = 0.5;
    Worker worker = start(options);
    EXPECT_FALSE(worker.load({"/a.gguf", {}}, 1));
    EXPECT_FALSE(worker.stuck());
    EXPECT_EQ(living(variable), 0U) << action;
  }
}

// R6: a process in uninterruptible sleep cannot be reaped; the supervisor goes on and says so.
TEST(Worker, AProcessThatCannotBeReapedLeavesItStuck) {
  StartOptions options = scripted("{}");
  process::ProcessTable table = process::system_process_table();
  table.reap = [](pid_t) { return std::nullopt; };
  options.process_table = table;
  options.deadlines.kill_seconds = 0.2;
  Worker worker = start(options);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(worker.end());
  EXPECT_TRUE(worker.stuck());
  EXPECT_LT(seconds_since(before), 5);
}

// R30: ggml starts gdb on itself when it aborts, and waits for it, unless told not to.
TEST(Worker, StartsNoDebuggerAndDumpsNoCore) {
  const TemporaryFolder folder;
  const std::string proof = (folder / "gdb-was-here").string();
  // What ggml_print_backtrace() does: the variable decides whether gdb is started.
  const fs::path worker_path = folder / "worker";
  std::ofstream(folder / "gdb") << "#!/bin/sh\ntouch '" << proof << "'\nexec sleep 600\n";
  std::ofstream(worker_path) << "#!/bin/sh\n"
                             << "[ -z \"$GGML_NO_BACKTRACE\" ] && gdb --batch\n"
                             << "[ \"$(ulimit -c)\" = 0 ] || touch '" << proof << "'\n"
                             << "kill -ABRT $$\n";
  fs::permissions(folder / "gdb", fs::perms::owner_all);
  fs::permissions(worker_path, fs::perms::owner_all);
  StartOptions options;
  options.program.path = worker_path.string();
  options.environment = {{"PATH", folder.path() + ":/usr/bin:/bin"}};
  const auto before = std::chrono::steady_clock::now();
  const auto worker = Worker::start(options);
  ASSERT_FALSE(worker);
  EXPECT_EQ(worker.error().signal, SIGABRT);
  EXPECT_FALSE(fs::exists(proof));
  EXPECT_LT(seconds_since(before), options.deadlines.start_seconds);
}

// ---- memory
// ----------------------------------------------------------------------------------------------

// R31: the worker is ended while this machine still has memory left.
TEST(Worker, IsEndedBeforeTheMachineRunsOutOfMemory) {
  StartOptions options = scripted(rule("context", "hang"));
  int looks = 0;
  options.host_reserve_bytes = 1000;
  options.available_host_bytes = [&]() -> std::optional<std::uint64_t> {
    return ++looks < 5 ? 100'000 : 999;
  };
  Worker worker = start(options);
  const auto before = std::chrono::steady_clock::now();
  const auto context = worker.context({});
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().failure_class, FailureClass::out_of_host_memory);
  EXPECT_EQ(context.error().phase, Phase::context);
  EXPECT_LT(seconds_since(before), 10);
  EXPECT_FALSE(worker.alive());
}

TEST(Worker, UnknownMemoryEndsNothing) {
  StartOptions options = scripted("{}");
  options.host_reserve_bytes = 1000;
  options.available_host_bytes = [] { return std::nullopt; };
  EXPECT_TRUE(start(options).check());
}

TEST(Worker, AKillFromOutsideIsTheOutOfMemoryKillerWhereMemoryWasLow) {
  StartOptions options = scripted(rule("load", "kill", R"("delay_ms":300)"));
  options.available_host_bytes = [] { return std::uint64_t{1} << 20U; };
  Worker starved = start(options);
  const auto load = starved.load({"/a.gguf", {}}, 1);
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().failure_class, FailureClass::out_of_host_memory);

  options.available_host_bytes = [] { return std::uint64_t{1} << 40U; };
  Worker rich = start(options);
  const auto other = rich.load({"/a.gguf", {}}, 1);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().failure_class, FailureClass::crashed);
}

// ---- faults: the worker reports and lives on
// -------------------------------------------------------------

TEST(Worker, AFaultLeavesItAlive) {
  Worker worker = start(scripted(rule(
      "context", "fault",
      R"("code":"context-null","message":"no context","log":["llama_init_from_model: quantized V cache requires flash_attn to be enabled"])")));
  const auto context = worker.context({});
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().failure_class, FailureClass::config_rejected);
  EXPECT_THAT(context.error().message, HasSubstr("quantized V cache requires flash_attn"));
  EXPECT_TRUE(worker.alive());
  EXPECT_TRUE(worker.check()) << "and can be asked again";
}

TEST(Worker, WhatWasPrintedBeforeARequestIsNoEvidenceForIt) {
  Worker worker = start(scripted(
      R"({"rules":[{"at":"load","do":"answer","stderr":["CUDA error: out of memory"]},{"at":"check","do":"segv"}]})"));
  ASSERT_TRUE(worker.load({"/a.gguf", {}}, 1));
  // The tail is drained by a thread: the line has arrived once the next answer has.
  ASSERT_TRUE(worker.unload());
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto check = worker.check();
  ASSERT_FALSE(check);
  EXPECT_EQ(check.error().failure_class, FailureClass::crashed);
}

TEST(Worker, ASampleThatIsNotFiniteEndsTheMeasurement) {
  Worker worker =
      start_with_context(scripted(rule("measure", "non-finite", R"("after_samples":2)")));
  ASSERT_TRUE(worker.load({"/a.gguf", {}}, 1));
  const auto measured = worker.measure(generation(10), Phase::prompt, every);
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().failure_class, FailureClass::non_finite_output);
  EXPECT_EQ(measured.error().phase, Phase::prompt);
}

// ---- a worker that breaks the protocol
// -------------------------------------------------------------------

TEST(Worker, WhateverItSaysIsAFailureNotACrash) {
  for (const std::string action : {"junk", "oversize", "wrong-answer", "wrong-id"}) {
    Worker worker = start(scripted(rule("load", action)));
    const auto load = worker.load({"/a.gguf", {}}, 1);
    ASSERT_FALSE(load) << action;
    EXPECT_EQ(load.error().failure_class, FailureClass::protocol_error) << action;
    EXPECT_FALSE(worker.alive()) << action;
  }
}

TEST(Worker, MoreSamplesThanWereAskedForEndIt) {
  Worker worker = start_with_context(scripted(rule("measure", "flood")));
  ASSERT_TRUE(worker.load({"/a.gguf", {}}, 1));
  int seen = 0;
  const auto measured = worker.measure(generation(2000), Phase::generation,
                                       [&](const Sample&) { return ++seen < 5; });
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().failure_class, FailureClass::protocol_error);
  EXPECT_EQ(seen, 5);
  EXPECT_FALSE(worker.alive());
}

TEST(Worker, ProgressWithoutEndEndsWithTheWholeRequestsTime) {
  StartOptions options = scripted(rule("map", "busy"));
  options.deadlines.request_seconds = 0.5;
  Worker worker = start(options);
  const auto before = std::chrono::steady_clock::now();
  const auto maps = worker.map({"/a.gguf", {Config{}}});
  ASSERT_FALSE(maps);
  EXPECT_EQ(maps.error().failure_class, FailureClass::timed_out);
  EXPECT_LT(seconds_since(before), 10);
}

TEST(Worker, LeftOversOfAnEarlierRequestAreDropped) {
  Worker worker = start(scripted(rule("load", "stale")));
  EXPECT_TRUE(worker.load({"/a.gguf", {}}, 1));
}

TEST(Worker, AnUnfinishedLineIsTheDeathBehindIt) {
  Worker worker = start(scripted(rule("load", "truncated")));
  const auto load = worker.load({"/a.gguf", {}}, 1);
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().failure_class, FailureClass::crashed);
}

TEST(Worker, ClosingTheDescriptorWithoutEndingIsNotWaitedFor) {
  Worker worker = start(scripted(rule("load", "close")));
  const auto before = std::chrono::steady_clock::now();
  const auto load = worker.load({"/a.gguf", {}}, 1);
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().failure_class, FailureClass::protocol_error);
  EXPECT_LT(seconds_since(before), 15);
}

TEST(Worker, EscapeCodesInWhatItSaysAreMadeHarmless) {
  Worker worker =
      start(scripted(rule("load", "junk", R"("text":"{\"id\":1,\"event\":\"\\u001b[31m\"}")")));
  const auto load = worker.load({"/a.gguf", {}}, 1);
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().message.find('\x1b'), std::string::npos);
}

TEST(Worker, AnotherVersionIsRefused) {
  const auto worker = Worker::start(scripted(rule("hello", "wrong-version")));
  ASSERT_FALSE(worker);
  EXPECT_EQ(worker.error().failure_class, FailureClass::protocol_error);
  EXPECT_THAT(worker.error().message, HasSubstr("version"));

  const auto refused = Worker::start(
      scripted(rule("hello", "fault", R"("code":"version-mismatch","message":"1 against 2")")));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().failure_class, FailureClass::protocol_error);
}

}  // namespace
}  // namespace sweetspot::engine
