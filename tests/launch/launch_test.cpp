// Whole launches with a scripted server: every way to fail, and what comes after it.
#include "launch/launch.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/no_device.hpp"
#include "os/socket.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::launch {
namespace {

using Clock = std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

// A launch of a scripted llama-server with profiles layers-3 .. layers-1 and cpu.
class Launch : public testing::Test {
 protected:
  Launch() {
    std::filesystem::create_symlink(SCRIPTED_SERVER, folder_ / "llama-server");
    job_.program = {{folder_ / "llama-server", "--script", folder_ / "script.json"},
                    ProgramKind::llama_server};
    job_.model_path = "model.gguf";
    job_.address.listen = job_.address.ask = {"127.0.0.1", free_port()};
    job_.limits.load_seconds = 20;  // a busy machine is slow; who waits for a limit sets it
    job_.limits.probe_seconds = 20;
    job_.limits.stop_seconds = 2;
    job_.look_seconds = 0.05;
    for (const int layers : {3, 2, 1, 0}) {
      SavedProfile profile;
      profile.name = layers == 0 ? "cpu" : "layers-" + std::to_string(layers);
      profile.config.placement.n_gpu_layers = layers;
      if (layers == 0) profile.config.placement = cpu_alone(profile.config.placement);
      if (layers > 0) profile.needs = std::vector<DeviceNeed>{{"CUDA0", 100}};
      job_.rungs.push_back(profile);
    }
    around_.on_event = [this](const Event& event) { see(event); };
    around_.on_report = [this](const LoadReport& report) { reports_.push_back(report); };
  }

  void script(const std::string& layers) {
    std::ofstream(folder_ / "script.json") << R"({"layers": )" << layers << "}";
  }

  void shell_program(const std::string& name, const std::string& text) {
    const auto path = folder_ / name;
    std::ofstream(path) << "#!/bin/sh\n" << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    job_.program = {{path}, kind_of(name)};
  }

  int run_it() { return run(job_, around_, signals_); }

  // Told to end as soon as something works.
  int run_until_healthy() {
    end_when_healthy_ = true;
    return run_it();
  }

  void see(const Event& event) {
    if (const auto* failed = std::get_if<Failed>(&event)) failed_.push_back(*failed);
    if (const auto* starting = std::get_if<Starting>(&event)) started_.push_back(starting->profile);
    if (const auto* moving = std::get_if<Moving>(&event)) moves_.push_back(moving->to);
    if (const auto* warned = std::get_if<Warned>(&event)) warnings_.push_back(warned->text);
    if (const auto* over = std::get_if<Finished>(&event)) error_ = over->error;
    if (const auto* healthy = std::get_if<Healthy>(&event)) {
      healthy_.push_back(*healthy);
      if (end_when_healthy_) kill(getpid(), SIGTERM);
    }
    if (on_event_) on_event_(event);
  }

  tests::TemporaryFolder folder_;
  Job job_;
  Surroundings around_;
  process::SignalInbox signals_;
  bool end_when_healthy_ = false;
  Observer on_event_;
  std::vector<std::string> started_;
  std::vector<std::string> moves_;
  std::vector<std::string> warnings_;
  std::vector<Failed> failed_;
  std::vector<Healthy> healthy_;
  std::vector<LoadReport> reports_;
  std::optional<Error> error_;
};

// R42: for every k, the first k profiles fail and the one after them is taken.
TEST_F(Launch, TheFirstKFailAndTheNextOneIsTaken) {
  const std::vector<std::string> ways = {R"({"load":"oom"})", R"({"load":"abort"})",
                                         R"({"completion":"oom"})", R"({"completion":"error"})"};
  for (std::size_t k = 0; k < job_.rungs.size(); ++k) {
    for (const std::string& way : ways) {
      std::string layers = "{";
      for (std::size_t rung = 0; rung < k; ++rung) {
        layers += "\"" + std::to_string(3 - rung) + "\":" + way + ",";
      }
      script(layers + R"("else":{}})");
      healthy_.clear();
      failed_.clear();
      const auto before = Clock::now();
      EXPECT_EQ(run_until_healthy(), 0);
      ASSERT_EQ(healthy_.size(), 1U) << way;
      EXPECT_EQ(healthy_[0].profile, job_.rungs[k].name) << way;
      EXPECT_EQ(failed_.size(), k) << way;
      EXPECT_LT(Clock::now() - before, std::chrono::seconds(20)) << way;
    }
  }
}

TEST_F(Launch, AllFailAndItSaysSo) {
  script(R"({"else":{"load":"oom"}})");
  EXPECT_EQ(run_it(), 5);
  EXPECT_THAT(started_, ElementsAre("layers-3", "layers-2", "layers-1", "cpu"));
  ASSERT_TRUE(error_);
  EXPECT_THAT(error_->message, HasSubstr("no profile could be started"));
}

TEST_F(Launch, HangingLoadsAreBoundedTogether) {
  job_.limits.load_seconds = 60;
  job_.limits.probe_seconds = 60;
  job_.limits.total_seconds = 8;
  script(R"({"3":{"load":"hang"},"2":{"load":"loading"},"1":{"completion":"hang"},"else":{}})");
  const auto before = Clock::now();
  EXPECT_EQ(run_until_healthy(), 0);
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(20));
  ASSERT_EQ(healthy_.size(), 1U);
  EXPECT_EQ(healthy_[0].profile, "cpu");
  ASSERT_EQ(failed_.size(), 3U);
  EXPECT_THAT(failed_[0].message, HasSubstr("was not ready"));
}

TEST_F(Launch, WhatHappenedIsReportedForTheNextChoice) {
  around_.free_bytes = [](const std::string&) { return Reading<std::uint64_t>(1234); };
  script(R"({"3":{"load":"oom"},"2":{"load":"abort"},"else":{}})");
  run_until_healthy();
  ASSERT_EQ(reports_.size(), 3U);
  EXPECT_EQ(reports_[0].profile, "layers-3");
  EXPECT_EQ(reports_[0].result, LoadResult::out_of_memory);
  EXPECT_EQ(reports_[0].device, "CUDA0");
  EXPECT_EQ(reports_[0].free_bytes.value_or(0), 1234U);
  EXPECT_EQ(reports_[1].result, LoadResult::crashed);
  EXPECT_EQ(reports_[2].profile, "layers-1");
  EXPECT_EQ(reports_[2].result, LoadResult::loaded);
}

TEST_F(Launch, TheWholeContextIsFilledOnceBeforeUsersCome) {
  script(R"({"else":{"n_ctx":4096,"delay_ms":200}})");
  run_until_healthy();
  ASSERT_EQ(healthy_.size(), 1U);
  EXPECT_EQ(healthy_[0].depth, 4088U);
  EXPECT_EQ(healthy_[0].doubt, "");
  EXPECT_GE(healthy_[0].seconds, 0.2);
}

TEST_F(Launch, ASlowServerIsKeptWithADoubt) {
  job_.limits.probe_seconds = 1;
  script(R"({"else":{"completion":"slow"}})");
  run_until_healthy();
  ASSERT_EQ(healthy_.size(), 1U);
  EXPECT_EQ(healthy_[0].profile, "layers-3");
  EXPECT_THAT(healthy_[0].doubt, HasSubstr("too long"));
}

TEST_F(Launch, AServerThatDoesNotLetUsAskIsKeptWithADoubt) {
  script(R"({"else":{"completion":"refuse"}})");
  run_until_healthy();
  ASSERT_EQ(healthy_.size(), 1U);
  EXPECT_THAT(healthy_[0].doubt, HasSubstr("no such thing"));
}

TEST_F(Launch, WithoutAProbeTheHealthIsEnough) {
  job_.probe = false;
  script(R"({"else":{"completion":"abort"}})");
  run_until_healthy();
  ASSERT_EQ(healthy_.size(), 1U);
  EXPECT_EQ(healthy_[0].profile, "layers-3");
}

TEST_F(Launch, WhatNoProfileHelpsIsNotTriedAgain) {
  script(R"({"else":{"load":"model"}})");
  EXPECT_EQ(run_it(), 3);
  script(R"({"else":{"load":"bind"}})");
  EXPECT_EQ(run_it(), 2);
  EXPECT_THAT(started_, ElementsAre("layers-3", "layers-3"));
}

TEST_F(Launch, AnAddressThatIsTakenIsSaidBeforeAnythingStarts) {
  script(R"({"else":{}})");
  on_event_ = [this](const Event& event) {
    if (!std::holds_alternative<Healthy>(event)) return;
    on_event_ = {};
    Job second = job_;
    Surroundings around;
    std::optional<Error> error;
    around.on_event = [&](const Event& each) {
      if (const auto* over = std::get_if<Finished>(&each)) error = over->error;
    };
    EXPECT_EQ(run(second, around, signals_), 2);
    ASSERT_TRUE(error);
    EXPECT_THAT(error->message, HasSubstr("already listens"));
    kill(getpid(), SIGTERM);
  };
  EXPECT_EQ(run_it(), 0);
}

TEST_F(Launch, OurSignalEndsItWithItsCode) {
  script(R"({"else":{"term":7}})");
  EXPECT_EQ(run_until_healthy(), 7);
  EXPECT_NE(os::try_connect(job_.address.ask.host, job_.address.ask.port, 1000), "");
}

TEST_F(Launch, AProgramThatIgnoresSignalsIsEnded) {
  job_.limits.stop_seconds = 0.3;
  script(R"({"else":{"term":"ignore"}})");
  EXPECT_EQ(run_until_healthy(), 128 + SIGKILL);
}

TEST_F(Launch, ASignalWhileItLoadsEndsIt) {
  job_.limits.load_seconds = 60;
  script(R"({"else":{"load":"loading"}})");
  std::thread later([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    kill(getpid(), SIGTERM);
  });
  EXPECT_EQ(run_it(), 0);
  later.join();
  EXPECT_EQ(started_.size(), 1U);
}

TEST_F(Launch, AKilledServerIsStartedAgainThenLowered) {
  job_.fallback.restarts = 2;
  script(R"({"else":{}})");
  const pid_t self = getpid();
  on_event_ = [this, self](const Event& event) {
    if (!std::holds_alternative<Healthy>(event)) return;
    if (healthy_.size() == 4) {
      kill(self, SIGTERM);
      return;
    }
    // The only child of this process that listens there.
    const std::string tasks = "/proc/self/task/" + std::to_string(gettid()) + "/children";
    std::ifstream children(tasks);
    pid_t child = 0;
    while (children >> child) kill(child, SIGKILL);
  };
  EXPECT_EQ(run_it(), 0);
  EXPECT_THAT(started_, ElementsAre("layers-3", "layers-3", "layers-3", "layers-2"));
}

TEST_F(Launch, MovesWhenTheSurroundingsChangeAndWaitsForRequests) {
  job_.adapt = AdaptRules{0.2, 0.4, 2};
  job_.first = 0;
  const auto busy = folder_ / "busy";
  std::ofstream(busy) << "x";
  script(R"({"else":{"busy_file":")" + busy.string() + R"("}})");
  std::size_t wanted = 2;
  around_.wanted_rung = [&](std::size_t) { return std::optional<std::size_t>(wanted); };
  Clock::time_point freed;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(900));
    freed = Clock::now();
    std::filesystem::remove(busy);
  });
  Clock::time_point moved;
  on_event_ = [&](const Event& event) {
    if (std::holds_alternative<Moving>(event) && moves_.size() == 1) {
      moved = Clock::now();
      wanted = 0;
    }
    if (std::holds_alternative<Healthy>(event) && healthy_.size() == 3) kill(getpid(), SIGTERM);
  };
  EXPECT_EQ(run_it(), 0);
  later.join();
  EXPECT_THAT(moves_, ElementsAre("layers-1", "layers-3"));
  EXPECT_GE(moved, freed) << "a request was under way";
}

TEST_F(Launch, WarnsWhileItRuns) {
  script(R"({"else":{}})");
  around_.devices = [] {
    DeviceStatus status;
    status.driver = "nvml";
    status.memory_total_bytes = 1000;
    status.memory_used_bytes = 990;
    return std::vector<DeviceStatus>{status};
  };
  on_event_ = [](const Event& event) {
    if (std::holds_alternative<Warned>(event)) kill(getpid(), SIGTERM);
  };
  EXPECT_EQ(run_it(), 0);
  EXPECT_EQ(warnings_.size(), 1U);
}

// ---- programs without a port --------------------------------------------------------------------

TEST_F(Launch, TheExitCodeOfAProgramThatAnsweredIsOurs) {
  shell_program("llama-completion", "echo 'an answer that is long enough'; exit 3");
  EXPECT_EQ(run_it(), 3);
  EXPECT_EQ(started_.size(), 1U);
}

TEST_F(Launch, OutOfMemoryBeforeTheFirstWordTakesTheNextProfile) {
  shell_program("llama-completion",
                "case \"$*\" in *'--n-gpu-layers 0'*) echo 'an answer that is long enough';; "
                "*) echo 'cudaMalloc failed: out of memory' >&2; exit 1;; esac");
  EXPECT_EQ(run_it(), 0);
  EXPECT_THAT(started_, ElementsAre("layers-3", "layers-2", "layers-1", "cpu"));
}

TEST_F(Launch, LlamaCliMayWaitForItsUser) {
  job_.limits.load_seconds = 1;
  shell_program("llama-cli", "printf 'Loading model...\\n\\n> '; sleep 2; echo 'and an answer'");
  EXPECT_EQ(run_it(), 0);
  EXPECT_THAT(started_, ElementsAre("layers-3"));
}

TEST_F(Launch, LlamaCliThatNeverLoadsIsNotWaitedFor) {
  job_.limits.load_seconds = 0.5;
  shell_program("llama-cli",
                "case \"$*\" in *'--n-gpu-layers 0'*) exit 0;; esac\n"
                "printf 'Loading model...'; sleep 600");
  EXPECT_EQ(run_it(), 0);
  EXPECT_EQ(started_.size(), 4U);
}

TEST_F(Launch, AProgramWithAPortOfItsOwnIsHealthyOnceItListens) {
  script(R"({"3":{"load":"oom"},"else":{}})");
  job_.program = {{SCRIPTED_SERVER, "--script", folder_ / "script.json", "--n-gpu-layers",
                   "{n_gpu_layers}", "--port", "{port}"},
                  ProgramKind::other};
  EXPECT_EQ(run_until_healthy(), 0);
  ASSERT_EQ(healthy_.size(), 1U);
  EXPECT_EQ(healthy_[0].profile, "layers-2");
}

TEST_F(Launch, AProgramThatIsNotThereIsAnError) {
  job_.program = {{"/no/such/llama-server"}, ProgramKind::llama_server};
  EXPECT_EQ(run_it(), 70);
  ASSERT_TRUE(error_);
  EXPECT_THAT(error_->message, HasSubstr("/no/such/llama-server"));
}

}  // namespace
}  // namespace sweetspot::launch
