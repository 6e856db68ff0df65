#include "report/plan_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "ground/bytes.hpp"
#include "plan/fake_oracle.hpp"
#include "report/texts.hpp"

namespace sweetspot::report {
namespace {

using test::golden;
using test::kPlain;
using test::lines_of;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::Le;
using testing::Not;
using testing::ResultOf;

// To accept what is printed now, copy it.
std::string everything(const plan::PlanRecord& record, const Style& style) {
  return plan_header_text(record, style) + plan_tables(record, style) +
         plan_answers_text(record, style) + plan_classes_table(record, style);
}

plan::DeviceBudget budget_of(const std::string& id, std::uint64_t bytes) {
  return {id,
          8 * kGiB,
          7 * kGiB,
          bytes,
          "85 % of 8.00 GiB less 1.00 GiB in use",
          {150 * kMiB, 500 * kMiB, false, "default, not measured here"}};
}

struct Sample {
  plan::fake::Model model = plan::fake::uniform(20);
  plan::PlanRequest request;
  std::string name = "Sample 4B";
  std::vector<std::string> notices;

  Sample() {
    request.base.context.n_ctx = 8192;
    request.base.context.flash_attn = FlashAttention::on;
    request.contexts = {2048, 8192, 32768};
  }

  Sample& on_devices(int count, std::uint64_t budget_bytes) {
    model.split.assign(static_cast<std::size_t>(count), 1);
    model.compute.resize(static_cast<std::size_t>(count) + 1, model.compute[1]);
    plan::Budgets budgets;
    budgets.host.available_bytes = 64 * kGiB;
    budgets.host.source = "available now";
    for (int i = 0; i < count; ++i) {
      budgets.devices.push_back(budget_of("GPU" + std::to_string(i), budget_bytes));
    }
    request.budgets = std::move(budgets);
    return *this;
  }

  [[nodiscard]] plan::PlanRecord record() const {
    plan::fake::Oracle oracle{model, {}, {}};
    plan::PlanRecord record;
    record.model = plan::fake::info_of(model);
    record.model.architecture = "llama";
    record.model.quantization = "Q4_K - Medium";
    record.model.name = name;
    record.model.size_bytes = 2350 * kMiB;
    record.model.n_ctx_train = 32768;
    for (std::size_t i = 0; i < model.split.size(); ++i) {
      DeviceReport report;
      report.device.id = "GPU" + std::to_string(i);
      report.device.description = "A card of the test";
      report.device.type = DeviceType::gpu;
      record.targets.push_back(std::move(report));
    }
    record.plan = plan::make_plan(request, record.model, oracle.source()).value();
    record.notices = notices;
    return record;
  }
};

// ---- golden

TEST(GoldenPlan, OfOneDeviceOnWhichItDoesNotFit) {
  const auto record = Sample().on_devices(1, 3 * kGiB).record();
  tests::expect_golden("plan_one_device.txt", everything(record, kPlain));
}

TEST(GoldenPlan, OfTwoDevicesAndTwoCacheTypes) {
  Sample sample;
  sample.request.cache_types = {{"f16", "f16"}, {"q8_0", "q4_0"}};
  const auto record = sample.on_devices(2, 4 * kGiB).record();
  tests::expect_golden("plan_two_devices.txt", everything(record, kPlain));
}

TEST(GoldenPlan, WithoutBudgets) {
  Sample sample;
  sample.notices = {"A notice that everybody should read before the table."};
  tests::expect_golden("plan_without_budgets.txt", everything(sample.record(), kPlain));
}

// ---- every text

TEST(PlanReport, HasNoEscapeByteWithoutColour) {
  const auto record = Sample().on_devices(1, 3 * kGiB).record();
  EXPECT_THAT(everything(record, kPlain), Not(HasSubstr("\x1b")));
  EXPECT_THAT(everything(record, {true, 100}), HasSubstr("\x1b["));
}

TEST(PlanReport, KeepsToTheWidth) {
  const auto record = Sample().on_devices(2, 3 * kGiB).record();
  for (const int width : {40, 60, 80, 100}) {
    EXPECT_THAT(
        lines_of(everything(record, {false, width})),
        Each(ResultOf([](const std::string& line) { return display_width(line); }, Le(width))))
        << width;
  }
}

TEST(PlanReport, AtAHundredColumnsEveryPriceIsShown) {
  const auto record = Sample().on_devices(1, 3 * kGiB).record();
  const std::string text = plan_answers_text(record, kPlain);
  EXPECT_THAT(text, AllOf(HasSubstr("frees"), HasSubstr("to host"), HasSubstr("CPU reads/token"),
                          HasSubstr("costs"), Not(HasSubstr("…"))));
}

TEST(PlanReport, IsSafeForATerminalWhateverTheModelIsCalled) {
  Sample sample;
  sample.name = "\x1b[31mred\n\xff\xc2\x9b";
  sample.on_devices(1, 3 * kGiB);
  auto record = sample.record();
  record.model.architecture = "\x1b]0;title\a";
  record.model.quantization = "\r";
  record.targets[0].device.description = "\x1b[2J";
  const std::string text = everything(record, kPlain);
  EXPECT_THAT(text, HasSubstr("\\x1b[31mred"));
  EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == '\x7f' || c == '\xff';
  }));
  EXPECT_THAT(text, Not(HasSubstr("\xc2\x9b")));
}

TEST(PlanReport, ALongNameDoesNotFloodTheTerminal) {
  Sample sample;
  sample.name = std::string(1U << 20U, 'x');
  EXPECT_LT(everything(sample.record(), kPlain).size(), 10000U);
}

// ---- the tables

TEST(PlanTables, ShowFewRowsOfADeepModelAndEveryAnswer) {
  Sample sample;
  sample.model = plan::fake::uniform(126);
  sample.request.base.placement.n_gpu_layers = 77;
  const auto record = sample.on_devices(1, 7 * kGiB).record();
  const std::string text = plan_tables(record, kPlain);
  EXPECT_LT(lines_of(text).size(), 25U);
  EXPECT_THAT(text, HasSubstr("\n    77 ")) << "what is wanted";
  for (const auto& largest : record.plan.largest_layers) {
    ASSERT_TRUE(largest);
    EXPECT_THAT(text, HasSubstr("\n" + std::string(*largest < 100 ? 4 : 3, ' ') +
                                std::to_string(*largest) + " "));
  }
}

TEST(PlanTables, WhatLlamaCppRefusesIsADash) {
  Sample sample;
  sample.request.base.context.flash_attn = FlashAttention::off;
  sample.request.cache_types = {{"f16", "f16"}, {"q8_0", "q8_0"}};
  const auto record = sample.on_devices(1, 3 * kGiB).record();
  const std::string text = plan_tables(record, kPlain);
  const std::string refused = text.substr(text.find("q8_0 cache"));
  EXPECT_THAT(refused, HasSubstr("\n     0     - "));
  EXPECT_THAT(refused, HasSubstr("none"));
}

TEST(PlanAnswers, SayWhatIsMissingWhere) {
  Sample sample;
  sample.on_devices(1, 3 * kGiB);
  sample.request.budgets->host.available_bytes = 1 * kMiB;
  const auto record = sample.record();
  const std::string text = plan_answers_text(record, kPlain);
  EXPECT_THAT(text, AllOf(HasSubstr("it does not fit"), HasSubstr("GPU0 lacks"),
                          HasSubstr("the host lacks")));
}

TEST(PlanAnswers, SayWhatLlamaCppMakesOfTheContext) {
  Sample sample;
  sample.request.base.context.n_ctx = 1000;
  EXPECT_THAT(plan_answers_text(sample.record(), kPlain),
              HasSubstr("context 1000 (llama.cpp makes it 1024)"));
  sample.request.base.context.n_ctx = 1024;
  EXPECT_THAT(plan_answers_text(sample.record(), kPlain), Not(HasSubstr("makes it")));
}

TEST(PlanAnswers, SayWhatTheServerKeepsAndWhatTheHostHasLeftForIt) {
  Sample sample;
  sample.model.blocks[0].state_bytes = 50 * kMiB;  // a recurrent state: checkpoints are made
  sample.on_devices(1, 60 * kGiB);
  sample.request.budgets->host.available_bytes = 6 * kGiB;
  const std::string text = plan_answers_text(sample.record(), {false, 1000});
  EXPECT_THAT(text, HasSubstr("up to 32 context checkpoints, 1.56 GiB of 50 MiB each"));
  EXPECT_THAT(text, HasSubstr("up to 4.25 GiB (--cache-ram 4352)"));
  EXPECT_THAT(text, HasSubstr("The host has 5.84 GiB left for that."));

  sample.request.base.server = {8192, 100};
  sample.request.cache_ram_is_default = sample.request.checkpoints_are_default = false;
  EXPECT_THAT(plan_answers_text(sample.record(), {false, 1000}),
              HasSubstr("left for that: --cache-ram 896 --ctx-checkpoints 100 fit."));
  sample.request.base.context.host_program = HostProgram::libllama;
  EXPECT_THAT(plan_answers_text(sample.record(), kPlain), Not(HasSubstr("--cache-ram")));
}

TEST(PlanAnswers, SayWhatOfTheMappedWeightsFindsNoRoom) {
  Sample sample;
  sample.request.base.placement.n_gpu_layers = 0;
  sample.on_devices(1, 60 * kGiB);
  sample.request.budgets->host.available_bytes = 1 * kGiB;
  const std::string text = plan_answers_text(sample.record(), {false, 1000});
  EXPECT_THAT(text, AllOf(HasSubstr("it fits"), HasSubstr("find no room there"),
                          HasSubstr("--cache-ram 0")));
}

TEST(PlanAnswers, SayThatItFits) {
  const auto record = Sample().on_devices(1, 60 * kGiB).record();
  const std::string text = plan_answers_text(record, kPlain);
  EXPECT_THAT(text, AllOf(HasSubstr("21 layers of 21, context 8192: it fits"),
                          HasSubstr("Largest context with these layers: 32768 tokens"),
                          Not(HasSubstr("What makes it fit"))));
}

TEST(PlanAnswers, SayThatNothingHelps) {
  const auto record = Sample().on_devices(1, 0).record();
  EXPECT_THAT(plan_answers_text(record, kPlain),
              AllOf(HasSubstr("No context fits"), HasSubstr("No single change makes it fit")));
}

TEST(PlanClasses, CardsThatTakeTheSameAreOneRow) {
  const auto record = Sample().record();
  const std::string text = plan_classes_table(record, kPlain);
  EXPECT_THAT(text, HasSubstr(" GiB+"));
  EXPECT_THAT(text, Not(HasSubstr("80 GiB")));
}

}  // namespace
}  // namespace sweetspot::report
