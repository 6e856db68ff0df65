#include "plan/grid.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "ground/bytes.hpp"
#include "plan/fake_oracle.hpp"

namespace sweetspot::plan {
namespace {

const std::vector<std::uint32_t> kEightContexts = {2048,  4096,  8192,  16384,
                                                   32768, 49152, 65536, 131072};
const std::vector<CacheTypes> kThreeTypes = {{"f16", "f16"}, {"q8_0", "q8_0"}, {"q4_0", "q4_0"}};

std::vector<int> counts_to(int last) {
  std::vector<int> counts(static_cast<std::size_t>(last) + 1);
  std::iota(counts.begin(), counts.end(), 0);
  return counts;
}

GridAxes axes_of(const fake::Model& model) {
  return {{}, counts_to(model.offloadable()), kEightContexts, kThreeTypes};
}

std::vector<PlannedMemory> asked_in_full(const GridAxes& axes, const fake::Oracle& oracle) {
  std::vector<PlannedMemory> cells;
  for (std::size_t types = 0; types < axes.cache_types.size(); ++types) {
    for (std::size_t context = 0; context < axes.n_ctx.size(); ++context) {
      for (std::size_t layers = 0; layers < axes.layers.size(); ++layers) {
        cells.push_back(oracle.answer(config_at(axes, types, context, layers)));
      }
    }
  }
  return cells;
}

/// Fills the grid and expects it to be what asking everything gives. Returns how much was asked.
std::size_t expect_exact(const GridAxes& axes, fake::Oracle& oracle) {
  const auto grid = fill_grid(axes, oracle.source());
  EXPECT_TRUE(grid);
  if (!grid) return 0;
  EXPECT_EQ(grid->cells, asked_in_full(axes, oracle));
  EXPECT_EQ(grid->asked, oracle.asked());
  EXPECT_LE(oracle.calls.size(), 3U);
  return grid->asked;
}

/// A middle column of the grid of axes_of, not one of those asked in full.
bool is_third_context(const Config& config) {
  return config.context.n_ctx == kEightContexts[2] && config.context.type_k == "f16";
}

TEST(Grid, ConfigsOfCells) {
  GridAxes axes = axes_of(fake::uniform(4));
  axes.base.placement.n_cpu_moe = 3;
  axes.base.context.n_ubatch = 128;
  const Config config = config_at(axes, 1, 2, 3);
  EXPECT_EQ(config.placement.n_gpu_layers, 3);
  EXPECT_EQ(config.placement.n_cpu_moe, 3);
  EXPECT_EQ(config.context.n_ctx, 8192U);
  EXPECT_EQ(config.context.n_ubatch, 128U);
  EXPECT_EQ(config.context.type_k, "q8_0");
  EXPECT_EQ(config.context.type_v, "q8_0");
}

TEST(Grid, AsksLittleOfAUniformModel) {
  fake::Oracle small{fake::uniform(31), {}, {}};
  const std::size_t of_33 = expect_exact(axes_of(small.model), small);
  EXPECT_LE(of_33, 320U);

  fake::Oracle medium{fake::uniform(32), {}, {}};
  EXPECT_LE(expect_exact(axes_of(medium.model), medium), 320U);

  fake::Oracle large{fake::uniform(126), {}, {}};
  const std::size_t of_128 = expect_exact(axes_of(large.model), large);
  EXPECT_LE(of_128, of_33 * 128 / 33);
  ::testing::Test::RecordProperty("asked_33x8x3", static_cast<int>(of_33));
  ::testing::Test::RecordProperty("asked_128x8x3", static_cast<int>(of_128));
}

TEST(Grid, AsksInBatchesWithPlacementsSideBySide) {
  fake::Oracle oracle{fake::uniform(32), {}, {}};
  expect_exact(axes_of(oracle.model), oracle);
  EXPECT_EQ(oracle.calls.size(), 2U);
  for (const auto& call : oracle.calls) {
    std::set<int> placements;
    int changes = 0;
    for (std::size_t i = 0; i < call.size(); ++i) {
      placements.insert(call[i].placement.n_gpu_layers);
      if (i == 0 || !(call[i].placement == call[i - 1].placement)) ++changes;
    }
    EXPECT_EQ(changes, static_cast<int>(placements.size()));
  }
}

TEST(Grid, ConfirmsEachColumnAtOtherPlaces) {
  fake::Oracle oracle{fake::uniform(32), {}, {}};
  expect_exact(axes_of(oracle.model), oracle);
  const std::set<int> telling = {0, 1, 2, 33};  // ends of the compute's runs, a step of a block
  std::map<std::pair<std::string, std::uint32_t>, std::set<int>> places;
  std::set<int> all;
  for (const Config& config : oracle.calls.at(1)) {
    const int layers = config.placement.n_gpu_layers;
    if (telling.count(layers) > 0) continue;
    places[{config.context.type_k, config.context.n_ctx}].insert(layers);
    all.insert(layers);
  }
  EXPECT_EQ(places.size(), 22U);
  for (const auto& [column, confirming] : places) EXPECT_GE(confirming.size(), 2U);
  EXPECT_GT(all.size(), 20U);
}

TEST(Grid, TellsClassesOfBlocksApart) {
  fake::Oracle oracle{fake::uniform(32), {}, {}};
  for (std::size_t i = 0; i < 32; ++i) {
    if (i % 4 == 1) oracle.model.blocks[i] = {80 * kMiB, 0, 0, 0, 0, 1u << 31, 3 * kMiB + 1};
    if (i % 4 != 3) oracle.model.blocks[i].window = 4096;
  }
  EXPECT_LE(expect_exact(axes_of(oracle.model), oracle), 320U);
}

/// In f16 such blocks are of one class; with K alone quantized they are not.
TEST(Grid, ClassesThatFallApartWithTheTypesAreNotFilledOver) {
  fake::Oracle oracle{fake::uniform(32), {}, {}};
  for (std::size_t i = 0; i < 32; ++i) {
    oracle.model.blocks[i].k_values = i % 2 == 0 ? 2048 : 512;
    oracle.model.blocks[i].v_values = i % 2 == 0 ? 512 : 2048;
  }
  GridAxes axes = axes_of(oracle.model);
  axes.cache_types = {{"f16", "f16"}, {"q8_0", "f16"}};
  EXPECT_GT(expect_exact(axes, oracle), 8 * axes.layers.size());
}

TEST(Grid, FillsOverSeveralDevices) {
  fake::Oracle oracle{fake::uniform(32), {}, {}};
  oracle.model.split = {2, 1, 1};
  EXPECT_LT(expect_exact(axes_of(oracle.model), oracle), 500U);
}

TEST(Grid, FillsSparseLists) {
  fake::Oracle oracle{fake::uniform(48), {}, {}};
  GridAxes axes = axes_of(oracle.model);
  axes.layers = {0, 8, 16, 24, 32, 40, 48, 49};
  expect_exact(axes, oracle);
  oracle.calls.clear();
  axes.layers = {0, 8, 16, 33};
  EXPECT_EQ(expect_exact(axes, oracle), axes.layers.size() * 24);
  oracle.calls.clear();
  axes.layers = {33};
  EXPECT_EQ(expect_exact(axes, oracle), 24U);
}

TEST(Grid, SmallGridsAreAskedWhole) {
  fake::Oracle oracle{fake::uniform(8), {}, {}};
  GridAxes axes = axes_of(oracle.model);
  axes.n_ctx = {4096};
  axes.cache_types = {{"f16", "f16"}};
  EXPECT_EQ(expect_exact(axes, oracle), axes.layers.size());
  oracle.calls.clear();
  axes.n_ctx = {4096, 8192};
  EXPECT_EQ(expect_exact(axes, oracle), 2 * axes.layers.size());
  EXPECT_EQ(oracle.calls.size(), 1U);
}

TEST(Grid, OfNothingIsNothing) {
  fake::Oracle oracle{fake::uniform(8), {}, {}};
  for (const auto& empty :
       {GridAxes{{}, {}, kEightContexts, kThreeTypes}, GridAxes{{}, {0, 1}, {}, kThreeTypes},
        GridAxes{{}, {0, 1}, kEightContexts, {}}}) {
    EXPECT_EQ(expect_exact(empty, oracle), 0U);
  }
  EXPECT_TRUE(oracle.calls.empty());
}

TEST(Grid, ARefusedColumnIsAskedInFull) {
  fake::Oracle oracle{fake::uniform(32), {}, {}};
  GridAxes axes = axes_of(oracle.model);
  axes.base.context.flash_attn = FlashAttention::off;  // no quantized V then
  const std::size_t asked = expect_exact(axes, oracle);
  EXPECT_GE(asked, 2 * 8 * axes.layers.size());
  EXPECT_LT(asked, 3 * 8 * axes.layers.size());
}

TEST(Grid, NothingIsFilledWhereAFirstColumnIsRefused) {
  fake::Oracle oracle{fake::uniform(32), {}, {}};
  oracle.twist = [](const Config& config, PlannedMemory& planned) {
    if (config.context.n_ctx == 131072) planned = {{}, 0, "too long"};
  };
  const GridAxes axes = axes_of(oracle.model);
  EXPECT_EQ(expect_exact(axes, oracle), 24 * axes.layers.size());
}

TEST(Grid, NothingIsFilledWhereWeightsDependOnTheContext) {
  fake::Oracle oracle{fake::uniform(32), {}, {}};
  oracle.twist = [](const Config& config, PlannedMemory& planned) {
    planned.memory.front().model_bytes += config.context.n_ctx;
  };
  const GridAxes axes = axes_of(oracle.model);
  EXPECT_EQ(expect_exact(axes, oracle), 24 * axes.layers.size());
}

/// Every twist is one that a single column shows alone: that column is asked in full, no other.
class OneColumn : public ::testing::TestWithParam<void (*)(PlannedMemory&, int)> {};

TEST_P(OneColumn, ThatDoesNotConfirmIsAskedInFull) {
  fake::Oracle plain{fake::uniform(32), {}, {}};
  const GridAxes axes = axes_of(plain.model);
  const std::size_t usual = expect_exact(axes, plain);
  const std::size_t usual_of_column = static_cast<std::size_t>(
      std::count_if(plain.calls[1].begin(), plain.calls[1].end(), is_third_context));

  fake::Oracle twisted{fake::uniform(32), {}, {}};
  twisted.twist = [](const Config& config, PlannedMemory& planned) {
    if (is_third_context(config)) GetParam()(planned, config.placement.n_gpu_layers);
  };
  EXPECT_EQ(expect_exact(axes, twisted), usual - usual_of_column + axes.layers.size());
  EXPECT_EQ(twisted.calls.size(), 3U);
}

INSTANTIATE_TEST_SUITE_P(
    Twists, OneColumn,
    ::testing::Values(
        // One block's cache is larger than its class says.
        [](PlannedMemory& planned, int layers) {
          if (layers >= 20) planned.memory.back().context_bytes += 1;
        },
        // Every second block's is: the ends alone could not tell where.
        [](PlannedMemory& planned, int layers) {
          planned.memory.back().context_bytes += static_cast<std::uint64_t>(layers / 2);
        },
        // The compute buffer grows where it does not in the first columns.
        [](PlannedMemory& planned, int layers) {
          if (layers >= 9) planned.memory.back().compute_bytes += 4096;
        },
        // It is different everywhere between the ends.
        [](PlannedMemory& planned, int layers) {
          if (layers > 1 && layers < 33) {
            planned.memory.back().compute_bytes += static_cast<std::uint64_t>(layers);
          }
        },
        [](PlannedMemory& planned, int) { planned.memory.front().model_bytes += 1; },
        [](PlannedMemory& planned, int) { planned.memory.front().mapped_bytes -= 1; },
        [](PlannedMemory& planned, int layers) {
          if (layers == 33) planned.n_ctx += 256;
        },
        [](PlannedMemory& planned, int) {
          planned.memory.push_back({"GPU7", 0, 5, 0, 0});
        },
        [](PlannedMemory& planned, int layers) {
          if (layers > 3) planned = {{}, 0, "no"};
        }));

TEST(Grid, ErrorsOfTheSourceArePassedOn) {
  fake::Oracle oracle{fake::uniform(32), {}, {}};
  oracle.twist = [](const Config& config, PlannedMemory& planned) {
    if (is_third_context(config)) planned.n_ctx += 1;
    if (is_third_context(config) && config.placement.n_gpu_layers == 7) planned.problem = "x";
  };
  for (int failing = 0; failing < 2; ++failing) {
    int call = 0;
    const auto source = oracle.source();
    const auto grid =
        fill_grid(axes_of(oracle.model),
                  [&](const std::vector<Config>& configs) -> Result<std::vector<PlannedMemory>> {
                    if (call++ == failing) return error(ErrorKind::internal, "the worker is gone");
                    return source(configs);
                  });
    ASSERT_FALSE(grid);
    EXPECT_EQ(grid.error().message, "the worker is gone");
  }
}

TEST(Grid, TooFewAnswersAreAnError) {
  const auto grid = fill_grid(axes_of(fake::uniform(4)),
                              [](const std::vector<Config>&) -> Result<std::vector<PlannedMemory>> {
                                return std::vector<PlannedMemory>(1);
                              });
  ASSERT_FALSE(grid);
  EXPECT_EQ(grid.error().kind, ErrorKind::internal);
}

// ---- random models --------------------------------------------------------------------------

/// Over the whole range from the first case on, not only once rapidcheck's size has grown.
template <typename Number>
Number between(Number first, Number last) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<Number>(first, last + 1));
}

/// With attention, windowed or not, or with a recurrent state, which no cache is as large as. K and
/// V are of one width: two columns of the first cache types cannot tell K from V.
fake::Block any_block() {
  fake::Block block;
  block.bytes = between<std::uint64_t>(1, 1000) * kMiB;
  block.k_values = block.v_values = 32 * between<std::uint64_t>(1, 64);
  const int kind = between(0, 3);
  if (kind == 1) block.window = between(1U, 40U) * 512;
  if (kind == 2) {
    block.k_values = block.v_values = 0;
    block.state_bytes = 2 * between<std::uint64_t>(0, 5000000) + 1;
  }
  return block;
}

std::vector<fake::Block> any_blocks() {
  const auto count = static_cast<std::size_t>(between(1, 48));
  if (between(0, 3) == 0) {  // all different
    std::vector<fake::Block> blocks;
    for (std::size_t i = 0; i < count; ++i) blocks.push_back(any_block());
    return blocks;
  }
  const fake::Block usual = any_block();
  const fake::Block other = any_block();
  std::vector<fake::Block> blocks(count, usual);
  const auto period = static_cast<std::size_t>(between(1, 9));  // 1: all are the same
  for (std::size_t i = 0; i < count; i += period) blocks[i] = other;
  return blocks;
}

/// Changes at some layer counts, and then for good.
std::vector<fake::ComputeFrom> any_compute(int offloadable) {
  std::set<int> changes = {0};
  for (int left = between(0, 4); left > 0; --left) changes.insert(between(0, offloadable));
  std::vector<fake::ComputeFrom> compute;
  for (const int layers : changes) {
    fake::ComputeFrom from{layers, {}};
    for (int left = between(0, 3); left > 0; --left) {
      from.lines.push_back({between<std::uint64_t>(0, 500000000), between<std::uint64_t>(0, 9999)});
    }
    compute.push_back(from);
  }
  return compute;
}

fake::Model any_model() {
  fake::Model model;
  model.blocks = any_blocks();
  model.split.clear();
  for (int left = between(1, 3); left > 0; --left) model.split.push_back(between(1, 5));
  for (std::size_t i = 0; i <= model.split.size(); ++i) {
    model.compute.push_back(any_compute(model.offloadable()));
  }
  model.mapped = between(0, 1) == 1;
  return model;
}

GridAxes any_axes(const fake::Model& model) {
  GridAxes axes;
  if (between(0, 4) == 0) {
    std::set<int> counts;
    for (int left = between(1, 9); left > 0; --left) counts.insert(between(0, model.offloadable()));
    axes.layers.assign(counts.begin(), counts.end());
  } else {
    axes.layers = counts_to(model.offloadable());
  }
  std::set<std::uint32_t> contexts;
  for (int left = between(1, 5); left > 0; --left) contexts.insert(between(1U, 80U) * 256 - 100);
  axes.n_ctx.assign(contexts.begin(), contexts.end());
  axes.cache_types.assign(kThreeTypes.begin(), kThreeTypes.begin() + between(1, 3));
  axes.base.context.kv_offload = between(0, 9) > 0;
  return axes;
}

RC_GTEST_PROP(GridProperty, EqualsAskingEverything, ()) {
  fake::Oracle oracle{any_model(), {}, {}};
  const GridAxes axes = any_axes(oracle.model);
  const auto grid = fill_grid(axes, oracle.source());
  RC_ASSERT(grid.has_value());
  RC_ASSERT(grid->cells == asked_in_full(axes, oracle));
  RC_ASSERT(grid->asked == oracle.asked());
  RC_ASSERT(grid->asked <= grid->cells.size());
}

/// One block, or the compute buffer from one count on, is unlike its class in one column only.
RC_GTEST_PROP(GridProperty, WhatOneColumnShowsAloneIsNotFilledOver, ()) {
  fake::Oracle oracle{any_model(), {}, {}};
  const GridAxes axes = any_axes(oracle.model);
  const auto columns = axes.n_ctx.size() * axes.cache_types.size();
  const auto column = between<std::size_t>(0, columns - 1);
  const auto from = between(0, oracle.model.offloadable());
  const auto more = between<std::uint64_t>(1, 1000);
  const bool is_cache = between(0, 1) == 1;
  const Config there = config_at(axes, column / axes.n_ctx.size(), column % axes.n_ctx.size(), 0);
  oracle.twist = [&](const Config& config, PlannedMemory& planned) {
    if (!(config.context == there.context) || config.placement.n_gpu_layers < from) return;
    DeviceMemory& device = planned.memory.back();
    (is_cache ? device.context_bytes : device.compute_bytes) += more;
  };
  const auto grid = fill_grid(axes, oracle.source());
  RC_ASSERT(grid.has_value());
  RC_ASSERT(grid->cells == asked_in_full(axes, oracle));
}

}  // namespace
}  // namespace sweetspot::plan
