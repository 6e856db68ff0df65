#include "os/socket.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sweetspot::os {
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

TEST(Socket, ConnectingTellsWhetherSomethingListens) {
  Listener listener;
  EXPECT_EQ(try_connect("127.0.0.1", listener.port(), 2000), "");
  EXPECT_NE(try_bind("127.0.0.1", listener.port()), "");
  listener.close();
  EXPECT_NE(try_connect("127.0.0.1", listener.port(), 2000), "");
}

TEST(Socket, AFreePortCanBeBound) {
  const auto port = free_loopback_port();
  ASSERT_TRUE(port);
  EXPECT_EQ(try_bind("127.0.0.1", *port), "");
}

TEST(Socket, ANameThatCannotBeResolvedIsSaid) {
  EXPECT_NE(try_connect("no.such.host.invalid", 80, 100).find("cannot be resolved"),
            std::string::npos);
}

}  // namespace
}  // namespace sweetspot::os
