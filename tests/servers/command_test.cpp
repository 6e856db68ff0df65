#include "servers/command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "servers/written_program.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::servers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::TemporaryFolder;

TEST(WordsOfLine, AsAShellTakesThemApart) {
  EXPECT_THAT(*words_of_line("a  b\tc"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(*words_of_line("'a b' \"c 'd'\" e\\ f"), ElementsAre("a b", "c 'd'", "e f"));
  EXPECT_THAT(*words_of_line("'' x"), ElementsAre("", "x"));
  EXPECT_THAT(*words_of_line("  "), ElementsAre());
  EXPECT_EQ(words_of_line("'a").error().kind, ErrorKind::usage);
}

TEST(LineOf, IsReadBackAsItWas) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"/a b/c", "it's", "", "\"q\"", "{model_dir}:{model_dir}", "\\"},
        {"plain"}}) {
    EXPECT_EQ(*words_of_line(line_of(words)), words) << line_of(words);
  }
}

TEST(Filled, PlaceholdersEverywhereAndNoOthers) {
  const ServerCommand command = {{"docker", "-v", "{model_dir}:{model_dir}", "--name={name}"},
                                 true};
  EXPECT_THAT(*filled(command, {"/models", "81", "n7"}),
              ElementsAre("docker", "-v", "/models:/models", "--name=n7"));
  EXPECT_THAT(*filled({{"x", "{model_dir}"}, true}, {"/a{port}b", "81", ""}),
              ElementsAre("x", "/a81b"));
  const auto wrong = filled({{"x", "{modeldir}"}, true}, {});
  EXPECT_EQ(wrong.error().kind, ErrorKind::usage);
  EXPECT_THAT(wrong.error().message, HasSubstr("{modeldir}"));
}

class CommandOf : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string at(const std::string& name) { return folder_.path() + "/" + name; }
};

TEST_F(CommandOf, APathAFolderAndANameInPath) {
  const std::string program = written_program(at("bin/llama-server"), "");
  const std::vector<std::string> argv = {program};
  EXPECT_EQ(command_of(program, "")->argv, argv);
  EXPECT_EQ(command_of(folder_.path(), "")->argv, argv) << "its bin";
  EXPECT_EQ(command_of(at("bin"), "")->argv, argv);
  EXPECT_EQ(command_of("llama-server", at("bin"))->argv, argv);
  EXPECT_EQ(command_of(" " + program + " ", "")->argv, argv);
  EXPECT_FALSE(command_of(program, "")->wrapped);
}

TEST_F(CommandOf, TheProgramLlamaServes) {
  const std::string program = written_program(at("llama"), "");
  EXPECT_THAT(command_of(program, "")->argv, ElementsAre(program, "serve"));
  EXPECT_EQ(text_of(*command_of(program, "")), program);
  EXPECT_THAT(command_of(folder_.path(), "")->argv, ElementsAre(program, "serve"));
}

TEST_F(CommandOf, APathWithBlanksIsNoLine) {
  const std::string program = written_program(at("a folder/llama-server"), "");
  EXPECT_THAT(command_of(program, "")->argv, ElementsAre(program));
}

TEST_F(CommandOf, ALineIsWrapped) {
  const std::string program = written_program(at("docker"), "");
  const auto command = command_of("docker run -v {model_dir}:{model_dir} 'an image'", at(""));
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_TRUE(command->wrapped);
  EXPECT_THAT(command->argv,
              ElementsAre(program, "run", "-v", "{model_dir}:{model_dir}", "an image"));
}

TEST_F(CommandOf, WhatCannotBeStartedIsSaid) {
  const auto refused = [](const Result<ServerCommand>& command) {
    return command ? std::string("taken") : command.error().message;
  };
  EXPECT_THAT(refused(command_of(at("nothing"), "")), HasSubstr("does not exist"));
  EXPECT_THAT(refused(command_of("no-such-server", "/bin")), HasSubstr("no program"));
  EXPECT_THAT(refused(command_of("", "")), HasSubstr("names nothing"));
  EXPECT_THAT(refused(command_of(folder_.path(), "")), HasSubstr("has no llama-server in it"));

  std::ofstream(at("plain")) << "#!/bin/sh\n";
  const auto no_right = command_of(at("plain"), "");
  EXPECT_THAT(refused(no_right), HasSubstr("may not be executed"));
  EXPECT_THAT(no_right.error().remedy, HasSubstr("chmod +x"));

  std::ofstream(at("text")) << "just words";
  std::filesystem::permissions(at("text"), std::filesystem::perms::owner_all);
  EXPECT_THAT(refused(command_of(at("text"), "")), HasSubstr("is no program"));

  std::string elf =
      "\x7f"
      "ELF";
  elf.resize(64);
  elf[18] = '\x17';  // a machine that nobody has
  elf[19] = '\x70';
  std::ofstream(at("foreign"), std::ios::binary) << elf;
  std::filesystem::permissions(at("foreign"), std::filesystem::perms::owner_all);
  const auto foreign = command_of(at("foreign"), "");
  EXPECT_THAT(refused(foreign), HasSubstr("is a program for another processor"));
  EXPECT_EQ(foreign.error().kind, ErrorKind::device);
}

}  // namespace
}  // namespace sweetspot::servers
