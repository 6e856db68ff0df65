#include "engine/oracle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "engine/scripted.hpp"

namespace sweetspot::engine {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<Config> configs_of(const std::vector<int>& layers) {
  std::vector<Config> configs(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) configs[i].placement.n_gpu_layers = layers[i];
  return configs;
}

Oracle open(const char* script) {
  auto oracle = Oracle::open(scripted(script), "/models/a.gguf");
  if (!oracle) throw std::runtime_error(oracle.error().message);
  return *std::move(oracle);
}

TEST(Oracle, AnswersInOrder) {
  Oracle oracle = open(R"({"model":{"layers":10}})");
  EXPECT_EQ(oracle.model().n_layer, 10);
  const auto answers = oracle.ask(configs_of({11, 0, 5}));
  ASSERT_TRUE(answers) << answers.error().message;
  ASSERT_EQ(answers->size(), 3U);
  EXPECT_EQ((*answers)[1].memory.size(), 1U) << "0 layers put nothing on the device";
  EXPECT_GT(offloaded_bytes((*answers)[0].memory), offloaded_bytes((*answers)[2].memory));
  EXPECT_EQ(oracle.asked(), 3U);
}

TEST(Oracle, AConfigThatCrashesLlamaCppIsFoundAndTheOthersAreAnswered) {
  Oracle oracle =
      open(R"({"model":{"layers":10},"rules":[{"at":"map","if":{"layers":[4,7]},"do":"abort"}]})");
  const auto answers = oracle.ask(configs_of({0, 1, 2, 3, 4, 5, 6, 7, 8}));
  ASSERT_TRUE(answers) << answers.error().message;
  ASSERT_EQ(answers->size(), 9U);
  for (std::size_t i = 0; i < answers->size(); ++i) {
    const bool crashes = i == 4 || i == 7;
    EXPECT_EQ((*answers)[i].problem.empty(), !crashes) << i;
    EXPECT_EQ((*answers)[i].memory.empty(), crashes) << i;
  }
  EXPECT_THAT((*answers)[4].problem, HasSubstr("llama.cpp cannot make it"));
}

TEST(Oracle, ARefusalIsAnAnswer) {
  Oracle oracle =
      open(R"({"rules":[{"at":"map","if":{"ctx_from":8192},"do":"refuse","message":"too long"}]})");
  std::vector<Config> configs(2);
  configs[1].context.n_ctx = 8192;
  const auto answers = oracle.ask(configs);
  ASSERT_TRUE(answers);
  EXPECT_EQ((*answers)[0].problem, "");
  EXPECT_EQ((*answers)[1].problem, "too long");
}

TEST(Oracle, ARefusedModelEndsTheCommand) {
  Oracle oracle = open(
      R"({"rules":[{"at":"map","do":"fault","code":"unsupported","message":"unknown architecture"}]})");
  const auto answers = oracle.ask(configs_of({0}));
  ASSERT_FALSE(answers);
  EXPECT_EQ(answers.error().kind, ErrorKind::model);
  EXPECT_THAT(answers.error().message, HasSubstr("unknown architecture"));
}

// Not one config: then it is not the configs.
TEST(Oracle, AModelThatNoSettingsLoadIsTheModelsFault) {
  for (const char* rule :
       {R"({"rules":[{"at":"map","do":"abort"}]})",
        R"({"rules":[{"at":"map","do":"refuse","message":"basic_string::substr: __pos 3"}]})"}) {
    Oracle oracle = open(rule);
    const auto answers = oracle.ask(configs_of({0, 1}));
    ASSERT_FALSE(answers) << rule;
    EXPECT_EQ(answers.error().kind, ErrorKind::model) << answers.error().message;
    EXPECT_THAT(answers.error().message, HasSubstr("/models/a.gguf"));
    EXPECT_THAT(answers.error().message, Not(HasSubstr("basic_string")));
  }
}

TEST(Oracle, SettingsThatAreAllRefusedAreNotTheModelsFault) {
  Oracle oracle =
      open(R"({"rules":[{"at":"map","if":{"ctx_from":4096},"do":"refuse","message":"too long"}]})");
  const auto answers = oracle.ask(configs_of({0, 1}));
  ASSERT_TRUE(answers) << answers.error().message;
  EXPECT_EQ((*answers)[0].problem, "too long");
}

TEST(Oracle, AWrongSplitIsTheUsersMistake) {
  Oracle oracle = open(
      R"({"rules":[{"at":"map","do":"fault","code":"config-rejected","message":"--tensor-split has 3 shares"}]})");
  const auto answers = oracle.ask(configs_of({0}));
  ASSERT_FALSE(answers);
  EXPECT_EQ(answers.error().kind, ErrorKind::usage);
}

}  // namespace
}  // namespace sweetspot::engine
