#include "answering/inbox.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <thread>
#include <variant>

namespace sweetspot::answering {
namespace {

std::string line(std::uint64_t id, protocol::Request request) {
  return protocol::encode(protocol::RequestMessage{id, std::move(request)}) + "\n";
}

void write_text(int fd, const std::string& text) {
  ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

// The reader thread ends the process when its input does, so each case runs in a process of its
// own.
class InboxDeathTest : public testing::Test {
 protected:
  InboxDeathTest() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    if (::pipe(pipe_.data()) != 0) std::abort();
  }
  ~InboxDeathTest() override {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }

  [[nodiscard]] int in() const { return pipe_[0]; }
  [[nodiscard]] int out() const { return pipe_[1]; }

 private:
  std::array<int, 2> pipe_{};
};

TEST_F(InboxDeathTest, EndOfInputEndsTheProcess) {
  EXPECT_EXIT(
      {
        ::close(out());
        Inbox inbox(in());
        inbox.run();
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(InboxDeathTest, StopMarksTheRequestBeforeItAndIsNotQueued) {
  EXPECT_EXIT(
      {
        auto* const inbox = new Inbox(in());
        std::thread([inbox] { inbox->run(); }).detach();
        write_text(out(), line(1, protocol::MeasureRequest{}));
        const bool first = inbox->next()->id == 1 && !inbox->stopped();
        write_text(out(), line(2, protocol::StopRequest{}));
        while (!inbox->stopped()) std::this_thread::yield();
        write_text(out(), line(3, protocol::CheckRequest{}));
        const auto next = inbox->next();
        const bool second = next && next->id == 3 && !inbox->stopped();
        ::_exit(first && second ? 7 : 8);
      },
      testing::ExitedWithCode(7), "");
}

TEST_F(InboxDeathTest, NonsenseIsHandedOutAsAnError) {
  EXPECT_EXIT(
      {
        auto* const inbox = new Inbox(in());
        std::thread([inbox] { inbox->run(); }).detach();
        write_text(out(), "nonsense\n");
        ::_exit(inbox->next() ? 8 : 7);
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace sweetspot::answering
