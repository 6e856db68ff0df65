#include "process/standard_stream.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include "ground/clock.hpp"
#include "process/cancel.hpp"
#include "process/output_tail.hpp"
#include "process/start.hpp"

namespace sweetspot::process {
namespace {

using Clock = std::chrono::steady_clock;
using Use = StandardStream::Use;
using std::chrono::milliseconds;

// A pipe that takes nothing more.
Pipe full_pipe() {
  Pipe pipe = *make_pipe();
  fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK);
  const std::string filler(4096, 'x');
  while (write(pipe.write.get(), filler.data(), filler.size()) > 0) {
  }
  fcntl(pipe.write.get(), F_SETFL, 0);  // as a user's is: a write() would block
  return pipe;
}

std::string drained(int fd) {
  std::string text;
  std::array<char, 4096> bytes{};
  for (ssize_t count = 0; (count = read(fd, bytes.data(), bytes.size())) > 0;) {
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  return text;
}

TEST(StandardStream, ATextLargerThanAPipeIsWrittenAsItIsRead) {
  ignore_broken_pipes();
  Pipe pipe = *make_pipe();
  const std::string text(std::size_t{1} << 20U, 'a');
  std::string got;
  std::thread reader([&] { got = drained(pipe.read.get()); });
  StandardStream out(pipe.write.get(), Use::results, nullptr);
  out.write(text);
  pipe.write.reset();
  reader.join();
  EXPECT_EQ(got, text);
  EXPECT_EQ(out.problem(), 0);
}

TEST(StandardStream, WhatCannotBeWrittenIsRememberedNotThrown) {
  ignore_broken_pipes();
  const Descriptor full(open("/dev/full", O_WRONLY));
  StandardStream disk(full.get(), Use::results, nullptr);
  disk.write("x");
  EXPECT_EQ(disk.problem(), ENOSPC);
  StandardStream closed(-1, Use::results, nullptr);
  closed.write("x");
  EXPECT_EQ(closed.problem(), EBADF);
  Pipe pipe = *make_pipe();
  pipe.read.reset();
  StandardStream head(pipe.write.get(), Use::results, nullptr);
  head.write("x");
  EXPECT_EQ(head.problem(), EPIPE);
}

TEST(StandardStream, AResultWaitsForItsReaderUntilItIsCancelled) {
  const Pipe pipe = full_pipe();
  CancelToken cancel;
  StandardStream out(pipe.write.get(), Use::results, &cancel);
  std::thread user([&] {
    std::this_thread::sleep_for(milliseconds(200));
    cancel.cancel();
  });
  const auto start = Clock::now();
  out.write("x");
  user.join();
  EXPECT_EQ(out.problem(), ECANCELED);
  EXPECT_GE(seconds_since(start), 0.2);
  EXPECT_LT(seconds_since(start), 10);
}

TEST(StandardStream, ADiagnosticIsDroppedAndTheNextOnesDoNotWait) {
  const Pipe pipe = full_pipe();
  StandardStream err(pipe.write.get(), Use::diagnostics, nullptr);
  const auto start = Clock::now();
  for (int i = 0; i < 100; ++i) err.write("progress");
  EXPECT_LT(seconds_since(start), 10) << "a second for the first, none for the others";
  EXPECT_EQ(err.problem(), ETIMEDOUT);
}

TEST(StandardStream, AReaderThatComesBackIsToldAgain) {
  const Pipe pipe = full_pipe();
  StandardStream err(pipe.write.get(), Use::diagnostics, nullptr);
  err.write("lost");
  fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
  drained(pipe.read.get());
  err.write("told");
  EXPECT_EQ(drained(pipe.read.get()), "told");
}

// What a program prints is passed on by a thread that is joined at the end.
TEST(OutputTail, EndsThoughNobodyReadsWhatItPassesOn) {
  const Pipe unread = full_pipe();
  Pipe program = *make_pipe();
  const auto start = Clock::now();
  {
    const OutputTail tail(program.read.release(), unread.write.get());
    ASSERT_EQ(write(program.write.get(), "hello", 5), 5);
    std::this_thread::sleep_for(milliseconds(100));
  }
  EXPECT_LT(seconds_since(start), 10);
}

// What was read from the pipe and is not yet kept counts as printed: here the copy blocks between.
TEST(OutputTail, SettlingWaitsForWhatIsOnItsWay) {
  Pipe copy = full_pipe();
  Pipe program = *make_pipe();
  const OutputTail tail(program.read.release(), copy.write.get());
  ASSERT_EQ(write(program.write.get(), "hello", 5), 5);
  std::this_thread::sleep_for(milliseconds(50));
  std::thread reader([&] {
    std::this_thread::sleep_for(milliseconds(50));
    fcntl(copy.read.get(), F_SETFL, O_NONBLOCK);
    drained(copy.read.get());
  });
  tail.settle(milliseconds(5000));
  EXPECT_EQ(tail.text(), "hello");
  reader.join();
}

TEST(OutputTail, AFullDiskDoesNotCloseTheProgramsPipe) {
  ignore_broken_pipes();
  const Descriptor full(open("/dev/full", O_WRONLY));
  Pipe program = *make_pipe();
  const OutputTail tail(program.read.release(), full.get());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(write(program.write.get(), "line\n", 5), 5) << i;
    tail.settle(milliseconds(5000));
  }
  EXPECT_EQ(tail.text(), "line\nline\nline\n");
}

}  // namespace
}  // namespace sweetspot::process
