#include "process/foreground.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "process/child_cgroup.hpp"

namespace sweetspot::process {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

// Our stdout and stderr go into files while it lives.
class Redirected {
 public:
  Redirected() {
    std::fflush(nullptr);
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
      const int file = open(path(fd).c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
      saved_.at(static_cast<std::size_t>(fd)) = fcntl(fd, F_DUPFD_CLOEXEC, 10);
      dup2(file, fd);
      close(file);
    }
  }
  ~Redirected() {
    restore();
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) std::filesystem::remove(path(fd));
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;

  std::string out() { return text(STDOUT_FILENO); }
  std::string err() { return text(STDERR_FILENO); }

 private:
  static std::string path(int fd) {
    return testing::TempDir() + "/sweetspot-foreground-" + std::to_string(getpid()) + "-" +
           std::to_string(fd);
  }
  void restore() {
    std::fflush(nullptr);
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
      int& saved = saved_.at(static_cast<std::size_t>(fd));
      if (saved < 0) continue;
      dup2(saved, fd);
      close(saved);
      saved = -1;
    }
  }
  std::string text(int fd) {
    restore();
    std::ostringstream all;
    all << std::ifstream(path(fd)).rdbuf();
    return all.str();
  }
  std::array<int, 3> saved_{-1, -1, -1};
};

Foreground start(const std::string& script, std::vector<std::string> environment = {}) {
  auto program = Foreground::start({{"/bin/sh", "-c", script}, std::move(environment)});
  EXPECT_TRUE(program) << program.error().message;
  return *std::move(program);
}

void wait_for_output(const Foreground& program) {
  for (int i = 0; i < 1000 && program.standard_output().total_bytes() == 0; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
}

bool alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  return std::getline(stat, line) && line.find(") Z") == std::string::npos;
}

TEST(Foreground, WhatItPrintsPassesThroughAndItsTailIsKept) {
  Redirected ours;
  Foreground program = start("echo said; echo complained >&2; exit 3");
  ASSERT_EQ(program.wait_exit(seconds(20)), (ExitStatus{3, std::nullopt}));
  ASSERT_TRUE(program.kill_tree());
  EXPECT_EQ(ours.out(), "said\n");
  EXPECT_EQ(ours.err(), "complained\n");
  EXPECT_EQ(program.standard_output().text(), "said\n");
  EXPECT_EQ(program.standard_error().text(), "complained\n");
  EXPECT_EQ(program.printed(), "said\n\ncomplained\n");
}

TEST(Foreground, NothingIsLostOfMuchOutput) {
  Redirected ours;
  Foreground program = start("i=0; while [ $i -lt 20000 ]; do echo \"line $i\"; i=$((i+1)); done");
  ASSERT_TRUE(program.wait_exit(seconds(60)));
  ASSERT_TRUE(program.kill_tree());
  const std::string out = ours.out();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 20000);
  EXPECT_TRUE(out.ends_with("line 19999\n"));
}

TEST(Foreground, ReadsOurInput) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const int saved = dup(STDIN_FILENO);
  dup2(ends[0], STDIN_FILENO);
  close(ends[0]);
  Foreground program = start("read line; echo \"heard $line\" >&2");
  ASSERT_EQ(write(ends[1], "you\n", 4), 4);
  const auto status = program.wait_exit(seconds(20));
  program.kill_tree();
  close(ends[1]);
  dup2(saved, STDIN_FILENO);
  close(saved);
  EXPECT_EQ(status, (ExitStatus{0, std::nullopt}));
  EXPECT_EQ(program.standard_error().text(), "heard you\n");
}

TEST(Foreground, AReaderThatLeftIsSeenByTheProgram) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  std::fflush(nullptr);
  const int saved = dup(STDOUT_FILENO);
  dup2(ends[1], STDOUT_FILENO);
  close(ends[1]);
  close(ends[0]);
  Foreground program = start("while :; do echo again; done");
  const auto status = program.wait_exit(seconds(20));
  program.kill_tree();
  dup2(saved, STDOUT_FILENO);
  close(saved);
  ASSERT_TRUE(status) << "it ran on with nobody to read it";
  EXPECT_EQ(status, (ExitStatus{std::nullopt, SIGPIPE}));
}

TEST(Foreground, PassesSignalsOnAndTellsHowItEnded) {
  Foreground program = start("trap 'exit 9' TERM; echo ready; while :; do sleep 0.02; done");
  wait_for_output(program);
  program.send(SIGTERM);
  const auto status = program.wait_exit(seconds(20));
  ASSERT_TRUE(status);
  EXPECT_EQ(shell_code(*status), 9);
  program.send(SIGTERM);  // it has ended: nothing happens
  EXPECT_TRUE(program.kill_tree());

  Foreground other = start("kill -KILL $$");
  ASSERT_TRUE(other.wait_exit(seconds(20)));
  EXPECT_EQ(shell_code(*other.exit_status()), 137);
}

TEST(Foreground, StaysInOurSessionWithAMarkerAndNoDebugger) {
  unsetenv("GGML_NO_BACKTRACE");  // NOLINT(concurrency-mt-unsafe)
  Foreground program = start("echo $GGML_NO_BACKTRACE $MINE; read x", {"MINE=yes"});
  EXPECT_EQ(getsid(program.pid()), getsid(0));
  EXPECT_EQ(getpgid(program.pid()), getpgid(0));
  wait_for_output(program);
  program.kill_tree();
  EXPECT_EQ(program.standard_output().text(), "1 yes\n");
  EXPECT_THAT(program.marker(), HasSubstr("SWEETSPOT_CHILD="));
}

TEST(Foreground, KillTreeEndsWhatItStarted) {
  ASSERT_TRUE(become_subreaper());
  Foreground program = start("sleep 600 & setsid sleep 600 & echo ready; wait");
  wait_for_output(program);
  EXPECT_TRUE(program.kill_tree(seconds(20)));
  for (const auto& entry : system_process_table().list(program.marker())) {
    EXPECT_FALSE(entry.marked && !entry.zombie);
  }
}

TEST(Foreground, KillTreeEndsADaemonThatLeftNoTrace) {
  ASSERT_TRUE(become_subreaper());
  for (const bool own_cgroup : {true, false}) {
    const std::string script =
        "(env -i setsid sh -c 'echo $$; exec sleep 600 >/dev/null 2>&1' &); sleep 600";
    auto program = Foreground::start({{"/bin/sh", "-c", script}, {}, own_cgroup});
    ASSERT_TRUE(program);
    wait_for_output(*program);
    const pid_t daemon = std::atoi(program->standard_output().text().c_str());  // NOLINT
    ASSERT_GT(daemon, 0);
    EXPECT_TRUE(program->kill_tree(seconds(20)));
    EXPECT_FALSE(alive(daemon)) << "own group: " << own_cgroup;
  }
}

// At the end of the program nothing is left either, not even of what nobody ended.
TEST(Subreaper, ExitEndsWhatIsLeft) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t program = fork();
  if (program == 0) {
    become_subreaper();
    // Its destructor never runs.
    auto* const left = new Foreground(start("(env -i setsid sh -c 'echo $$; exec sleep 600' &)"));
    wait_for_output(*left);
    const std::string said = left->standard_output().text();
    [[maybe_unused]] const ssize_t written = write(ends[1], said.data(), said.size());
    std::exit(0);
  }
  close(ends[1]);
  std::array<char, 32> bytes{};
  ASSERT_GT(read(ends[0], bytes.data(), bytes.size() - 1), 0);
  close(ends[0]);
  ASSERT_EQ(waitpid(program, nullptr, 0), program);
  const pid_t daemon = std::atoi(bytes.data());  // NOLINT(cert-err34-c)
  ASSERT_GT(daemon, 0);
  EXPECT_FALSE(alive(daemon));
  // Nor a group of its own, where one may be made.
  if (const auto folder = own_cgroup_folder()) {
    EXPECT_FALSE(std::filesystem::exists(*folder + "/sweetspot-" + std::to_string(program) + "-0"));
  }
}

// The starter is killed without a chance to say goodbye: the kernel ends the program.
TEST(Foreground, DiesWithItsStarter) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t starter = fork();
  if (starter == 0) {
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, STDOUT_FILENO);
    auto program = Foreground::start({{"/bin/sh", "-c", "sleep 600; :"}, {}});
    const pid_t pid = program ? program->pid() : -1;
    [[maybe_unused]] const ssize_t written = write(ends[1], &pid, sizeof pid);
    pause();
    _exit(0);
  }
  pid_t pid = -1;
  ASSERT_EQ(read(ends[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  close(ends[0]);
  close(ends[1]);
  ASSERT_GT(pid, 0);
  EXPECT_TRUE(alive(pid));
  kill(starter, SIGKILL);
  waitpid(starter, nullptr, 0);
  for (int i = 0; i < 200 && alive(pid); ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_FALSE(alive(pid));
}

TEST(Foreground, AMissingProgramIsAnErrorWithItsReason) {
  const auto program = Foreground::start({{"/no/such/program"}, {}});
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().message, HasSubstr("/no/such/program: No such file or directory"));
}

}  // namespace
}  // namespace sweetspot::process
