#include "page/run_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "golden/sample_run.hpp"

namespace sweetspot::page {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const Figure* figure(const Report& report, const std::string& id) {
  const auto found = std::find_if(report.figures.begin(), report.figures.end(),
                                  [&](const Figure& one) { return one.id == id; });
  return found == report.figures.end() ? nullptr : &*found;
}

std::size_t marks_of(const Figure& figure, const std::string& series) {
  return static_cast<std::size_t>(
      std::count_if(figure.chart->marks.begin(), figure.chart->marks.end(),
                    [&](const Mark& mark) { return mark.series == series; }));
}

TEST(RunReport, TheAnswerAndTheCommandComeFirst) {
  const Report report = report_of(tests::mission_run());
  EXPECT_THAT(report.answer, StartsWith("Use 33 layers: "));
  EXPECT_THAT(report.command, StartsWith("llama-server --model "));
  EXPECT_THAT(report.command, HasSubstr(" --n-gpu-layers "));
  EXPECT_THAT(report.command, HasSubstr("--fit off"));
}

TEST(RunReport, MeasuredAndPredictedAreToldApart) {
  const sweetspot::Run run = tests::adaptive_run();
  const Report report = report_of(run);
  const Figure* speed = figure(report, "generation-speed");
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
  EXPECT_NE(figure(report, "decisions"), nullptr);
}

TEST(RunReport, MemoryIsHeldAgainstTheBands) {
  const Report report = report_of(tests::mission_run());
  const Figure* memory = figure(report, "memory");
  ASSERT_NE(memory, nullptr);
  EXPECT_EQ(memory->chart->stripes.size(), 3U);
  EXPECT_EQ(memory->chart->rules.front().y, 100);
}

TEST(RunReport, ATuneShowsFrontSearchAndFinals) {
  const sweetspot::Run run = tests::tuned_run();
  const Report report = report_of(run);
  EXPECT_THAT(report.answer, HasSubstr(run.tune->verdict));
  EXPECT_EQ(figure(report, "finals")->chart->marks.size(), run.tune->rounds.size() + 1);
  EXPECT_EQ(figure(report, "search")->table.rows.size(), run.results.size());
  EXPECT_EQ(marks_of(*figure(report, "front"), "winner"), 1U);
  EXPECT_EQ(figure(report, "generation-speed"), nullptr)
      << "layers alone do not tell its trials apart";
}

TEST(RunReport, EveryPictureHasItsNumbersInATable) {
  for (const sweetspot::Run& run :
       {tests::mission_run(), tests::adaptive_run(), tests::tuned_run(), tests::troubled_run()}) {
    const Report report = report_of(run);
    EXPECT_GT(report.figures.size(), 3U);
    for (const Figure& one : report.figures) {
      EXPECT_FALSE(one.table.rows.empty()) << one.id;
      for (const auto& row : one.table.rows) EXPECT_LE(row.size(), one.table.columns.size());
      if (one.chart) {
        EXPECT_FALSE(one.chart->marks.empty()) << one.id;
      }
    }
  }
}

TEST(RunReport, WhatFailedOrWasDisturbedStandsInIt) {
  const sweetspot::Run run = tests::troubled_run();
  const Report report = report_of(run);
  const Figure* trials = figure(report, "trials");
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

TEST(RunReport, AnEmptyRunIsNoFault) {
  const Report report = report_of(sweetspot::Run{});
  EXPECT_EQ(report.answer, "Nothing can be recommended");
  EXPECT_TRUE(report.command.empty());
}

}  // namespace
}  // namespace sweetspot::page
