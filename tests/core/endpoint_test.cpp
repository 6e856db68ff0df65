#include "core/endpoint.hpp"

#include <gtest/gtest.h>

namespace sweetspot {
namespace {

TEST(ParseEndpoint, TakesHostAndPort) {
  const auto plain = parse_endpoint("10.0.0.1:50052");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "10.0.0.1");
  EXPECT_EQ(plain->port, 50052);
  const auto v6 = parse_endpoint("[::1]:80");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
}

TEST(ParseEndpoint, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "host", ":80", "host:", "host:0", "host:65536", "host:8x", "::1:80",
                           "host:-1", "host:99999999999"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

TEST(IsLoopback, KnowsTheLoopbackOnly) {
  EXPECT_TRUE(is_loopback("127.0.0.1"));
  EXPECT_TRUE(is_loopback("127.8.8.8"));
  EXPECT_TRUE(is_loopback("localhost"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("0.0.0.0"));
  EXPECT_FALSE(is_loopback("192.168.1.2"));
  EXPECT_FALSE(is_loopback("127.example.org")) << "a name is not an address";
}

}  // namespace
}  // namespace sweetspot
