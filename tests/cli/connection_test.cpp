#include "cli/connection.hpp"

#include <gtest/gtest.h>

namespace sweetspot::cli {
namespace {

TEST(ParseEndpoint, ReadsNamesAddressesAndBracketedIpv6) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:50052", "--rpc")->host, "127.0.0.1");
  EXPECT_EQ(parse_endpoint("127.0.0.1:50052", "--rpc")->port, 50052);
  EXPECT_EQ(parse_endpoint("gpu-box:1", "--rpc")->host, "gpu-box");
  EXPECT_EQ(parse_endpoint("[::1]:50052", "--rpc")->host, "::1");
}

TEST(ParseEndpoint, RefusesTheRestWithTheFlagInTheSentence) {
  for (const char* text : {"", "host", "host:", ":1", "host:0", "host:65536", "host:12x", "::1:5",
                           "host:-1", "[]:5"}) {
    const auto endpoint = parse_endpoint(text, "--rpc");
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().kind, ErrorKind::usage);
    EXPECT_NE(endpoint.error().message.find("--rpc"), std::string::npos);
  }
}

}  // namespace
}  // namespace sweetspot::cli
