#include "protocol/channel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>

namespace sweetspot::protocol {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Channel : public testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    ASSERT_EQ(pipe(ends_.data()), 0);
  }
  void TearDown() override {
    close_read();
    close_write();
  }
  void close_read() {
    if (ends_[0] >= 0) close(ends_[0]);
    ends_[0] = -1;
  }
  void close_write() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  void send(const std::string& bytes) {
    ASSERT_EQ(write(ends_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] int read_end() const { return ends_[0]; }
  [[nodiscard]] int write_end() const { return ends_[1]; }

 private:
  std::array<int, 2> ends_ = {-1, -1};
};

TEST_F(Channel, CutsLinesHoweverTheyArrive) {
  LineReader reader(read_end());
  send("one\ntwo\n\nthr");
  EXPECT_EQ(reader.read_line(seconds(10)).line, "one");
  EXPECT_EQ(reader.read_line(seconds(10)).line, "two");
  const ReadResult empty = reader.read_line(seconds(10));
  EXPECT_EQ(empty.status, ReadStatus::line);
  EXPECT_EQ(empty.line, "");
  EXPECT_EQ(reader.read_line(milliseconds(0)).status, ReadStatus::timeout);
  send("ee\n");
  EXPECT_EQ(reader.read_line(seconds(10)).line, "three");
}

TEST_F(Channel, TimesOutWithoutALine) {
  LineReader reader(read_end());
  send("unfinished");
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(reader.read_line(milliseconds(30)).status, ReadStatus::timeout);
  EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds(30));
}

TEST_F(Channel, LinesSentBeforeTheEndAreStillRead) {
  LineReader reader(read_end());
  send("last words\ntruncat");
  close_write();
  EXPECT_EQ(reader.read_line(seconds(10)).line, "last words");
  EXPECT_EQ(reader.read_line(seconds(10)).status, ReadStatus::closed);
  EXPECT_EQ(reader.read_line(seconds(10)).status, ReadStatus::closed);
}

TEST_F(Channel, ALineOverTheLimitIsRefusedNotStored) {
  LineReader reader(read_end(), 10);
  send("0123456789\n01234567890");
  EXPECT_EQ(reader.read_line(seconds(10)).line, "0123456789") << "exactly the limit is fine";
  EXPECT_EQ(reader.read_line(seconds(10)).status, ReadStatus::too_long);
  EXPECT_EQ(reader.read_line(seconds(10)).status, ReadStatus::too_long);
}

TEST_F(Channel, ALineOverTheLimitIsRefusedEvenWithItsNewline) {
  LineReader reader(read_end(), 10);
  send("01234567890\nnext\n");
  EXPECT_EQ(reader.read_line(seconds(10)).status, ReadStatus::too_long);
}

TEST_F(Channel, AnotherDescriptorWakesTheReader) {
  std::array<int, 2> other{};
  ASSERT_EQ(pipe(other.data()), 0);
  LineReader reader(read_end());
  std::thread waker([&] {
    std::this_thread::sleep_for(milliseconds(20));
    ASSERT_EQ(write(other[1], "x", 1), 1);
  });
  EXPECT_EQ(reader.read_line(seconds(20), other[0]).status, ReadStatus::woken);
  waker.join();
  close(other[0]);
  close(other[1]);
}

TEST_F(Channel, WritesALineLargerThanThePipe) {
  const std::string line(1'000'000, 'x');
  std::thread writer([&] { EXPECT_TRUE(write_line(write_end(), line)); });
  LineReader reader(read_end());
  EXPECT_EQ(reader.read_line(seconds(20)).line, line);
  writer.join();
}

TEST_F(Channel, WritingToNobodyIsAnError) {
  close_read();
  const Status status = write_line(write_end(), "hello");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::internal);
  EXPECT_NE(status.error().message.find("Broken pipe"), std::string::npos);
}

TEST_F(Channel, WritingToSomebodyWhoDoesNotReadEnds) {
  ASSERT_EQ(fcntl(write_end(), F_SETFL, O_NONBLOCK), 0);
  EXPECT_FALSE(write_line(write_end(), std::string(1'000'000, 'x'), milliseconds(30)));
}

}  // namespace
}  // namespace sweetspot::protocol
