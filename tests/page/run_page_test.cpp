#include "page/run_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "golden/sample_run.hpp"

namespace sweetspot::page {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const Figure* figure(const Page& page, const std::string& id) {
  const auto found = std::find_if(page.figures.begin(), page.figures.end(),
                                  [&](const Figure& one) { return one.id == id; });
  return found == page.figures.end() ? nullptr : &*found;
}

std::size_t marks_of(const Figure& figure, const std::string& series) {
  return static_cast<std::size_t>(
      std::count_if(figure.chart->marks.begin(), figure.chart->marks.end(),
                    [&](const Mark& mark) { return mark.series == series; }));
}

TEST(RunPage, TheAnswerAndTheCommandComeFirst) {
  const Page page = page_of(tests::mission_run());
  EXPECT_THAT(page.answer, StartsWith("Use 33 layers: "));
  EXPECT_THAT(page.command, StartsWith("llama-server --model "));
  EXPECT_THAT(page.command, HasSubstr(" --n-gpu-layers "));
  EXPECT_THAT(page.command, HasSubstr("--fit off"));
}

TEST(RunPage, MeasuredAndPredictedAreToldApart) {
  const sweetspot::Run run = tests::adaptive_run();
  const Page page = page_of(run);
  const Figure* speed = figure(page, "generation-speed");
  ASSERT_NE(speed, nullptr);
  std::size_t predicted = 0;
  std::size_t measured = 0;
  for (const CurvePoint& point : run.sweep->curve) {
    predicted += point.standing == Standing::predicted && point.generation_ms ? 1U : 0U;
  }
  for (const Trial& trial : run.results) measured += trial.measured() && trial.generation ? 1U : 0U;
  EXPECT_GT(predicted, 0U);
  EXPECT_EQ(marks_of(*speed, "predicted"), predicted);
  EXPECT_EQ(marks_of(*speed, "measured") + marks_of(*speed, "the CPU alone"), measured);
  for (const Mark& mark : speed->chart->marks) {
    EXPECT_LE(*mark.low, mark.y);
    EXPECT_GE(*mark.high, mark.y);
  }
  EXPECT_NE(figure(page, "decisions"), nullptr);
}

TEST(RunPage, MemoryIsHeldAgainstTheBands) {
  const Page page = page_of(tests::mission_run());
  const Figure* memory = figure(page, "memory");
  ASSERT_NE(memory, nullptr);
  EXPECT_EQ(memory->chart->stripes.size(), 3U);
  EXPECT_EQ(memory->chart->rules.front().y, 100);
}

TEST(RunPage, ATuneShowsFrontSearchAndFinals) {
  const sweetspot::Run run = tests::tuned_run();
  const Page page = page_of(run);
  EXPECT_THAT(page.answer, HasSubstr(run.tune->verdict));
  EXPECT_EQ(figure(page, "finals")->chart->marks.size(), run.tune->rounds.size() + 1);
  EXPECT_EQ(figure(page, "search")->table.rows.size(), run.results.size());
  EXPECT_EQ(marks_of(*figure(page, "front"), "winner"), 1U);
  EXPECT_EQ(figure(page, "generation-speed"), nullptr)
      << "layers alone do not tell its trials apart";
}

TEST(RunPage, EveryPictureHasItsNumbersInATable) {
  for (const sweetspot::Run& run :
       {tests::mission_run(), tests::adaptive_run(), tests::tuned_run(), tests::troubled_run()}) {
    const Page page = page_of(run);
    EXPECT_GT(page.figures.size(), 3U);
    for (const Figure& one : page.figures) {
      EXPECT_FALSE(one.table.rows.empty()) << one.id;
      for (const auto& row : one.table.rows) EXPECT_LE(row.size(), one.table.columns.size());
      if (one.chart) {
        EXPECT_FALSE(one.chart->marks.empty()) << one.id;
      }
    }
  }
}

TEST(RunPage, WhatFailedOrWasDisturbedStandsInIt) {
  const sweetspot::Run run = tests::troubled_run();
  const Page page = page_of(run);
  const Figure* trials = figure(page, "trials");
  EXPECT_EQ(trials->table.rows.size(), run.results.size());
  std::string all;
  for (const auto& row : trials->table.rows) {
    for (const std::string& cell : row) all += cell + "\n";
  }
  for (const Trial& trial : run.results) {
    if (trial.failure) {
      EXPECT_THAT(all, HasSubstr(trial.failure->message));
    }
  }
}

TEST(RunPage, AnEmptyRunIsNoFault) {
  const Page page = page_of(sweetspot::Run{});
  EXPECT_EQ(page.answer, "Nothing can be recommended");
  EXPECT_TRUE(page.command.empty());
}

}  // namespace
}  // namespace sweetspot::page
