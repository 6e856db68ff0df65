#include "os/descriptor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace sweetspot::os {
namespace {

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(Descriptor, ClosesWhatItHolds) {
  const int fd = open_null();
  {
    const Descriptor held(fd);
    EXPECT_TRUE(held);
    EXPECT_EQ(held.get(), fd);
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(Descriptor, HoldsNoneUnlessItIsGivenOne) {
  const Descriptor none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.get(), -1);
}

TEST(Descriptor, MovesAndClosesWhatItHeldBefore) {
  const int first = open_null();
  const int second = open_null();
  Descriptor from(second);
  Descriptor to(first);
  to = std::move(from);
  EXPECT_FALSE(is_open(first));
  EXPECT_EQ(to.get(), second);
  EXPECT_TRUE(is_open(second));
  const Descriptor last(std::move(to));
  EXPECT_EQ(last.get(), second);
}

TEST(Descriptor, WhatIsReleasedStaysOpen) {
  Descriptor held(open_null());
  const int fd = held.release();
  EXPECT_FALSE(held);
  EXPECT_TRUE(is_open(fd));
  ::close(fd);
}

TEST(Descriptor, ClosingLeavesTheReasonOfAnEarlierFailure) {
  errno = ENOSPC;
  { const Descriptor wrong(1 << 20); }
  EXPECT_EQ(errno, ENOSPC);
}

}  // namespace
}  // namespace sweetspot::os
