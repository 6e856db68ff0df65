#include "process/cancel.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>

namespace sweetspot::process {
namespace {

bool readable(int fd, int timeout_ms) {
  pollfd wait = {fd, POLLIN, 0};
  return poll(&wait, 1, timeout_ms) == 1;
}

TEST(CancelToken, StartsQuietAndStaysCancelled) {
  CancelToken token;
  EXPECT_FALSE(token.cancelled());
  EXPECT_FALSE(readable(token.fd(), 0));
  token.cancel();
  token.cancel();
  EXPECT_TRUE(token.cancelled());
  EXPECT_TRUE(readable(token.fd(), 0));
  EXPECT_TRUE(readable(token.fd(), 0)) << "nobody reads it away";
}

TEST(CancelToken, WakesAPollInAnotherThread) {
  CancelToken token;
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    token.cancel();
  });
  EXPECT_TRUE(readable(token.fd(), 10'000));
  canceller.join();
}

TEST(CancelOnSignals, BothSignalsCancelAndAreSurvivedTwice) {
  for (const int signal : {SIGINT, SIGTERM}) {
    CancelToken token;
    cancel_on_signals(token);
    std::raise(signal);
    std::raise(signal);
    EXPECT_TRUE(token.cancelled());
  }
}

TEST(CancelOnSignals, ASignalAfterTheTokenIsGoneHarmsNothing) {
  {
    CancelToken token;
    cancel_on_signals(token);
  }
  std::raise(SIGINT);
}

TEST(IgnoreBrokenPipes, WritingToNobodyIsAnError) {
  ignore_broken_pipes();
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  close(ends[0]);
  EXPECT_EQ(write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(ends[1]);
}

}  // namespace
}  // namespace sweetspot::process
