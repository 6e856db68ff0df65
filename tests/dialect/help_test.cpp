#include "dialect/help.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace sweetspot::dialect {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string help_text(const std::string& name) {
  std::ifstream file(std::string(HELP_TEXTS) + "/" + name + ".txt");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ReadHelp, NamesValuesAndWhatIsSaid) {
  const Help help = read_help(help_text("current"));
  const HelpFlag* layers = help.find("--gpu-layers");
  ASSERT_NE(layers, nullptr);
  EXPECT_THAT(layers->names, ElementsAre("-ngl", "--gpu-layers", "--n-gpu-layers"));
  EXPECT_EQ(layers->takes, "N");
  EXPECT_THAT(layers->text, HasSubstr("'auto', or 'all'"));
  EXPECT_EQ(help.find("-fa")->takes, "[on|off|auto]");
  EXPECT_EQ(help.find("--swa-full")->takes, "");
  EXPECT_EQ(help.find("--split-mode")->takes, "{none,layer,row,tensor}");
  EXPECT_EQ(help.find("--no-kv-offload")->takes, "");
  EXPECT_EQ(help.find("-ot")->takes, "<pattern>=<type>,...");
}

TEST(ReadHelp, ASwitchAndAValueAreToldApart) {
  EXPECT_EQ(read_help(help_text("elder")).find("-fa")->takes, "");
  EXPECT_NE(read_help(help_text("current")).find("-fa")->takes, "");
  EXPECT_NE(read_help(help_text("cousin")).find("-fa")->takes, "");
  EXPECT_EQ(read_help(help_text("cousin")).find("--fit")->takes, "");
}

TEST(ReadHelp, WhatWasRemovedIsNotThere) {
  const Help help = read_help(help_text("current"));
  EXPECT_EQ(help.find("--draft-max"), nullptr);
  EXPECT_NE(help.find("--parallel"), nullptr);
}

TEST(ReadHelp, ListsInATextAreNoFlags) {
  const Help help = read_help(help_text("current"));
  EXPECT_EQ(help.find("-"), nullptr);
  for (const HelpFlag& flag : help.flags) {
    EXPECT_FALSE(flag.names.front().starts_with("- ")) << flag.names.front();
  }
  EXPECT_TRUE(help.find("--load-mode")->offers("mmap+mlock"));
  EXPECT_THAT(help.find("-lv")->text, HasSubstr("LLAMA_ARG_LOG_VERBOSITY"))
      << "a line of spaces does not end what is said";
}

TEST(HelpFlag, OffersWordsNotPartsOfThem) {
  HelpFlag flag;
  flag.takes = "{none,layer,row}";
  flag.text = "rows of tensors, mmap+mlock";
  EXPECT_TRUE(flag.offers("row"));
  EXPECT_TRUE(flag.offers("layer"));
  EXPECT_FALSE(flag.offers("tensor"));
  EXPECT_FALSE(flag.offers("mlock"));
  EXPECT_TRUE(flag.offers("mmap+mlock"));
}

TEST(ReadHelp, AnythingElseListsNothing) {
  EXPECT_TRUE(read_help("").flags.empty());
  EXPECT_TRUE(read_help("GNU bash, version 5\nsays - something --model\n").flags.empty());
  EXPECT_TRUE(read_help("----- params -----\n- one\n-\n--\n---x\n").flags.empty());
}

}  // namespace
}  // namespace sweetspot::dialect
