#include "plan/answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <numeric>

#include "ground/bytes.hpp"
#include "plan/fake_oracle.hpp"

namespace sweetspot::plan {
namespace {

Budgets budget_of(std::uint64_t bytes, std::uint64_t share = 0) {
  DeviceBudget budget;
  budget.id = "GPU0";
  budget.budget_bytes = bytes;
  budget.share.high_bytes = share;
  return {{budget}, {Absence{"not read"}}};
}

Grid grid_of(const fake::Model& model, std::vector<std::uint32_t> n_ctx) {
  GridAxes axes;
  axes.layers.resize(static_cast<std::size_t>(model.offloadable()) + 1);
  std::iota(axes.layers.begin(), axes.layers.end(), 0);
  axes.n_ctx = std::move(n_ctx);
  axes.cache_types = {{"f16", "f16"}, {"q8_0", "q8_0"}};
  fake::Oracle oracle{model, {}, {}};
  return fill_grid(axes, oracle.source()).value();
}

std::uint64_t on_gpu(const PlannedMemory& planned) { return offloaded_bytes(planned.memory); }

TEST(LargestLayers, IsTheLastThatFits) {
  const Grid grid = grid_of(fake::uniform(16), {4096, 8192});
  const std::uint64_t of_ten = on_gpu(grid.at(0, 1, 10));
  EXPECT_EQ(largest_layers(grid, 0, 1, budget_of(of_ten)), std::optional<std::size_t>(10));
  EXPECT_EQ(largest_layers(grid, 0, 1, budget_of(of_ten - 1)), std::optional<std::size_t>(9));
  EXPECT_EQ(largest_layers(grid, 0, 1, budget_of(of_ten, 1)), std::optional<std::size_t>(9));
  EXPECT_EQ(largest_layers(grid, 0, 1, budget_of(100 * kGiB)), std::optional<std::size_t>(17));
  EXPECT_GT(*largest_layers(grid, 1, 1, budget_of(of_ten)), 9U);
}

TEST(LargestLayers, IsNothingWhereNotEvenNoneFits) {
  const Grid grid = grid_of(fake::uniform(4), {4096});
  EXPECT_EQ(largest_layers(grid, 0, 0, budget_of(1)), std::nullopt);
  EXPECT_EQ(largest_layers(Grid{}, 0, 0, budget_of(1)), std::nullopt);
}

struct ContextCase {
  fake::Oracle oracle;
  Config config;

  Result<std::optional<std::uint32_t>> largest(std::uint32_t n_ctx_max, const Budgets& budgets) {
    oracle.calls.clear();
    return largest_context(config, n_ctx_max, budgets, oracle.source());
  }
  [[nodiscard]] Config with(std::uint32_t n_ctx) const {
    Config changed = config;
    changed.context.n_ctx = n_ctx;
    return changed;
  }
  [[nodiscard]] std::uint64_t needs(std::uint32_t n_ctx) const {
    return on_gpu(oracle.answer(with(n_ctx)));
  }
};

TEST(LargestContext, IsConfirmedFromBothSides) {
  ContextCase model{{fake::uniform(32), {}, {}}, {}};
  const std::uint32_t limit = 23 * 256;
  const auto answer = model.largest(131072, budget_of(model.needs(limit)));
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, std::optional<std::uint32_t>(limit));
  EXPECT_TRUE(model.oracle.was_asked(model.with(limit)));
  EXPECT_TRUE(model.oracle.was_asked(model.with(limit + 256)));
  EXPECT_LE(model.oracle.asked(), 12U);
  EXPECT_LE(model.oracle.calls.size(), 3U);

  const auto less = model.largest(131072, budget_of(model.needs(limit) - 1));
  ASSERT_TRUE(less);
  EXPECT_EQ(*less, std::optional<std::uint32_t>(limit - 256));
}

TEST(LargestContext, EndsAtTheMostThatIsWanted) {
  ContextCase model{{fake::uniform(32), {}, {}}, {}};
  for (const std::uint32_t most : {256U, 511U, 1000U, 131072U}) {
    const auto answer = model.largest(most, budget_of(1000 * kGiB));
    ASSERT_TRUE(answer);
    EXPECT_EQ(*answer, std::optional<std::uint32_t>(most / 256 * 256));
    EXPECT_LE(model.oracle.asked(), 2U);
  }
}

TEST(LargestContext, IsNothingWhereNotEven256TokensFit) {
  ContextCase model{{fake::uniform(32), {}, {}}, {}};
  for (const std::uint32_t most : {0U, 255U, 256U, 131072U}) {
    const auto answer = model.largest(most, budget_of(model.needs(256) - 1));
    ASSERT_TRUE(answer);
    EXPECT_EQ(*answer, std::nullopt) << most;
  }
}

TEST(LargestContext, CountsTheHost) {
  ContextCase model{{fake::uniform(32), {}, {}}, {}};
  model.config.context.kv_offload = false;
  Budgets budgets = budget_of(100 * kGiB);
  const PlannedMemory at_limit = model.oracle.answer(model.with(8192));
  budgets.host.available_bytes = find_device(at_limit.memory, kHostDeviceId)->private_bytes();
  const auto answer = model.largest(131072, budgets);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, std::optional<std::uint32_t>(8192));
}

TEST(LargestContext, CopesWithRefusalOfLongOnes) {
  ContextCase model{{fake::uniform(32), {}, {}}, {}};
  model.oracle.twist = [](const Config& config, PlannedMemory& planned) {
    if (config.context.n_ctx > 10000) planned = {{}, 0, "too long"};
  };
  const auto answer = model.largest(1 << 20, budget_of(100 * kGiB));
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, std::optional<std::uint32_t>(9984));
}

TEST(LargestContext, ErrorsOfTheSourceArePassedOn) {
  ContextCase model{{fake::uniform(32), {}, {}}, {}};
  for (int failing = 0; failing < 2; ++failing) {
    int call = 0;
    const auto source = model.oracle.source();
    const auto answer = largest_context(
        {}, 131072, budget_of(model.needs(4096)),
        [&](const std::vector<Config>& configs) -> Result<std::vector<PlannedMemory>> {
          if (call++ == failing) return error(ErrorKind::internal, "the worker is gone");
          return source(configs);
        });
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().message, "the worker is gone");
  }
  const auto too_few =
      largest_context({}, 4096, {}, [](const auto&) { return std::vector<PlannedMemory>(1); });
  ASSERT_FALSE(too_few);
  EXPECT_EQ(too_few.error().kind, ErrorKind::internal);
}

RC_GTEST_PROP(LargestContextProperty, EqualsTryingAll, ()) {
  ContextCase model{{fake::uniform(8), {}, {}}, {}};
  for (fake::Block& block : model.oracle.model.blocks) {
    block.window = *rc::gen::inRange(1U, 64U) * 512;
  }
  model.oracle.model.compute[1] = {{0, {{90 * kMiB, 0}, {0, *rc::gen::inRange(0UL, 99999UL)}}}};
  const std::uint32_t most = *rc::gen::inRange(0U, 200U) * 256;
  const Budgets budgets = budget_of(
      model.needs(256) + *rc::gen::inRange(0UL, model.needs(51200) - model.needs(256)) - 1);
  std::optional<std::uint32_t> expected;
  for (std::uint32_t n_ctx = 256; n_ctx <= most; n_ctx += 256) {
    if (fit_of(model.oracle.answer(model.with(n_ctx)), budgets).fits) expected = n_ctx;
  }
  const auto answer = model.largest(most, budgets);
  RC_ASSERT(answer.has_value());
  RC_ASSERT(*answer == expected);
  RC_ASSERT(model.oracle.asked() <= 22U);
}

std::vector<ClassFit> classes_of(const Grid& grid, const ClassQuestion& question,
                                 fake::Oracle& oracle) {
  auto fits = fit_classes(grid, question, oracle.source());
  if (!fits) ADD_FAILURE() << fits.error().message;
  return fits ? *std::move(fits) : std::vector<ClassFit>();
}

TEST(FitClasses, AreBandsOfEachCard) {
  fake::Oracle oracle{fake::uniform(64), {}, {}};
  const Grid grid = grid_of(oracle.model, {4096, 32768, 131072});
  ClassQuestion question;
  question.reserve_bytes = 200 * kMiB;
  question.share = {0, 300 * kMiB, false, "default"};
  question.n_ctx_max = 1048576;
  const auto fits = classes_of(grid, question, oracle);
  ASSERT_EQ(fits.size(), kVramClasses.size());
  for (std::size_t i = 0; i < fits.size(); ++i) {
    const ClassFit& fit = fits[i];
    EXPECT_EQ(fit.class_gib, kVramClasses[i]);
    const auto expected = [&](std::uint64_t percent) {
      const std::uint64_t room =
          static_cast<std::uint64_t>(fit.class_gib) * kGiB * percent / 100 - 500 * kMiB;
      int layers = -1;
      for (std::size_t count = 0; count <= 65; ++count) {
        if (on_gpu(grid.at(0, 0, count)) <= room) layers = static_cast<int>(count);
      }
      return layers;
    };
    EXPECT_EQ(fit.fast_layers, expected(50)) << fit.class_gib;
    EXPECT_EQ(fit.balanced_layers, expected(70)) << fit.class_gib;
    EXPECT_EQ(fit.performance_layers, expected(85)) << fit.class_gib;
  }
  EXPECT_EQ(fits.front().all_layers_n_ctx, 0U);
  for (const ClassFit& fit : fits) {
    // The question that --vram-limit asks of such a card has the same answer.
    Budgets card;
    card.devices = {card_budget("GPU0", static_cast<std::uint64_t>(fit.class_gib) * kGiB, 85,
                                200 * kMiB, question.share)};
    Config all = config_at(grid.axes, 0, 0, 65);
    const auto longest = largest_context(all, 1048576, card, oracle.source());
    ASSERT_TRUE(longest);
    EXPECT_EQ(fit.all_layers_n_ctx, longest->value_or(0)) << fit.class_gib;
  }
  EXPECT_GT(fits[3].all_layers_n_ctx, 4096U) << "not the next smaller column of the table";
  EXPECT_GT(fits.back().all_layers_n_ctx, 131072U) << "nor the table's last one";
  EXPECT_LT(fits.front().fast_layers, fits.front().performance_layers);
}

TEST(FitClasses, SayWhereNotEvenNoLayersFit) {
  fake::Oracle oracle{fake::uniform(4), {}, {}};
  ClassQuestion question;
  question.reserve_bytes = 5 * kGiB;
  const auto fits = classes_of(grid_of(oracle.model, {4096}), question, oracle);
  EXPECT_EQ(fits.front().fast_layers, -1);
  EXPECT_EQ(fits.front().performance_layers, -1);
  EXPECT_EQ(fits.back().fast_layers, 5);
}

TEST(FitClasses, EachDeviceOfTheMapsIsSuchACard) {
  fake::Oracle oracle{fake::uniform(64), {}, {}};
  const auto fast_layers = [&] {
    return classes_of(grid_of(oracle.model, {4096}), {}, oracle).front().fast_layers;
  };
  const int on_one = fast_layers();
  oracle.model.split = {1, 1};
  EXPECT_GT(fast_layers(), on_one + on_one / 2);
}

TEST(FitClasses, AskNothingTwice) {
  fake::Oracle oracle{fake::uniform(64), {}, {}};
  ClassQuestion question;
  question.n_ctx_max = 1048576;
  classes_of(grid_of(oracle.model, {4096}), question, oracle);
  std::vector<Config> asked;
  for (const auto& call : oracle.calls) asked.insert(asked.end(), call.begin(), call.end());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    EXPECT_EQ(std::count(asked.begin(), asked.end(), asked[i]), 1) << asked[i].context.n_ctx;
  }
}

}  // namespace
}  // namespace sweetspot::plan
