#include "report/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "report/texts.hpp"

namespace sweetspot::report {
namespace {

using test::lines_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Table cities() {
  Table table;
  table.columns = {{"name", Align::left, 0}, {"n", Align::right, 2}, {"words", Align::left, 1}};
  table.rows = {{{"ab", "7", "some words"}, Emphasis::none, {}},
                {{"größer", "1234", "x"}, Emphasis::winner, {}}};
  return table;
}

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(0, display_width(""));
  EXPECT_EQ(4, display_width("±0.3"));
  EXPECT_EQ(2, display_width("°C"));
  EXPECT_EQ(1, display_width("e\xcc\x81"));
  EXPECT_EQ(4, display_width("模型"));
  EXPECT_EQ(2, display_width("\xf0\x9f\x98\x80"));
}

TEST(DisplayWidth, SurvivesInvalidUtf8) {
  EXPECT_EQ(1, display_width("\xff"));
  EXPECT_EQ(1, display_width("\xe2"));
  EXPECT_EQ(3, display_width("\xe2(\xa1"));
}

TEST(CutToWidth, CutsBetweenCharactersAndSaysSo) {
  EXPECT_EQ("abc", cut_to_width("abc", 3));
  EXPECT_EQ("ab…", cut_to_width("abcd", 3));
  EXPECT_EQ("模…", cut_to_width("模型模", 4));
  EXPECT_EQ("…", cut_to_width("abc", 1));
  EXPECT_EQ("", cut_to_width("abc", 0));
  EXPECT_EQ("", cut_to_width("", 0));
}

TEST(Wrap, BreaksAtSpacesAndIndentsWhatFollows) {
  EXPECT_EQ("one two\n  three\n  four", wrap("one two three four", 8, 2));
  EXPECT_EQ("  one\n    two", wrap("  one two", 7, 4));
  EXPECT_EQ("", wrap("", 10, 2));
}

TEST(Wrap, LeavesLongWordsWhole) {
  EXPECT_EQ("a\n /a/very/long/path\n b", wrap("a /a/very/long/path b", 6, 1));
}

TEST(RenderTable, AlignsByDisplayWidth) {
  EXPECT_EQ(
      "name       n  words\n"
      "------  ----  ----------\n"
      "ab         7  some words\n"
      "größer  1234  x\n",
      render(cities(), {false, 100}));
}

TEST(RenderTable, DropsTheHighestOrderFirstAndNeverOrderZero) {
  EXPECT_THAT(render(cities(), {false, 23}), AllOf(HasSubstr("words"), Not(HasSubstr("1234"))));
  EXPECT_THAT(render(cities(), {false, 12}), Not(HasSubstr("words")));
  EXPECT_THAT(render(cities(), {false, 6}), HasSubstr("größer"));
}

TEST(RenderTable, FitsEveryWidth) {
  for (int width = 1; width < 40; ++width) {
    const auto lines = lines_of(render(cities(), {false, width}));
    ASSERT_EQ(4U, lines.size()) << width;
    for (const std::string& line : lines) EXPECT_LE(display_width(line), width) << line;
  }
}

TEST(RenderTable, LetsATailRunOverTheColumnsItReplaces) {
  Table table = cities();
  table.rows.push_back({{"c"}, Emphasis::failure, "failed: a long story that widens nothing"});
  const auto lines = lines_of(render(table, {false, 30}));
  EXPECT_EQ("------  ----  ----------", lines[1]);
  EXPECT_EQ("c       failed: a long story …", lines[4]);
}

TEST(RenderTable, LeavesMissingCellsEmptyWithoutTrailingSpaces) {
  Table table = cities();
  table.rows = {{{"ab"}, Emphasis::none, {}}, {{}, Emphasis::none, {}}};
  const auto lines = lines_of(render(table, {false, 100}));
  EXPECT_EQ("ab", lines[2]);
  EXPECT_EQ("", lines[3]);
}

TEST(RenderTable, ColoursOnlyWhereAsked) {
  EXPECT_THAT(render(cities(), {false, 100}), Not(HasSubstr("\x1b")));
  const auto lines = lines_of(render(cities(), {true, 100}));
  EXPECT_THAT(lines[2], Not(HasSubstr("\x1b")));
  EXPECT_THAT(lines[3], AllOf(testing::StartsWith("\x1b["), testing::EndsWith("\x1b[0m")));
}

TEST(RenderTable, TakesATableOfNothing) { EXPECT_EQ("\n\n", render(Table{}, {false, 100})); }

}  // namespace
}  // namespace sweetspot::report
