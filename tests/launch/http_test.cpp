#include "launch/http.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

namespace sweetspot::launch {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Takes one connection, sends `text` after the request came, then closes or holds it open.
class OneAnswer {
 public:
  OneAnswer(std::string text, bool close_after) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener_, 4);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    endpoint_ = {"127.0.0.1", ntohs(address.sin_port)};
    thread_ =
        std::thread([this, text = std::move(text), close_after] { serve(text, close_after); });
  }
  ~OneAnswer() {
    shutdown(listener_, SHUT_RDWR);
    done_ = true;
    thread_.join();
    close(listener_);
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
  [[nodiscard]] const std::string& request() const { return request_; }

 private:
  void serve(const std::string& text, bool close_after) {
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    std::array<char, 4096> part{};
    const ssize_t count = read(fd, part.data(), part.size());
    if (count > 0) request_.assign(part.data(), static_cast<std::size_t>(count));
    [[maybe_unused]] const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    while (!close_after && !done_) std::this_thread::sleep_for(milliseconds(5));
    close(fd);
  }

  int listener_;
  Endpoint endpoint_;
  std::string request_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

HttpPatience patient(int ms = 5000) {
  return {milliseconds(ms), [] { return true; }};
}

TEST(HttpRequest, ReadsStatusAndBody) {
  OneAnswer server("HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\nhello", true);
  const HttpResult answer = http_request(server.endpoint(), {"GET", "/health", "", ""}, patient());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hello");
  EXPECT_TRUE(server.request().starts_with("GET /health HTTP/1.0\r\n"));
}

TEST(HttpRequest, SendsABodyAndAKey) {
  OneAnswer server("HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nhi", false);
  const HttpResult answer = http_request(server.endpoint(), {"POST", "/x", "{}", "k"}, patient());
  ASSERT_TRUE(answer) << "a connection that stays open is no reason to wait";
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "hi");
  EXPECT_NE(server.request().find("Authorization: Bearer k\r\n"), std::string::npos);
  EXPECT_NE(server.request().find("Content-Length: 2\r\n"), std::string::npos);
  EXPECT_TRUE(server.request().ends_with("\r\n\r\n{}"));
}

TEST(HttpRequest, NobodyThere) {
  Endpoint endpoint;
  {
    const OneAnswer server("", true);
    endpoint = server.endpoint();
  }
  EXPECT_EQ(http_request(endpoint, {}, patient()).error(), HttpProblem::refused);
  EXPECT_FALSE(takes_connections(endpoint));
  EXPECT_EQ(http_request({"no.such.host.invalid", 80}, {}, patient()).error(),
            HttpProblem::refused);
}

TEST(HttpRequest, SilenceEndsWithTheTime) {
  OneAnswer server("", false);
  const auto before = Clock::now();
  EXPECT_EQ(http_request(server.endpoint(), {}, patient(100)).error(), HttpProblem::timed_out);
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(3));
}

TEST(HttpRequest, IsGivenUpWhenTheCallerSaysSo) {
  OneAnswer server("", false);
  int asked = 0;
  const auto before = Clock::now();
  const HttpResult answer = http_request(
      server.endpoint(), {}, {std::chrono::seconds(60), [&asked] { return ++asked < 5; }});
  EXPECT_EQ(answer.error(), HttpProblem::interrupted);
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(5));
}

TEST(ParseAnswer, RefusesWhatIsNotWhole) {
  EXPECT_FALSE(parse_answer(""));
  EXPECT_FALSE(parse_answer("SSH-2.0-x\r\n\r\n"));
  EXPECT_FALSE(parse_answer("HTTP/1.1 200 OK\r\n"));
  EXPECT_FALSE(parse_answer("HTTP/1.1 abc OK\r\n\r\n"));
  EXPECT_FALSE(parse_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi"));
  EXPECT_EQ(parse_answer("HTTP/1.1 204\r\n\r\n")->status, 204);
  EXPECT_EQ(parse_answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more")->body, "hi");
}

}  // namespace
}  // namespace sweetspot::launch
