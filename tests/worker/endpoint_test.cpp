#include "worker/endpoint.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sweetspot::worker {
namespace {

/// A socket that listens on a port the system chose.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
    (void)::bind(fd_, reinterpret_cast<sockaddr*>(&address), length);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
    ::listen(fd_, 1);
    port_ = ntohs(address.sin_port);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { close(); }

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  [[nodiscard]] int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
};

TEST(Endpoint, ParsesHostAndPort) {
  const auto plain = parse_endpoint("10.0.0.1:50052");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "10.0.0.1");
  EXPECT_EQ(plain->port, 50052);
  const auto v6 = parse_endpoint("[::1]:80");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
}

TEST(Endpoint, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "host", ":80", "host:", "host:0", "host:65536", "host:8x", "::1:80",
                           "host:-1", "host:99999999999"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

TEST(Endpoint, ConnectingTellsWhetherSomethingListens) {
  Listener listener;
  const Endpoint endpoint{"127.0.0.1", listener.port()};
  EXPECT_EQ(try_connect(endpoint, 2000), "");
  EXPECT_NE(try_bind(endpoint), "");
  listener.close();
  EXPECT_NE(try_connect(endpoint, 2000), "");
}

}  // namespace
}  // namespace sweetspot::worker
