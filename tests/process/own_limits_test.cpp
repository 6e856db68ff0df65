#include "process/own_limits.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <new>
#include <string>

#include "process/child.hpp"

extern "C" {
[[gnu::weak]] void __asan_init();
[[gnu::weak]] void __tsan_init();
}

namespace sweetspot::process {
namespace {

bool can_take(std::size_t bytes) {
  try {
    const std::unique_ptr<char[]> block(new char[bytes]);  // NOLINT(modernize-avoid-c-arrays)
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// The room may be sanitized where this file is not (scripts/test-sanitized.sh).
bool is_sanitized() { return &__asan_init != nullptr || &__tsan_init != nullptr; }

// The limit is of the whole process, so each case has one of its own. 0 = as it should be.
template <typename Check>
int in_a_process(Check&& check) {
  const pid_t pid = fork();
  if (pid == 0) _exit(check());
  int status = -1;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

TEST(OwnLimits, MoreMemoryThanEverNeededIsRefusedNotTaken) {
  if (is_sanitized()) GTEST_SKIP() << "sanitizers need more memory than the limit";
  EXPECT_EQ(in_a_process([] {
              limit_own_memory();
              if (!can_take(std::size_t{1} << 30U)) return 1;
              return can_take(kOwnMemoryBytes + 1) ? 2 : 0;
            }),
            0);
}

TEST(OwnLimits, WhatWeStartIsFreeOfIt) {
  EXPECT_EQ(in_a_process([] {
              limit_own_memory();
              SpawnOptions options;
              options.argv = {"/bin/sh", "-c", "test $(ulimit -S -d) = unlimited"};
              auto child = Child::spawn(options);
              if (!child) return 1;
              const auto status = child->wait_exit(std::chrono::seconds(10));
              return status && status->code == 0 ? 0 : 2;
            }),
            0);
}

TEST(OwnLimits, ALowerLimitOfTheUsersStays) {
  EXPECT_EQ(in_a_process([] {
              const rlimit lower = {std::size_t{1} << 30U, RLIM_INFINITY};
              setrlimit(RLIMIT_DATA, &lower);
              limit_own_memory();
              rlimit now = {};
              getrlimit(RLIMIT_DATA, &now);
              return now.rlim_cur == lower.rlim_cur ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace sweetspot::process
