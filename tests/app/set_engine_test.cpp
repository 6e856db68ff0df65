#include "app/set_engine.hpp"

#include "app/app_test.hpp"
#include "app/engines.hpp"
#include "app/program.hpp"

namespace sweetspot::app {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Profiles that were measured with a llama-server of 2024, a script with its help.
class SetEngineTest : public AppTest {
 protected:
  SetEngineTest() {
    workplace_.worker_program.clear();
    workplace_.cache_folder = folder_ + "/cache";
    source_.model_path = model_path();
    source_.key = key();
    write_server(server_);
  }

  void write_server(const std::string& path) {
    file(path.substr(folder_.size()),
         "#!/bin/sh\ncase \"$1\" in --help) cat '" HELP_TEXTS
         "/elder.txt' ;; --version) echo 'version: 4100 (abc1234)' ;; esac\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }

  void keep_set_of(const std::string& engine) {
    ProfileSet set = measured_set();
    set.engine = engine;
    (void)keep(set);
  }

  Workplace found() { return with_engine_of_set(source_, workplace_, notes_); }

  const std::string server_ = folder_ + "/bin/llama-server";
  SetSource source_;
  std::vector<std::string> notes_;
};

TEST_F(SetEngineTest, ProfilesBringTheirEngine) {
  EXPECT_EQ(found().engine, "") << "there are none yet";
  keep_set_of(server_);
  EXPECT_EQ(found().engine, server_);
  workplace_.engine = kLinkedEngine;
  EXPECT_EQ(found().engine, kLinkedEngine) << "the user's word comes first";
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(SetEngineTest, ThoseOfTheLinkedWorkerStayWithIt) {
  keep_set_of("");
  EXPECT_EQ(found().engine, kLinkedEngine);
}

TEST_F(SetEngineTest, AnotherEngineIsAnotherSet) {
  const std::string other = folder_ + "/other/llama-server";
  write_server(other);
  keep_set_of("");
  keep_set_of(server_);
  keep_set_of(other);
  EXPECT_EQ(store::list_profile_sets(workplace_.data_folder).size(), 3U);
  for (const std::string& engine : {server_, other}) {
    workplace_.engine = engine;
    const auto stored = stored_set(source_, workplace_, notes_);
    ASSERT_TRUE(stored && *stored);
    EXPECT_EQ((*stored)->set.engine, engine);
  }
  workplace_.engine = folder_ + "/bin";
  EXPECT_EQ((*stored_set(source_, workplace_, notes_))->set.engine, server_)
      << "a folder means the server in it";
}

TEST_F(SetEngineTest, OneThatIsGoneIsSaid) {
  keep_set_of(server_);
  std::filesystem::remove(server_);
  EXPECT_EQ(found().engine, "");
  EXPECT_THAT(notes_, ElementsAre(testing::AllOf(HasSubstr(server_), HasSubstr("does not exist"))));
}

TEST_F(SetEngineTest, ALaunchStartsItInItsWords) {
  keep_set_of(server_);
  const auto program =
      find_launch_program({"llama-server", "--metrics"}, {}, source_, workplace_, notes_);
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->workplace.engine, server_);
  EXPECT_THAT(program->program.argv, ElementsAre(server_, "--metrics"));
  ASSERT_TRUE(program->program.abilities);
  const auto command = launch::command_for(program->program, measured_set().profiles.front(),
                                           model_path(), {}, {"127.0.0.1", 8080});
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_EQ(command->front(), server_);
  EXPECT_EQ(command->back(), "--metrics");
  EXPECT_THAT(*command, Contains("--model"));
  EXPECT_THAT(*command, testing::Not(Contains("--fit"))) << "a build of 2024 has none";
  EXPECT_THAT(*command, testing::Not(Contains("--cache-ram")));
}

TEST_F(SetEngineTest, AnotherProgramIsTheUsersOwn) {
  keep_set_of(server_);
  const auto program = find_launch_program({"/bin/sh", "{model}"}, {}, source_, workplace_, notes_);
  ASSERT_TRUE(program);
  EXPECT_THAT(program->program.argv, ElementsAre("/bin/sh", "{model}"));
  EXPECT_FALSE(program->program.abilities);
}

TEST_F(SetEngineTest, WhatItLacksIsOneSentence) {
  const auto card = read_engine(server_, workplace_);
  ASSERT_TRUE(card) << card.error().message;
  Config config;
  EXPECT_EQ(lacks_sentence(*card, config), "");
  config.placement.n_cpu_ffn = 3;
  EXPECT_EQ(lacks_sentence(*card, config),
            "llama.cpp 4100 (abc1234) cannot be told all of this profile: it has no --n-cpu-ffn "
            "(wanted: 3)");
  EXPECT_TRUE(check_can_be_told(workplace_, config)) << "the linked worker takes everything";
  workplace_.engine = server_;
  EXPECT_EQ(check_can_be_told(workplace_, config).error().kind, ErrorKind::usage);
  EXPECT_THAT(lacked_knobs(workplace_), Contains("n_cpu_ffn"));
}

}  // namespace
}  // namespace sweetspot::app
