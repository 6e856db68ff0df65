#include "http/server_events.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sweetspot::http {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> read(const std::vector<std::string>& pieces) {
  ServerEventReader reader;
  std::vector<std::string> events;
  for (const std::string& piece : pieces) {
    reader.add(piece);
    while (const auto event = reader.next()) events.push_back(event->field + "=" + event->value);
  }
  return events;
}

TEST(ServerEvents, AnEmptyLineEndsAnEvent) {
  EXPECT_THAT(read({"data: 1\n\ndata:2\n\n"}), ElementsAre("data=1", "data=2"));
  EXPECT_THAT(read({"data: 1\r\n\r\n"}), ElementsAre("data=1"));
  EXPECT_THAT(read({"data: 1\n"}), ElementsAre());
}

TEST(ServerEvents, PiecesMayBeCutAnywhere) {
  const std::string whole =
      "data: {\"x\": 1}\r\n\r\n: ping\n\nevent: e\nid: 3\ndata: a\ndata: b\n\n";
  std::vector<std::string> letters;
  for (const char letter : whole) letters.emplace_back(1, letter);
  EXPECT_THAT(read(letters), ElementsAre("data={\"x\": 1}", "data=a\nb"));
}

TEST(ServerEvents, WhatWaitsIsCounted) {
  ServerEventReader reader;
  reader.add("data: " + std::string(100, 'x'));
  EXPECT_FALSE(reader.next());
  EXPECT_GE(reader.waiting(), 100U);
  reader.add("\n");
  EXPECT_FALSE(reader.next());
  EXPECT_GE(reader.waiting(), 100U) << "an event of many lines must not escape the limit";
  reader.add("\n");
  EXPECT_TRUE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.waiting(), 0U);
}

}  // namespace
}  // namespace sweetspot::http
