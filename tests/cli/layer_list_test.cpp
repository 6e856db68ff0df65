#include "cli/layer_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

namespace sweetspot::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<int> parsed(std::string_view text) {
  const auto list = parse_layer_list(text);
  EXPECT_TRUE(list) << text;
  return list.value_or(std::vector<int>{});
}

TEST(ParseLayerList, ReadsCounts) {
  EXPECT_THAT(parsed("0,8,16,-1"), ElementsAre(0, 8, 16, -1));
  EXPECT_THAT(parsed("7"), ElementsAre(7));
  EXPECT_THAT(parsed(" 0 , 8 "), ElementsAre(0, 8));
  EXPECT_THAT(parsed("8,0,8"), ElementsAre(8, 0, 8));
}

TEST(ParseLayerList, ReadsRanges) {
  EXPECT_THAT(parsed("0-3"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(parsed("0-32+8"), ElementsAre(0, 8, 16, 24, 32));
  EXPECT_THAT(parsed("0-10+4"), ElementsAre(0, 4, 8));
  EXPECT_THAT(parsed("1-32*2"), ElementsAre(1, 2, 4, 8, 16, 32));
  EXPECT_THAT(parsed("0-32*2"), ElementsAre(0, 1, 2, 4, 8, 16, 32));
  EXPECT_THAT(parsed("3-40*3"), ElementsAre(3, 9, 27));
  EXPECT_THAT(parsed("5-5"), ElementsAre(5));
  EXPECT_THAT(parsed("0,4-6,-1"), ElementsAre(0, 4, 5, 6, -1));
}

TEST(ParseLayerList, RefusesWhatIsNeither) {
  for (const std::string text : {"abc",
                                 "",
                                 " ",
                                 ",",
                                 "0,",
                                 ",0",
                                 "0,,8",
                                 "5-",
                                 "-",
                                 "--1",
                                 "-2",
                                 "-1-4",
                                 "0--1",
                                 "9-3",
                                 "0x10",
                                 "1.5",
                                 "1e3",
                                 "+4",
                                 "0-32+",
                                 "0-32*",
                                 "0-32+0",
                                 "0-32*0",
                                 "0-32*1",
                                 "0-32/2",
                                 "0-32+8+8",
                                 "0-32+-8",
                                 "0 8",
                                 "99999999999999999999",
                                 "2147483648",
                                 "-99999999999",
                                 "0-99999999999"}) {
    const auto list = parse_layer_list(text);
    ASSERT_FALSE(list) << text;
    EXPECT_EQ(list.error().kind, ErrorKind::usage);
    EXPECT_THAT(list.error().message, HasSubstr("--layers")) << text;
    EXPECT_THAT(list.error().remedy, HasSubstr("0-32+8")) << text;
  }
}

TEST(ParseLayerList, QuotesTheEntryThatIsWrong) {
  EXPECT_THAT(parse_layer_list("0,8,x y").error().message, HasSubstr("'x y'"));
  EXPECT_THAT(parse_layer_list("9-3").error().message, HasSubstr("backwards"));
}

TEST(ParseLayerList, IsBounded) {
  EXPECT_EQ(parsed("0-999").size(), kMaxRequests);
  EXPECT_FALSE(parse_layer_list("0-1000"));
  EXPECT_FALSE(parse_layer_list("0-999,-1"));
  EXPECT_FALSE(parse_layer_list("0-100000"));
  EXPECT_THAT(parsed("65536-65536*65536"), ElementsAre(65'536)) << "the product is 0 in 32 bits";
}

RC_GTEST_PROP(ParseLayerList, NeverCrashesAndIsNeverEmpty, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0129,-+* a")));
  const auto list = parse_layer_list(text);
  if (!list) return;
  RC_ASSERT(!list->empty() && list->size() <= kMaxRequests);
  RC_ASSERT(std::all_of(list->begin(), list->end(),
                        [](int count) { return count >= -1 && count <= kMaxLayers; }));
}

TEST(QuickLayers, ScaleTheNotesListToTheModel) {
  EXPECT_THAT(quick_layers(43), ElementsAre(0, 20, 35, 43));
  EXPECT_THAT(quick_layers(33), ElementsAre(0, 15, 27, 33));
  EXPECT_THAT(quick_layers(2), ElementsAre(0, 1, 2));
  EXPECT_THAT(quick_layers(1), ElementsAre(0, 1));
  EXPECT_THAT(quick_layers(0), ElementsAre(0));
  EXPECT_THAT(quick_layers(-3), ElementsAre(0));
}

TEST(FullLayers, ScaleTheNotesListToTheModel) {
  EXPECT_THAT(full_layers(43), ElementsAre(0, 10, 20, 30, 35, 40, 43));
  EXPECT_THAT(full_layers(33), ElementsAre(0, 8, 15, 23, 27, 31, 33));
}

RC_GTEST_PROP(LayerLists, AscendFromNoneToAll, ()) {
  const int offloadable = *rc::gen::inRange(1, 500);
  for (const auto& list : {quick_layers(offloadable), full_layers(offloadable)}) {
    RC_ASSERT(list.front() == 0);
    RC_ASSERT(list.back() == offloadable);
    RC_ASSERT(std::adjacent_find(list.begin(), list.end(), std::greater_equal<>()) == list.end());
  }
}

}  // namespace
}  // namespace sweetspot::cli
