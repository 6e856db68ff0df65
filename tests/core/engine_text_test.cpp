#include "core/engine_text.hpp"

#include <gtest/gtest.h>

namespace sweetspot {
namespace {

TEST(EngineTextTest, AHashStandsBehindItsBuild) {
  const EngineText ours = engine_text("0.7.0 build 11669 (Debian), 0123456789abcdef");
  EXPECT_EQ(ours.build, "0.7.0 build 11669 (Debian)");
  EXPECT_EQ(ours.hash, "0123456789abcdef");
}

TEST(EngineTextTest, WhatIsNoHashBelongsToTheBuild) {
  for (const char* text : {"", "0.7.0 build 11669 (Debian)", "0.7.0 (build 1, commit abc)",
                           "a, 0123456789abcdeg", "a, 0123456789abcdef0"}) {
    EXPECT_EQ(engine_text(text).build, text);
    EXPECT_EQ(engine_text(text).hash, "");
  }
}

}  // namespace
}  // namespace sweetspot
