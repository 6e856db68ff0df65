#include "process/signal_inbox.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <csignal>

namespace sweetspot::process {
namespace {

bool readable(const SignalInbox& inbox) {
  pollfd wait = {inbox.fd(), POLLIN, 0};
  return poll(&wait, 1, 0) == 1;
}

TEST(SignalInbox, KeepsSignalsInOrderWithoutEndingAnything) {
  SignalInbox inbox;
  EXPECT_FALSE(inbox.next());
  EXPECT_FALSE(readable(inbox));
  std::raise(SIGTERM);
  std::raise(SIGINT);
  std::raise(SIGHUP);
  EXPECT_TRUE(readable(inbox));
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    const auto caught = inbox.next();
    ASSERT_TRUE(caught);
    EXPECT_EQ(caught->number, signal);
    EXPECT_FALSE(caught->from_terminal) << "raise() is not Ctrl-C";
  }
  EXPECT_FALSE(inbox.next());
}

TEST(SignalInbox, WhatWasIgnoredStaysIgnored) {
  std::signal(SIGHUP, SIG_IGN);
  {
    SignalInbox inbox;
    std::raise(SIGHUP);
    EXPECT_FALSE(inbox.next());
  }
  std::signal(SIGHUP, SIG_DFL);
}

int handled = 0;

TEST(SignalInbox, PutsTheOldHandlersBack) {
  std::signal(SIGTERM, [](int) { ++handled; });
  {
    SignalInbox inbox;
    std::raise(SIGTERM);
    EXPECT_TRUE(inbox.next());
  }
  EXPECT_EQ(handled, 0);
  std::raise(SIGTERM);
  EXPECT_EQ(handled, 1);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace
}  // namespace sweetspot::process
