// R5: however the supervisor dies, its worker dies with it.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>

#include "engine/scripted.hpp"

namespace sweetspot::engine {
namespace {

// A supervisor in a process of its own, known by a variable that its workers inherit.
class Supervisor {
 public:
  Supervisor(const std::string& tag, const std::string& script) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      setenv("SWEETSPOT_TEST_TAG", tag.c_str(), 1);   // NOLINT(concurrency-mt-unsafe)
      setenv("SWEETSPOT_SCRIPT", script.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
      execl(SUPERVISOR_PROBE, SUPERVISOR_PROBE, SCRIPTED_WORKER, nullptr);
      _exit(127);
    }
    close(ends[1]);
    output_ = ends[0];
  }
  ~Supervisor() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(output_);
  }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  [[nodiscard]] bool started_a_worker() const {
    pollfd wait = {output_, POLLIN, 0};
    char byte = 0;
    return poll(&wait, 1, 20'000) == 1 && read(output_, &byte, 1) == 1;
  }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

bool none_left(const std::string& variable, double seconds) {
  const auto begin = std::chrono::steady_clock::now();
  while (seconds_since(begin) < seconds) {
    if (living(variable) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return living(variable) == 0;
}

TEST(SupervisorDeath, TakesTheWorkerAlongAtAnyMoment) {
  constexpr int kRounds = 15;
  std::mt19937 random(5);
  std::uniform_int_distribution<int> microseconds(0, 60'000);
  for (int round = 0; round < kRounds; ++round) {
    const std::string tag = "death-" + std::to_string(getpid()) + "-" + std::to_string(round);
    {
      // A worker that hangs in silence never notices that its pipes closed: only the kernel ends
      // it.
      const Supervisor supervisor(tag, round % 3 == 0 ? rule("load", "silent") : "{}");
      // Odd rounds strike while the first worker is being made, even ones while it works or is
      // replaced.
      if (round % 2 == 0) {
        ASSERT_TRUE(supervisor.started_a_worker());
      }
      std::this_thread::sleep_for(std::chrono::microseconds(microseconds(random)));
    }
    EXPECT_TRUE(none_left("SWEETSPOT_TEST_TAG=" + tag, 2)) << "round " << round;
  }
}

}  // namespace
}  // namespace sweetspot::engine
