#include "page/markdown.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "golden/sample_run.hpp"
#include "page/run_page.hpp"

namespace sweetspot::page {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Markdown, IsTablesWithAHeadEach) {
  const std::array<Page, 1> pages = {page_of(tests::mission_run())};
  const std::string text = markdown_of(pages);
  EXPECT_THAT(text, testing::StartsWith("## "));
  EXPECT_THAT(text, HasSubstr("| profile | layers |"));
  EXPECT_THAT(text, HasSubstr("| --- | --- |"));
  EXPECT_THAT(text, HasSubstr("```\nllama-server "));
}

TEST(Markdown, WhatComesFromOutsideIsNoMarkup) {
  Page page;
  page.title = "a|b <script> [x](y) @all #1";
  page.command = "llama-server -m '```'";
  page.figures = {{"t", "t", "", {}, {}, {{"c|d"}, {{"e\nf|g", "more than there are columns"}}}}};
  const std::string text = markdown_of(std::array<Page, 1>{page});
  EXPECT_THAT(text, HasSubstr("a\\|b \\<script\\> \\[x\\](y) \\@all \\#1"));
  EXPECT_THAT(text, HasSubstr("````\nllama-server"));
  EXPECT_THAT(text, HasSubstr("| c\\|d |\n"));
  EXPECT_THAT(text, Not(HasSubstr("more than")));
  EXPECT_THAT(text, Not(HasSubstr("e\nf")));
}

}  // namespace
}  // namespace sweetspot::page
