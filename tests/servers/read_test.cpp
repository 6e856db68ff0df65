#include "servers/read.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "servers/chosen.hpp"
#include "servers/written_program.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::servers {
namespace {

using ::testing::HasSubstr;
using tests::TemporaryFolder;

class ReadServer : public ::testing::Test {
 protected:
  std::string at(const std::string& name) { return folder_.path() + "/" + name; }

  Result<ServerCard> read(const std::string& text, bool devices = false) {
    const auto command = command_of(text, "/bin:/usr/bin");
    if (!command) return tl::unexpected(command.error());
    ReadOptions options;
    options.cache_folder = at("cache");
    options.devices = devices;
    options.patience = patience_;
    return read_server(*command, options);
  }
  std::string refused(const std::string& body, ErrorKind kind) {
    const auto card = read(written_program(at("bin/some-program"), body));
    if (card) return "taken";
    EXPECT_EQ(card.error().kind, kind) << card.error().message;
    return card.error().message;
  }
  // How often the server was started, and with what.
  std::string asked() {
    std::ifstream file(at("asked"));
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  TemporaryFolder folder_;
  std::chrono::milliseconds patience_{20000};
};

TEST_F(ReadServer, SaysWhatItIs) {
  const auto card = read(written_server(at("bin/llama-server"), "elder"), true);
  ASSERT_TRUE(card) << card.error().message;
  EXPECT_EQ(card->title(), "llama.cpp 4100 (abc1234)");
  EXPECT_EQ(card->abilities.build, 4100U);
  EXPECT_EQ(card->hash.size(), 16U);
  EXPECT_TRUE(card->abilities.devices.empty()) << "it has no --list-devices";
  const auto other = read(written_server(at("bin/llama-server"), "current"), true);
  ASSERT_TRUE(other) << other.error().message;
  ASSERT_EQ(other->abilities.devices.size(), 1U);
  EXPECT_EQ(other->abilities.devices.front().id, "CUDA0");
  EXPECT_NE(other->hash, card->hash);
}

TEST_F(ReadServer, AHelpThatEndsWithAnErrorIsTaken) {
  const auto card = read(written_program(at("bin/ik"), "cat '" HELP_TEXTS "/cousin.txt'; exit 1"));
  ASSERT_TRUE(card) << card.error().message;
  EXPECT_EQ(card->abilities.family, dialect::Family::ik_llama_cpp);
}

TEST_F(ReadServer, IsAskedOnceUntilItChanges) {
  const std::string program = written_server(at("bin/llama-server"), "elder", at("asked"));
  ASSERT_TRUE(read(program));
  EXPECT_EQ(asked(), "--help\n--version\n");
  ASSERT_TRUE(read(program));
  EXPECT_EQ(asked(), "--help\n--version\n");
  written_server(at("bin/llama-server"), "current", at("asked"));
  ASSERT_TRUE(read(program));
  EXPECT_EQ(asked(), "--help\n--version\n--help\n--version\n");
  std::ofstream(at("bin/libllama.so.1")) << "another";
  const auto relinked = read(program);
  ASSERT_TRUE(relinked);
  EXPECT_EQ(asked(), "--help\n--version\n--help\n--version\n--help\n--version\n")
      << "a library beside it is a part of it";
  forget_readings(at("cache"));
  ASSERT_TRUE(read(program));
  EXPECT_EQ(asked().size(), 4 * std::string("--help\n--version\n").size());
}

TEST_F(ReadServer, OneThatSaidNoVersionIsAskedAgain) {
  const std::string program =
      written_program(at("bin/llama-server"),
                      "case $1 in --help) cat '" HELP_TEXTS "/elder.txt' ;;\n" +
                          std::string("*) [ -e '") + at("once") + "' ] || { : > '" + at("once") +
                          "'; kill -9 $$; }; echo 'version: 4100 (x)' ;; esac");
  ASSERT_TRUE(read(program));
  const auto again = read(program);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->abilities.version, "4100 (x)");
}

TEST_F(ReadServer, ADamagedReadingIsReadAgain) {
  const std::string program = written_server(at("bin/llama-server"), "elder");
  ASSERT_TRUE(read(program));
  for (const auto& file : std::filesystem::directory_iterator(at("cache"))) {
    std::ofstream(file.path()) << "{\"schema\":\"sweetspot.engine-reading/1\"";
  }
  EXPECT_TRUE(read(program));
}

TEST_F(ReadServer, VariablesOfLlamaCppDoNotReachIt) {
  setenv("LLAMA_ARG_CTX_SIZE", "1", 1);
  const auto card = read(written_program(
      at("bin/llama-server"), "test -z \"$LLAMA_ARG_CTX_SIZE\" && cat '" HELP_TEXTS "/elder.txt'"));
  unsetenv("LLAMA_ARG_CTX_SIZE");
  EXPECT_TRUE(card);
}

TEST_F(ReadServer, ProgramsThatAreNoLlamaServer) {
  EXPECT_THAT(refused("echo 'usage: some-program [--verbose]'", ErrorKind::usage),
              HasSubstr("is no llama-server"));
  EXPECT_THAT(refused("printf '  --model M    a\\n  --port P    b\\n  --ctx-size N   c\\n"
                      "  --usecublas    d\\n'",
                      ErrorKind::usage),
              HasSubstr("KoboldCpp"));
  EXPECT_THAT(refused("kill -SEGV $$", ErrorKind::device), HasSubstr("ended with signal 11"));
  const std::string library = refused(
      "echo 'x: error while loading shared libraries: libcublas.so.12: cannot open shared "
      "object file' >&2; exit 127",
      ErrorKind::device);
  EXPECT_THAT(library, HasSubstr("exit code 127"));
  EXPECT_THAT(library, HasSubstr("libcublas.so.12"));
}

TEST_F(ReadServer, AProgramThatAsksAndWaits) {
  // Its input is at its end already.
  EXPECT_THAT(refused("echo 'Continue? [y/n]'; read answer; exit 0", ErrorKind::usage),
              HasSubstr("is no llama-server"));
  patience_ = std::chrono::milliseconds(300);
  EXPECT_THAT(refused("echo 'Continue? [y/n]'; sleep 100", ErrorKind::device),
              HasSubstr("has not ended"));
}

TEST_F(ReadServer, AWrapperIsBelievedForAWhile) {
  const std::string program = written_server(at("bin/llama-server"), "elder", at("asked"));
  const auto card = read("env A=1 " + program);
  ASSERT_TRUE(card) << card.error().message;
  EXPECT_TRUE(card->command.wrapped);
  EXPECT_FALSE(card->hash.empty());
  const auto again = read("env A=1 " + program);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->hash, card->hash);
  EXPECT_EQ(asked(), "--help\n--version\n");
  const auto other = read("env A=2 " + program);
  ASSERT_TRUE(other);
  EXPECT_NE(other->hash, card->hash) << "another command may start another server";
}

TEST(ChosenEngine, IsKeptAndForgotten) {
  const TemporaryFolder folder;
  const std::string data = folder.path() + "/data";
  EXPECT_EQ(chosen_engine(data), "");
  ASSERT_TRUE(choose_engine(data, "docker run 'a b'"));
  EXPECT_EQ(chosen_engine(data), "docker run 'a b'");
  ASSERT_TRUE(choose_engine(data, ""));
  EXPECT_EQ(chosen_engine(data), "");
  EXPECT_TRUE(choose_engine(data, "")) << "nothing to forget";
  EXPECT_EQ(choose_engine("", "x").error().kind, ErrorKind::output);
}

}  // namespace
}  // namespace sweetspot::servers
