#include "core/endpoint.hpp"

#include <gtest/gtest.h>

namespace sweetspot {
namespace {

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
