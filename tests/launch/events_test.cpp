#include "launch/events.hpp"

#include <gtest/gtest.h>

namespace sweetspot::launch {
namespace {

TEST(Sentence, SaysWhatHappenedAndWhatComesNext) {
  EXPECT_EQ(sentence(Starting{"fast", {"llama-server"}}), "starting profile fast");
  EXPECT_EQ(sentence(Healthy{"fast", 2, 4088, ""}),
            "profile fast works after 2.0 s, proven to 4088 tokens of context");
  EXPECT_EQ(sentence(Healthy{"fast", 2, 0, "it wants a key"}),
            "profile fast works after 2.0 s; its whole depth is not proven: it wants a key");
  EXPECT_EQ(sentence(Failed{"fast", "it fell", "cpu_fallback"}),
            "profile fast failed: it fell; next: cpu_fallback");
  EXPECT_EQ(sentence(Failed{"fast", "it fell", ""}), "profile fast failed: it fell");
  EXPECT_EQ(sentence(Restarting{"fast", "it was killed"}),
            "it was killed; starting profile fast again");
  EXPECT_EQ(sentence(Warned{"full"}), "warning: full");
  EXPECT_EQ(sentence(Moving{"fast", "balanced", true}),
            "others take memory: from profile fast to balanced");
  EXPECT_EQ(sentence(Moving{"balanced", "fast", false}),
            "memory is back: from profile balanced to fast");
  EXPECT_EQ(sentence(Finished{0, std::nullopt}), "");
  EXPECT_EQ(sentence(Finished{5, Error{ErrorKind::nothing_measurable, "all failed", "do this"}}),
            "all failed; do this");
}

}  // namespace
}  // namespace sweetspot::launch
