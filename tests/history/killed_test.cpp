// Other processes write, and are killed at any moment.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

#include "history/some_runs.hpp"

namespace sweetspot::history {
namespace {

pid_t in_another_process(const std::function<void()>& work) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    work();
    ::_exit(0);
  }
  return pid;
}

int exit_code_of(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string time_of(int number) {
  return fmt::format("2026-11-05T10:{:02}:{:02}Z", number / 60, number % 60);
}

TEST(AnIndexThatOthersWrite, ShowsWholeRunsWheneverTheyAreKilled) {
  const tests::TemporaryFolder folder;
  const std::string data = folder.file("data");
  const sweetspot::Run run = run_of("zephyr.gguf", time_of(0));
  std::vector<std::string> elsewhere;
  for (int i = 0; i < 20; ++i) {
    elsewhere.push_back(folder.file(fmt::format("mine-{:02}.json", i)));
    ASSERT_TRUE(store::save_run(elsewhere.back(), run));
  }
  std::size_t before = 0;
  for (int round = 0; round < 25; ++round) {
    const pid_t writer = in_another_process([&] {
      Index index = opened(data);
      for (const std::string& path : elsewhere) {
        if (!index.add(path)) ::_exit(1);
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(2 + 3 * round));
    ::kill(writer, SIGKILL);
    exit_code_of(writer);
    const Index index = opened(data);
    EXPECT_TRUE(index.set_aside().empty()) << "round " << round;
    const Result<std::vector<RunEntry>> entries = index.list();
    ASSERT_TRUE(entries) << entries.error().message;
    EXPECT_GE(entries->size(), before);
    before = entries->size();
    for (const RunEntry& entry : *entries) EXPECT_EQ(entry, entry_of(run, entry.path));
  }
}

TEST(AnIndexThatOthersWrite, LosesNothingOfTwoThatWriteAtOnce) {
  const tests::TemporaryFolder folder;
  const std::string data = folder.file("data");
  std::vector<pid_t> writers;
  for (int writer = 0; writer < 3; ++writer) {
    writers.push_back(in_another_process([&, writer] {
      for (int i = 0; i < 8; ++i) {
        const std::string path = folder.file(fmt::format("w{}-{}.json", writer, i));
        if (!store::save_run(path, run_of("zephyr.gguf", time_of(8 * writer + i)))) ::_exit(2);
        Result<Index> index = Index::open(data);
        if (!index || !index->add(path)) ::_exit(1);
      }
    }));
  }
  for (const pid_t writer : writers) EXPECT_EQ(exit_code_of(writer), 0);
  EXPECT_EQ(names_in(opened(data)).size(), 24U);
}

}  // namespace
}  // namespace sweetspot::history
