#include "http/client.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sweetspot::http {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

// Takes connections, sends `pieces` a moment apart after a request came, then closes or holds it
// open.
class OneAnswer {
 public:
  OneAnswer(std::vector<std::string> pieces, bool close_after)
      : listener_(socket(AF_INET, SOCK_STREAM, 0)), pieces_(std::move(pieces)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener_, 4);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    endpoint_ = {"127.0.0.1", ntohs(address.sin_port)};
    thread_ = std::thread([this, close_after] { serve(close_after); });
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
  [[nodiscard]] bool was_closed() const { return was_closed_; }

 private:
  static bool is_whole(const std::string& request) {
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t head = request.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const std::size_t length = request.find(kLength);
    const std::size_t body =
        length < head ? std::stoul(request.substr(length + kLength.size())) : 0;
    return request.size() >= head + 4 + body;
  }

  void serve(bool close_after) {
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    std::array<char, 4096> part{};
    while (!is_whole(request_)) {  // a body may come in a packet of its own
      const ssize_t count = read(fd, part.data(), part.size());
      if (count <= 0) break;
      request_.append(part.data(), static_cast<std::size_t>(count));
    }
    for (const std::string& piece : pieces_) {
      if (send(fd, piece.data(), piece.size(), MSG_NOSIGNAL) < 0) was_closed_ = true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    while (!close_after && !done_) {
      std::this_thread::sleep_for(milliseconds(5));
      was_closed_ = was_closed_ || recv(fd, part.data(), part.size(), MSG_DONTWAIT) == 0;
    }
    close(fd);
  }

  int listener_;
  std::vector<std::string> pieces_;
  Endpoint endpoint_;
  std::string request_;
  std::atomic<bool> done_{false};
  std::atomic<bool> was_closed_{false};
  std::thread thread_;
};

Patience patient(int ms = 5000) {
  Patience patience;
  patience.timeout = milliseconds(ms);
  return patience;
}

constexpr const char* kStream =
    "HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nContent-Type: text/event-stream\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

std::string chunk(const std::string& text) {
  return fmt::format("{:x}\r\n{}\r\n", text.size(), text);
}

TEST(Send, ReadsStatusBodyAndWhatTheServerIs) {
  OneAnswer server({"HTTP/1.1 200 OK\r\nServer: llama.cpp\r\n\r\nhello"}, true);
  const Reply answer = send(server.endpoint(), {"GET", "/health"}, patient());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hello");
  EXPECT_EQ(answer->server, "llama.cpp");
  EXPECT_TRUE(server.request().starts_with("GET /health HTTP/1.1\r\n")) << server.request();
}

TEST(Send, SendsABodyAndAKey) {
  OneAnswer server({"HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nhi"}, false);
  const Reply answer = send(server.endpoint(), {"POST", "/x", "{}", "k"}, patient());
  ASSERT_TRUE(answer) << "a connection that stays open is no reason to wait";
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "hi");
  EXPECT_THAT(server.request(), HasSubstr("Authorization: Bearer k\r\n"));
  EXPECT_THAT(server.request(), HasSubstr("Content-Length: 2\r\n"));
  EXPECT_TRUE(server.request().ends_with("\r\n\r\n{}"));
}

TEST(Send, NobodyThere) {
  Endpoint endpoint;
  {
    const OneAnswer server({}, true);
    endpoint = server.endpoint();
  }
  EXPECT_EQ(send(endpoint, {}, patient()).error(), Problem::refused);
  EXPECT_EQ(send({"no.such.host.invalid", 80}, {}, patient()).error(), Problem::refused);
}

TEST(Send, SilenceEndsWithTheTime) {
  OneAnswer server({}, false);
  const auto before = Clock::now();
  EXPECT_EQ(send(server.endpoint(), {}, patient(100)).error(), Problem::timed_out);
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(3));
}

TEST(Send, AnAnswerThatNeverEndsEndsWithTheTime) {
  std::vector<std::string> drops(200, "x");
  drops.front() = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
  OneAnswer server(std::move(drops), false);
  EXPECT_EQ(send(server.endpoint(), {}, patient(200)).error(), Problem::timed_out)
      << "each read comes in time, the whole does not";
}

TEST(Send, IsGivenUpWhenTheCallerSaysSo) {
  OneAnswer server({}, false);
  int asked = 0;
  Patience patience = patient(60000);
  patience.go_on = [&asked] { return ++asked < 5; };
  const auto before = Clock::now();
  EXPECT_EQ(send(server.endpoint(), {}, patience).error(), Problem::interrupted);
  EXPECT_LT(Clock::now() - before, std::chrono::seconds(5));
}

TEST(Send, RefusesWhatIsNotWhole) {
  for (const char* text :
       {"", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi"}) {
    OneAnswer server({text}, true);
    EXPECT_EQ(send(server.endpoint(), {}, patient()).error(), Problem::broken) << text;
  }
}

TEST(Send, RefusesMoreThanTheLimit) {
  OneAnswer server({"HTTP/1.1 200 OK\r\n\r\n", std::string(2000, 'x')}, true);
  Patience patience = patient();
  patience.most_bytes = 1000;
  EXPECT_EQ(send(server.endpoint(), {}, patience).error(), Problem::broken);
}

TEST(Stream, TellsEachEventAsItComes) {
  OneAnswer server({kStream, chunk("data: {\"a\":1}\n\nda"), chunk("ta: {\"b\":2}\n\n: ping\n\n"),
                    chunk("error: {\"c\":3}\n\n"), "0\r\n\r\n"},
                   false);
  std::vector<std::string> heard;
  const Reply answer = stream(server.endpoint(), {"POST", "/completion", "{}"}, patient(),
                              [&](const ServerEvent& e) {
                                heard.push_back(e.field + " " + e.value);
                                return true;
                              });
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(answer->server, "llama.cpp");
  EXPECT_THAT(heard, ElementsAre("data {\"a\":1}", "data {\"b\":2}", "error {\"c\":3}"));
}

TEST(Stream, IsCalledOnTheCallersThread) {
  OneAnswer server({kStream, chunk("data: 1\n\n"), "0\r\n\r\n"}, true);
  std::thread::id heard_on;
  ASSERT_TRUE(stream(server.endpoint(), {}, patient(), [&](const ServerEvent&) {
    heard_on = std::this_thread::get_id();
    return true;
  }));
  EXPECT_EQ(heard_on, std::this_thread::get_id());
}

TEST(Stream, ClosesTheConnectionWhenNoMoreIsWanted) {
  OneAnswer server({kStream, chunk("data: 1\n\n"), chunk("data: 2\n\n")}, false);
  EXPECT_EQ(
      stream(server.endpoint(), {}, patient(), [](const ServerEvent&) { return false; }).error(),
      Problem::interrupted);
  for (int i = 0; i < 200 && !server.was_closed(); ++i) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_TRUE(server.was_closed());
}

TEST(Stream, AnErrorIsAnOrdinaryAnswer) {
  OneAnswer server({"HTTP/1.1 400 No\r\nContent-Length: 13\r\n\r\ndata: \"no\"\n\n\n"}, true);
  bool heard = false;
  const Reply answer = stream(server.endpoint(), {}, patient(), [&](const ServerEvent&) {
    heard = true;
    return true;
  });
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
  EXPECT_THAT(answer->body, HasSubstr("no"));
  EXPECT_FALSE(heard);
}

TEST(Stream, AServerThatDiesBreaksIt) {
  OneAnswer server({kStream, chunk("data: 1\n\n")}, true);
  int heard = 0;
  const Reply answer =
      stream(server.endpoint(), {}, patient(), [&](const ServerEvent&) { return ++heard > 0; });
  EXPECT_EQ(heard, 1);
  EXPECT_EQ(answer.error(), Problem::broken);
}

TEST(Stream, SeveralAtOnce) {
  std::vector<std::thread> callers;
  std::atomic<int> heard = 0;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&heard] {
      OneAnswer server({kStream, chunk("data: 1\n\n"), chunk("data: 2\n\n"), "0\r\n\r\n"}, true);
      EXPECT_TRUE(stream(server.endpoint(), {}, patient(), [&heard](const ServerEvent&) {
        ++heard;
        return true;
      }));
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(heard, 8);
}

}  // namespace
}  // namespace sweetspot::http
