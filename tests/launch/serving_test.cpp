#include "launch/serving.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot::launch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Program serving_program(std::vector<std::string> arguments,
                        std::vector<std::string> environment = {},
                        const std::string& name = "/usr/bin/llama-server") {
  Program made;
  made.argv = {name};
  made.argv.insert(made.argv.end(), arguments.begin(), arguments.end());
  made.kind = kind_of(name);
  made.environment = std::move(environment);
  return made;
}

SavedProfile reader(Pooling pooling = Pooling::of_model) {
  SavedProfile profile;
  profile.config.context.embeddings = true;
  profile.config.context.pooling = pooling;
  return profile;
}

TEST(TaskOf, FlagsSayIt) {
  EXPECT_EQ(task_of(serving_program({}), {}), Task::completion);
  EXPECT_EQ(task_of(serving_program({"--metrics"}), {}), Task::completion);
  EXPECT_EQ(task_of(serving_program({"--embedding"}), {}), Task::embedding);
  EXPECT_EQ(task_of(serving_program({"--embeddings", "--pooling", "mean"}), {}), Task::embedding);
  EXPECT_EQ(task_of(serving_program({"--reranking"}), {}), Task::reranking);
  EXPECT_EQ(task_of(serving_program({"--rerank"}), {}), Task::reranking);
  EXPECT_EQ(task_of(serving_program({"--embedding", "--pooling", "rank"}), {}), Task::reranking);
  // It then has vectors for its own use, and generates all the same.
  EXPECT_EQ(task_of(serving_program({"--pooling", "rank"}), {}), Task::completion);
}

TEST(TaskOf, VariablesOfTheEnvironmentSayIt) {
  EXPECT_EQ(task_of(serving_program({}, {"LLAMA_ARG_EMBEDDINGS=1"}), {}), Task::embedding);
  EXPECT_EQ(task_of(serving_program({}, {"LLAMA_ARG_EMBEDDINGS=0"}), {}), Task::completion);
  EXPECT_EQ(task_of(serving_program({}, {"LLAMA_ARG_RERANKING=on"}), {}), Task::reranking);
  EXPECT_EQ(
      task_of(serving_program({}, {"LLAMA_ARG_EMBEDDINGS=true", "LLAMA_ARG_POOLING=rank"}), {}),
      Task::reranking);
}

TEST(TaskOf, AModelThatOnlyReadsSaysItThroughItsProfile) {
  EXPECT_EQ(task_of(serving_program({}), reader()), Task::embedding);
  EXPECT_EQ(task_of(serving_program({}), reader(Pooling::rank)), Task::reranking);
  EXPECT_EQ(task_of(serving_program({"--pooling", "mean"}), reader(Pooling::rank)),
            Task::embedding);
}

TEST(PieceOf, IsTheSmallerBatchAndTheUsersWins) {
  SavedProfile profile;
  profile.config.context.n_batch = 2048;
  profile.config.context.n_ubatch = 512;
  EXPECT_EQ(piece_of(serving_program({}), profile), 512U);
  EXPECT_EQ(piece_of(serving_program({"-ub", "4096"}), profile), 2048U);
  EXPECT_EQ(piece_of(serving_program({"-ub", "256"}), profile), 256U);
  EXPECT_EQ(piece_of(serving_program({"--ubatch-size=128"}), profile), 128U);
  EXPECT_EQ(piece_of(serving_program({}, {"LLAMA_ARG_UBATCH=64"}), profile), 64U);
  EXPECT_EQ(piece_of(serving_program({"-ub", "many"}), profile), 512U);
}

TEST(LoaderOf, WhatChangesNothingIsNotKept) {
  const Loader plain = loader_of(serving_program({}));
  EXPECT_EQ(plain.program, "llama-server");
  EXPECT_THAT(plain.arguments, IsEmpty());
  EXPECT_EQ(loader_of(serving_program({"--host", "0.0.0.0", "--port", "9000", "--alias", "mine",
                                       "--metrics", "-v", "--temp", "0.5"})),
            plain);
  EXPECT_EQ(loader_of(serving_program({}, {"LLAMA_ARG_PORT=1", "LLAMA_ARG_HOST=::"})), plain);
}

TEST(LoaderOf, OneSpellingAndOneOrder) {
  const Loader loader = loader_of(serving_program({"--embedding", "-c", "4096", "-ts", "3,1"}));
  EXPECT_THAT(loader.arguments,
              ElementsAre("--ctx-size 4096", "--embedding", "--tensor-split 3,1"));
  EXPECT_EQ(
      loader_of(serving_program({"--tensor-split=3,1", "--ctx-size", "4096", "--embeddings"})),
      loader);
  EXPECT_NE(loader_of(serving_program({"--embedding"})), loader);
  EXPECT_NE(loader_of(serving_program({"-kvu"})), loader_of(serving_program({"-no-kvu"})));
}

TEST(LoaderOf, WhatWeDoNotKnowCounts) {
  EXPECT_THAT(loader_of(serving_program({"--mmproj", "eyes.gguf", "-md", "draft.gguf"})).arguments,
              ElementsAre("--mmproj eyes.gguf", "-md draft.gguf"));
  EXPECT_THAT(loader_of(serving_program({}, {"LLAMA_ARG_N_PARALLEL=8"})).arguments,
              ElementsAre("LLAMA_ARG_N_PARALLEL=8"));
  EXPECT_THAT(loader_of(serving_program({"--rope-scale", "-1"})).arguments,
              ElementsAre("--rope-scale -1"));
}

TEST(LoaderOf, KeepsNoSecret) {
  EXPECT_THAT(loader_of(serving_program({"--api-key", "s3cret"})).arguments, IsEmpty());
  EXPECT_THAT(loader_of(serving_program({"--new-auth", "s3cret"})).arguments,
              ElementsAre("--new-auth ..."));
  EXPECT_THAT(loader_of(serving_program({}, {"LLAMA_ARG_SOME_KEY=s3cret"})).arguments, IsEmpty());
  EXPECT_THAT(
      loader_of(serving_program({"host.py", "--token=s3cret", "{port}"}, {}, "/usr/bin/python3"))
          .arguments,
      ElementsAre("host.py", "--token ...", "{port}"));
}

TEST(LoaderOf, OtherProgramsAreTheirArguments) {
  const Loader one = loader_of(serving_program({"host.py", "{model}"}, {}, "python3"));
  EXPECT_EQ(one.program, "python3");
  EXPECT_NE(loader_of(serving_program({"other.py", "{model}"}, {}, "python3")), one);
}

}  // namespace
}  // namespace sweetspot::launch
