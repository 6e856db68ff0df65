#include "tune/tuner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <set>

#include "ground/bytes.hpp"
#include "search/curve.hpp"
#include "tune/request_cost.hpp"

namespace sweetspot::tune {
namespace {

using search::test::uniform_model;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int kWorldBlocks = 24;

// A pretended machine for whole configs: 24 blocks of 300 MiB, 16 GiB of device memory, a CPU ten
// times as slow. Everything that decides is a public number.
struct World {
  double cpu_ms = 100;    ///< per generated token, all on the CPU
  double device_ms = 10;  ///< all on the device
  double cpu_prompt_ms = 5;
  double device_prompt_ms = 0.5;
  double large_piece_gain = 0;  ///< share of the prompt's time that n_ubatch > 512 saves
  double plain_gain = 0;        ///< share of generation's time that flash attention "off" saves
  double few_threads_gain = 0;  ///< share of the CPU's time that 4 threads or fewer save
  double read_gain = 0;         ///< share of the CPU's time that weights read into memory save
  double block_mib = 300;
  double total_mib = 16384;
  double noise = 0.003;
  bool energy = false;

  [[nodiscard]] double mib(const Config& config) const {
    const int layers = effective_layers(config.placement.n_gpu_layers, kWorldBlocks + 1);
    if (layers == 0) return 0;
    const double left = 0.7 * std::max(0, config.placement.n_cpu_ffn - (kWorldBlocks + 1 - layers));
    return block_mib * (layers - left) + 0.02 * config.context.n_ubatch +
           (config.context.kv_offload ? 0.02 * config.context.n_ctx * layers : 0);
  }
  [[nodiscard]] double on_device(const Config& config) const {
    const int layers = effective_layers(config.placement.n_gpu_layers, kWorldBlocks + 1);
    const double left = 0.7 * std::max(0, config.placement.n_cpu_ffn - (kWorldBlocks + 1 - layers));
    return std::max(0.0, layers - left) / (kWorldBlocks + 1);
  }
  [[nodiscard]] double generation(const Config& config) const {
    const double share = on_device(config);
    double cpu = cpu_ms * (1 - share);
    if (config.context.n_threads > 0 && config.context.n_threads <= 4) cpu *= 1 - few_threads_gain;
    if (config.placement.load_mode == LoadMode::none) cpu *= 1 - read_gain;
    double ms = cpu + device_ms * share;
    if (config.context.flash_attn == FlashAttention::off) ms *= 1 - plain_gain;
    if (!config.context.kv_offload) ms *= 1.1;
    return ms;
  }
  [[nodiscard]] double prompt(const Config& config) const {
    const double share = on_device(config);
    const double ms = cpu_prompt_ms * (1 - share) + device_prompt_ms * share;
    return ms * (config.context.n_ubatch > 512 ? 1 - large_piece_gain : 1);
  }
  [[nodiscard]] double request(const Config& config, const Workload& workload) const {
    return workload.n_prompt * prompt(config) + workload.n_gen * generation(config);
  }
};

Speed speed(double ms, double sd, std::mt19937_64& random) {
  const double value = ms * (1 + std::normal_distribution<double>(0, sd)(random));
  Speed one;
  one.ms_per_token = {value, value * (1 - 1.96 * sd), value * (1 + 1.96 * sd)};
  one.tokens_per_second = {1000 / value, 1000 / one.ms_per_token.high, 1000 / one.ms_per_token.low};
  return one;
}

using Spoil = std::function<void(Trial&)>;

struct Played {
  std::vector<Step> steps;
  std::vector<Trial> trials;
  TuneRecord record;
  bool ended = false;

  [[nodiscard]] std::vector<std::string> titles() const {
    std::vector<std::string> all;
    for (const Step& step : steps) all.push_back(step.title);
    return all;
  }
  [[nodiscard]] const Config& winner() const { return trials.at(record.winner.value()).config; }
  [[nodiscard]] const Config& baseline() const { return trials.at(record.baseline.value()).config; }
};

Rules world_rules() {
  Rules one;
  one.workload = {2048, 128, 0};
  one.knobs.physical_cores = 8;
  one.knobs.logical_cores = 16;
  return one;
}

std::vector<Option> options_of(const World& world, bool has_device = true) {
  std::vector<Option> options;
  for (const ContextSettings& context : memory_variants({}, has_device, 2048)) {
    for (const Placement& placement : placements_of({}, uniform_model(kWorldBlocks), has_device)) {
      Option& option = options.emplace_back();
      option.config = {placement, context};
      const double mib = world.mib(option.config);
      option.vram_bytes = static_cast<std::uint64_t>(mib) * kMiB;
      option.vram_percent = 100 * mib / world.total_mib;
      option.left_bytes =
          mib > world.total_mib ? 0 : static_cast<std::uint64_t>(world.total_mib - mib) * kMiB;
      if (mib > world.total_mib) option.why_not = "needs more than there is";
    }
  }
  return options;
}

// `hurry_after` trials there is no time left.
Played play(const World& world, const Rules& rules, const Spoil& spoil = {},
            std::size_t hurry_after = 1000, std::uint64_t seed = 1, bool has_device = true) {
  Tuner tuner(options_of(world, has_device), uniform_model(kWorldBlocks), rules);
  std::mt19937_64 random(seed);
  Played played;
  while (played.steps.size() < 200) {
    const auto step = tuner.ask(played.steps.size() >= hurry_after);
    if (!step) {
      played.ended = true;
      break;
    }
    Trial trial;
    trial.config = step->config;
    trial.layers = effective_layers(step->config.placement.n_gpu_layers, kWorldBlocks + 1);
    trial.workload = rules.workload;
    trial.extent = step->extent;
    trial.generation = speed(world.generation(step->config), world.noise, random);
    if (rules.workload.n_prompt > 0) {
      trial.prompt = speed(world.prompt(step->config), world.noise, random);
    }
    if (world.energy) {
      trial.generation->joules_per_token = trial.generation->ms_per_token.value * 0.1;
      if (trial.prompt) {
        trial.prompt->joules_per_token = trial.prompt->ms_per_token.value * 0.1;
      }
    }
    const double mib = world.mib(step->config);
    trial.vram_used_bytes = static_cast<std::uint64_t>(mib) * kMiB;
    trial.vram_percent = 100 * mib / world.total_mib;
    if (spoil) spoil(trial);
    tuner.tell(trial, played.trials.size());
    played.steps.push_back(*step);
    played.trials.push_back(trial);
  }
  played.record = tuner.record();
  return played;
}

void fail(Trial& trial, FailureClass failure) {
  trial.failure = Failure{failure, Phase::load, "no", {}, {}};
  trial.generation.reset();
  trial.prompt.reset();
}

std::size_t finals_of(const Played& played) {
  return static_cast<std::size_t>(std::count_if(
      played.steps.begin(), played.steps.end(),
      [](const Step& step) { return step.title.find("final round") != std::string::npos; }));
}

// ---- from begin to end

TEST(Tuner, TheBaselineComesFirstAndIsWhatFitWouldChoose) {
  World tight;
  tight.total_mib = 6144;
  const Played played = play(tight, world_rules());
  ASSERT_FALSE(played.steps.empty());
  EXPECT_THAT(played.steps[0].title, HasSubstr("defaults"));
  EXPECT_EQ(played.record.baseline.has_value(), true);
  const Placement& placement = played.steps[0].config.placement;
  EXPECT_EQ(placement.n_cpu_ffn, 0);
  EXPECT_LE(tight.mib(played.steps[0].config), 6144 - 1024);
  Config more = played.steps[0].config;
  ++more.placement.n_gpu_layers;
  EXPECT_GT(tight.mib(more), 6144 - 1024) << "one layer more leaves less than a GiB";
}

TEST(Tuner, ThenTheCpuAloneAndOneMorePlacementAndThenTheContext) {
  World tight;
  tight.total_mib = 6144;
  const Played played = play(tight, world_rules());
  ASSERT_GE(played.steps.size(), 6U);
  EXPECT_EQ(played.steps[1].config.placement.n_gpu_layers, 0);
  EXPECT_THAT(played.steps[1].title, HasSubstr("CPU"));
  EXPECT_EQ(played.steps[2].config.context, ContextSettings{});
  EXPECT_GT(played.steps[2].config.placement.n_gpu_layers, 0);
  for (std::size_t i = 3; i < 6; ++i) {
    EXPECT_NE(played.steps[i].config.context, ContextSettings{}) << "what changes of it cost";
    EXPECT_EQ(played.steps[i].config.placement, played.steps[3].config.placement) << "no load";
  }
}

TEST(Tuner, WhereAContextCostsALoadTheCheapestIsWalkedFromWhateverIsLoaded) {
  World alike;  // so that what is loaded is nearly as cheap
  alike.total_mib = 6144;
  alike.cpu_ms = 14;
  alike.cpu_prompt_ms = 0.7;
  const auto walked_from = [&](bool costs_a_load) {
    Rules each = world_rules();
    each.context_costs_a_load = costs_a_load;
    const Played played = play(alike, each);
    const auto walk = std::find_if(played.steps.begin(), played.steps.end(), [](const Step& step) {
      return step.config.context != ContextSettings{};
    });
    const auto before = static_cast<std::size_t>(walk - played.steps.begin());
    std::size_t cheapest = 0;
    for (std::size_t i = 1; i < before; ++i) {
      const auto cost = [&](std::size_t k) {
        return alike.request(played.trials[k].config, each.workload);
      };
      if (cost(i) < cost(cheapest)) cheapest = i;
    }
    EXPECT_LT(before, played.steps.size());
    return std::pair(walk->config.placement == played.steps[cheapest].config.placement,
                     walk->config.placement == played.steps[before - 1].config.placement);
  };
  EXPECT_EQ(walked_from(false), std::pair(false, true)) << "what is loaded needs no load";
  EXPECT_EQ(walked_from(true), std::pair(true, false));
}

TEST(Tuner, OneTrialInTheTimeAllowedDecidesNothing) {
  const Played played = play(World{}, world_rules(), {}, /*hurry_after=*/1);
  ASSERT_EQ(played.trials.size(), 1U);
  EXPECT_TRUE(played.record.baseline.has_value());
  EXPECT_FALSE(played.record.winner) << "the baseline won nothing";
  EXPECT_THAT(played.record.verdict, HasSubstr("not decided: 1 configuration measured"));
  EXPECT_THAT(played.record.verdict, HasSubstr("--max-minutes"));
}

TEST(Tuner, SaysTheSameUntilTold) {
  Tuner tuner(options_of({}), uniform_model(kWorldBlocks), world_rules());
  EXPECT_EQ(tuner.ask(false)->title, tuner.ask(false)->title);
  EXPECT_FALSE(tuner.record().winner);
  EXPECT_THAT(tuner.record().verdict, HasSubstr("nothing could be measured"));
}

TEST(Tuner, WithoutOptionsThereIsNothingToDo) {
  Tuner tuner({}, uniform_model(kWorldBlocks), world_rules());
  EXPECT_FALSE(tuner.ask(false));
}

TEST(Tuner, FindsWhatIsBestAndProvesItInTurn) {
  World world;
  world.total_mib = 6144;
  world.large_piece_gain = 0.4;
  world.plain_gain = 0.2;
  const Played played = play(world, world_rules());
  EXPECT_TRUE(played.ended);
  EXPECT_EQ(played.winner().context.flash_attn, FlashAttention::off);
  EXPECT_GT(played.winner().context.n_ubatch, 512U);
  const double truth = world.request(played.baseline(), world_rules().workload) /
                       world.request(played.winner(), world_rules().workload);
  ASSERT_TRUE(played.record.speed_up);
  EXPECT_GT(played.record.speed_up->low, 1);
  EXPECT_LE(played.record.speed_up->low, truth);
  EXPECT_GE(played.record.speed_up->high, truth);
  EXPECT_THAT(played.record.verdict, HasSubstr("times as fast as llama.cpp's defaults"));
  const Trial& proof = played.trials[*played.record.winner];
  EXPECT_EQ(proof.extent, Extent::full) << "what is recommended has held its whole context";
  EXPECT_LE(played.trials.size(), 30U);
}

TEST(Tuner, FinalsAlternateAndTheirRoundsPointAtThem) {
  World world;
  world.plain_gain = 0.2;
  const Played played = play(world, world_rules());
  ASSERT_GE(played.record.rounds.size(), 2U);
  EXPECT_LE(played.record.rounds.size(), 3U);
  for (const TuneRound& round : played.record.rounds) {
    EXPECT_EQ(std::max(round.winner, round.baseline), std::min(round.winner, round.baseline) + 1);
    EXPECT_EQ(played.trials[round.baseline].config, played.baseline());
    EXPECT_EQ(played.trials[round.winner].config, played.winner());
    const auto cost = [&](std::size_t i) {
      return cost_of(played.trials[i], Objective::request)->value;
    };
    EXPECT_NEAR(round.speed_up, cost(round.baseline) / cost(round.winner), 1e-12);
  }
  EXPECT_EQ(finals_of(played), 2 * played.record.rounds.size());
}

TEST(Tuner, WhereNothingBeatsTheDefaultsTheyStay) {
  // All fits with a GiB to spare, and no knob matters.
  const Played played = play({}, world_rules());
  EXPECT_TRUE(played.ended);
  EXPECT_EQ(played.winner(), played.baseline());
  EXPECT_THAT(played.record.verdict, HasSubstr("llama.cpp's defaults are"));
}

TEST(Tuner, NeverReturnsWhatIsSlowerThanTheBaseline) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random(seed);
    const auto uniform = [&](double low, double high) {
      return std::uniform_real_distribution<double>(low, high)(random);
    };
    World world;
    world.device_ms = uniform(3, 150);
    world.device_prompt_ms = uniform(0.1, 6);
    world.large_piece_gain = uniform(-0.3, 0.3);
    world.plain_gain = uniform(-0.3, 0.3);
    world.few_threads_gain = uniform(-0.3, 0.3);
    world.total_mib = uniform(2000, 12000);
    world.noise = uniform(0.002, 0.02);
    const Played played = play(world, world_rules(), {}, 1000, seed);
    SCOPED_TRACE(seed);
    EXPECT_TRUE(played.ended);
    ASSERT_TRUE(played.record.winner);
    if (world.mib(played.baseline()) > 0.85 * world.total_mib) continue;  // not allowed to win
    const double winner = world.request(played.winner(), world_rules().workload);
    EXPECT_LE(winner, 1.01 * world.request(played.baseline(), world_rules().workload));
    EXPECT_LE(played.trials.size(), 50U);
  }
}

TEST(Tuner, ADeviceThatIsSlowerThanTheCpuIsLeftAlone) {
  World slow;
  slow.device_ms = 200;
  slow.device_prompt_ms = 10;
  const Played played = play(slow, world_rules());
  EXPECT_EQ(played.winner().placement.n_gpu_layers, 0);
  EXPECT_GT(played.record.speed_up->low, 1);
}

TEST(Tuner, WithoutADeviceTheThreadsAreStillTuned) {
  World world;
  world.few_threads_gain = 0.3;
  const Played played = play(world, world_rules(), {}, 1000, 1, /*has_device=*/false);
  EXPECT_TRUE(played.ended);
  EXPECT_EQ(played.winner().placement.n_gpu_layers, 0);
  EXPECT_GT(played.winner().context.n_threads, 0);
  EXPECT_LE(played.winner().context.n_threads, 4);
}

TEST(Tuner, AnOptionThatDoesNotFitIsNeverTried) {
  World world;
  world.total_mib = 4096;
  const Played played = play(world, world_rules());
  for (const Trial& trial : played.trials) {
    EXPECT_LE(world.mib(trial.config), 0.85 * world.total_mib) << trial.layers;
  }
}

TEST(Tuner, NothingIsAskedTwiceBeforeTheFinals) {
  World world;
  world.total_mib = 6144;
  world.plain_gain = 0.1;
  const Played played = play(world, world_rules());
  const std::size_t before = played.steps.size() - finals_of(played);
  for (std::size_t i = 0; i < before; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_FALSE(played.steps[i].config == played.steps[j].config)
          << played.steps[i].title << " again as " << played.steps[j].title;
    }
  }
}

TEST(Tuner, ANoisySlopeIsNotWalkedToItsEnd) {
  std::size_t placements = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world;
    world.total_mib = 4096;
    world.noise = 0.2;
    const Played played = play(world, world_rules(), {}, 1000, seed);
    std::set<std::pair<int, int>> tried;
    for (const Step& step : played.steps) {
      if (step.reason.find("best placement") == std::string::npos) continue;
      tried.emplace(step.config.placement.n_gpu_layers, step.config.placement.n_cpu_ffn);
    }
    placements += tried.size();
  }
  EXPECT_LE(placements, 140U) << "150 without looking at the slope";
}

// ---- how weights are loaded

bool tried_reading(const Played& played) {
  return std::any_of(played.steps.begin(), played.steps.end(), [](const Step& step) {
    return step.config.placement.load_mode == LoadMode::none;
  });
}

TEST(Tuner, WeightsThatWereReadWinWhereTheyAreFaster) {
  World world;
  world.total_mib = 4096;
  world.read_gain = 0.2;
  Rules asked = world_rules();
  asked.may_read_all = true;
  const Played played = play(world, asked);
  EXPECT_EQ(played.winner().placement.load_mode, LoadMode::none);
  EXPECT_THAT(played.titles(), testing::Contains(HasSubstr("not mapped")));
}

TEST(Tuner, AMappedFileStaysWhereNothingElseIsPossibleOrWorthATrial) {
  World world;
  world.total_mib = 4096;
  world.read_gain = 0.2;
  EXPECT_FALSE(tried_reading(play(world, world_rules()))) << "no memory for it";
  Rules asked = world_rules();
  asked.may_read_all = true;
  asked.knobs.fixed = {"load_mode"};
  EXPECT_FALSE(tried_reading(play(world, asked))) << "the user chose";
  asked.knobs.fixed.clear();
  world.total_mib = 1 << 20;
  EXPECT_FALSE(tried_reading(play(world, asked))) << "the CPU has nothing to do";
}

// ---- ties

TEST(Tuner, OfWhatCannotBeToldApartLessMemoryWins) {
  // The device is as fast as the CPU: every placement ties, and the CPU alone takes nothing.
  World even;
  even.device_ms = even.cpu_ms;
  even.device_prompt_ms = even.cpu_prompt_ms;
  Rules fixed = world_rules();
  fixed.knobs.fixed = {"n_ubatch", "n_batch", "flash_attn", "kv_offload"};
  const Played played = play(even, fixed);
  const auto finalist = std::find_if(
      played.steps.begin(), played.steps.end(),
      [](const Step& step) { return step.title.find(": the winner") != std::string::npos; });
  ASSERT_NE(finalist, played.steps.end());
  EXPECT_EQ(finalist->config.placement.n_gpu_layers, 0);
}

TEST(Tuner, AtEqualMemoryFewerChangesWin) {
  // Threads change neither memory nor (all is on the device) time.
  Tuner tuner(options_of({}, false), uniform_model(kWorldBlocks), world_rules());
  World world;
  std::mt19937_64 random(1);
  std::size_t index = 0;
  while (const auto step = tuner.ask(false)) {
    Trial trial;
    trial.config = step->config;
    trial.workload = world_rules().workload;
    trial.generation = speed(100, 0.003, random);
    // Later ones are a hair faster, which nobody can tell.
    trial.generation->ms_per_token.value -= 0.01 * static_cast<double>(index);
    trial.prompt = speed(5, 0.003, random);
    tuner.tell(trial, index++);
    ASSERT_LT(index, 60U);
  }
  EXPECT_EQ(tuner.record().winner, tuner.record().baseline);
}

// ---- what the user asked for

TEST(Tuner, FixedKnobsAreNotTouched) {
  World world;
  world.large_piece_gain = 0.4;
  world.plain_gain = 0.3;
  Rules fixed = world_rules();
  fixed.knobs.fixed = {"n_ubatch", "flash_attn", "n_threads", "n_threads_batch"};
  const Played played = play(world, fixed);
  for (const Trial& trial : played.trials) {
    EXPECT_EQ(trial.config.context.n_ubatch, 512U);
    EXPECT_EQ(trial.config.context.flash_attn, FlashAttention::automatic);
    EXPECT_EQ(trial.config.context.n_threads, 0);
    EXPECT_EQ(trial.config.context.n_threads_batch, 0);
  }
}

TEST(Tuner, ConstraintsAreKept) {
  Rules small = world_rules();
  small.constraints.max_vram_percent = 40;
  const Played played = play({}, small);
  EXPECT_TRUE(played.ended);
  ASSERT_TRUE(played.record.winner);
  const Trial& winner = played.trials[*played.record.winner];
  EXPECT_LE(*winner.vram_percent, 40);
  EXPECT_THAT(played.record.verdict, HasSubstr("must not be used")) << "the defaults take more";
  const double baseline = *played.trials.front().vram_percent;
  for (const Trial& trial : played.trials) {
    const bool is_loaded = trial.config.placement == played.baseline().placement;
    EXPECT_LE(*trial.vram_percent, is_loaded ? baseline : 40) << "no more than the defaults take";
  }
}

TEST(Tuner, OfDefaultsThatTakeTooMuchTheContextIsLearnedAllTheSame) {
  Rules small = world_rules();
  small.constraints.max_vram_percent = 40;
  World world;
  world.plain_gain = 0.2;
  const Played played = play(world, small);
  EXPECT_EQ(played.winner().context.flash_attn, FlashAttention::off);
  EXPECT_NE(played.winner().placement, played.baseline().placement);
}

TEST(Tuner, WhereNothingKeepsToTheConstraintsItSaysSo) {
  Rules fast = world_rules();
  fast.constraints.min_generation_tokens_per_second = 1e6;
  const Played played = play({}, fast);
  EXPECT_TRUE(played.ended);
  EXPECT_FALSE(played.record.winner);
  EXPECT_THAT(played.record.verdict, HasSubstr("within the constraints"));
}

TEST(Tuner, ASmallerCacheOnlyWhereItIsAllowed) {
  const auto quantized = [](const Played& played) {
    return std::any_of(played.trials.begin(), played.trials.end(), [](const Trial& trial) {
      return trial.config.context.type_k != "f16" || trial.config.context.type_v != "f16";
    });
  };
  EXPECT_FALSE(quantized(play({}, world_rules())));
  Rules allowed = world_rules();
  allowed.knobs.allow_kv_quant = true;
  EXPECT_TRUE(quantized(play({}, allowed)));
}

TEST(Tuner, ObjectivesLookAtTheirOwnHalf) {
  World world;
  world.large_piece_gain = 0.5;
  Rules generation = world_rules();
  generation.objective = Objective::generation;
  const Played g = play(world, generation);
  EXPECT_EQ(g.winner().context.n_ubatch, 512U) << "a prompt does not count";
  Rules prompt = world_rules();
  prompt.objective = Objective::prompt;
  const Played p = play(world, prompt);
  EXPECT_GT(p.winner().context.n_ubatch, 512U);
  EXPECT_NEAR(p.record.speed_up->value, 2, 0.1);
}

TEST(Tuner, EnergyIsAnObjectiveWhereItIsKnownAndASentenceWhereNot) {
  Rules energy = world_rules();
  energy.objective = Objective::energy;
  World world;
  world.plain_gain = 0.2;
  world.energy = true;
  EXPECT_EQ(play(world, energy).winner().context.flash_attn, FlashAttention::off);
  world.energy = false;
  const Played blind = play(world, energy);
  EXPECT_TRUE(blind.ended);
  EXPECT_FALSE(blind.record.winner);
  EXPECT_THAT(blind.record.verdict, HasSubstr("nothing could be measured"));
  EXPECT_THAT(blind.record.verdict, HasSubstr("not measured")) << "and why: the absence's reason";
  EXPECT_LE(blind.trials.size(), 3U) << "there is nothing to learn";
}

// ---- no time left

TEST(Tuner, InAHurryOnlyTheFinalsRemain) {
  World world;
  world.total_mib = 6144;
  const Played played = play(world, world_rules(), {}, 3);
  EXPECT_TRUE(played.ended);
  for (std::size_t i = 3; i < played.steps.size(); ++i) {
    EXPECT_THAT(played.steps[i].title, HasSubstr("final round"));
  }
}

TEST(Tuner, InAHurryFromTheBeginningTheBaselineIsAll) {
  const Played played = play({}, world_rules(), {}, 0);
  EXPECT_TRUE(played.ended);
  EXPECT_THAT(played.steps, testing::SizeIs(1));
  EXPECT_FALSE(played.record.winner) << "one trial beats nothing";
}

TEST(Tuner, InAHurryAfterTheBaselineNothingElseIsSearched) {
  const Played played = play({}, world_rules(), {}, 1);
  EXPECT_THAT(played.steps, testing::SizeIs(1));
}

// ---- what goes wrong

TEST(Tuner, ADisturbedTrialNeverWins) {
  World world;
  world.total_mib = 6144;
  const Played played = play(world, world_rules(), [&](Trial& trial) {
    if (trial.config.context.n_ubatch <= 512) return;
    trial.mark(Disturbance::spilled);
    trial.prompt->ms_per_token = {0.001, 0.0009, 0.0011};
  });
  EXPECT_LE(played.winner().context.n_ubatch, 512U);
  for (const FrontPoint& point : played.record.front) {
    const std::size_t i = point.result;
    EXPECT_LE(played.trials[i].config.context.n_ubatch, 512U);
  }
}

TEST(Tuner, DefaultsThatAreKnownLaterToHaveSpilledMustNotBeUsed) {
  World world;
  world.total_mib = 6144;
  Tuner tuner(options_of(world), uniform_model(kWorldBlocks), world_rules());
  std::mt19937_64 random(1);
  const auto told = [&](const Config& config, std::size_t index) {
    Trial trial;
    trial.config = config;
    trial.workload = world_rules().workload;
    trial.generation = speed(world.generation(config), world.noise, random);
    trial.prompt = speed(world.prompt(config), world.noise, random);
    trial.vram_percent = 50.0;
    tuner.tell(trial, index);
  };
  const Config defaults = tuner.ask(false)->config;
  told(defaults, 0);
  told(tuner.ask(false)->config, 1);
  tuner.know_spilled(defaults);
  const TuneRecord record = tuner.record();
  EXPECT_EQ(record.winner, 1U);
  EXPECT_THAT(record.verdict, HasSubstr("which must not be used: spilled"));
}

TEST(Tuner, ADisturbedFinalSaysNothingOfWhatWasMeasuredBefore) {
  World world;
  world.total_mib = 6144;
  world.plain_gain = 0.2;
  const Played calm = play(world, world_rules());
  ASSERT_NE(calm.record.winner, calm.record.baseline);
  const std::size_t finals_from = calm.steps.size() - finals_of(calm);
  std::size_t told = 0;
  const Played played = play(world, world_rules(), [&](Trial& trial) {
    if (told++ < finals_from) return;
    trial.mark(Disturbance::contended);
    trial.generation->ms_per_token = {900, 890, 910};
  });
  EXPECT_TRUE(played.ended);
  EXPECT_LE(finals_of(played), 6U);
  EXPECT_EQ(played.winner(), calm.winner());
  EXPECT_THAT(played.record.rounds, IsEmpty());
}

TEST(Tuner, ARepetitionThatIsDisturbedEachTimeIsNotAskedForEver) {
  World world;
  world.total_mib = 6144;
  world.plain_gain = -0.3;  // a loss by far, which is measured once more
  std::vector<Config> seen;
  const Played played = play(world, world_rules(), [&](Trial& trial) {
    const bool before = std::find(seen.begin(), seen.end(), trial.config) != seen.end();
    seen.push_back(trial.config);
    if (before) trial.mark(Disturbance::throttled);
  });
  EXPECT_TRUE(played.ended);
  EXPECT_LE(played.steps.size(), 60U);
}

// ---- what others are held against (R47)

TEST(Tuner, TheCpuAloneIsMeasuredAnewOnceTheNeighbourHasGone) {
  World world;
  world.total_mib = 6144;
  const auto is_cpu = [](const Config& config) { return config.placement.n_gpu_layers == 0; };
  int visits = 0;
  const Played played = play(world, world_rules(), [&](Trial& trial) {
    if (!is_cpu(trial.config) || ++visits > 1) return;
    trial.mark_contended(Contended::processor);
    for (double* ms : {&trial.generation->ms_per_token.value, &trial.generation->ms_per_token.low,
                       &trial.generation->ms_per_token.high}) {
      *ms *= 7;
    }
  });
  EXPECT_TRUE(played.ended);
  const auto anew = std::find_if(played.steps.begin(), played.steps.end(), [](const auto& step) {
    return step.title.find("anew") != std::string::npos;
  });
  ASSERT_NE(anew, played.steps.end());
  EXPECT_TRUE(is_cpu(anew->config));
  EXPECT_GE(visits, 2);
}

TEST(Tuner, OnAMachineThatIsAlwaysBusyThereIsAWinnerAllTheSame) {
  World world;
  world.plain_gain = 0.2;
  const Played played =
      play(world, world_rules(), [](Trial& trial) { trial.mark_contended(Contended::processor); });
  EXPECT_TRUE(played.ended);
  ASSERT_TRUE(played.record.winner);
  EXPECT_LT(world.request(played.winner(), world_rules().workload),
            1.01 * world.request(played.baseline(), world_rules().workload));
}

TEST(Tuner, OfNothingButNoiseNothingWins) {
  const Played played = play(World{}, world_rules(), [](Trial& trial) {
    trial.generation->tokens_per_second.low = 0.1 * trial.generation->tokens_per_second.value;
  });
  EXPECT_TRUE(played.ended);
  EXPECT_FALSE(played.record.winner);
  EXPECT_THAT(played.record.verdict, HasSubstr("too uncertain"));
}

TEST(Tuner, AFinalistThatFailsInFullGivesWayToTheNext) {
  World world;
  world.plain_gain = 0.2;
  world.large_piece_gain = 0.4;
  const Played played = play(world, world_rules(), [](Trial& trial) {
    if (trial.extent == Extent::full && trial.config.context.n_ubatch > 1024) {
      trial.full_depth = FullDepth::failed;
    }
  });
  EXPECT_TRUE(played.ended);
  ASSERT_TRUE(played.record.winner);
  EXPECT_LE(played.winner().context.n_ubatch, 1024U);
  for (const TuneRound& round : played.record.rounds) {
    EXPECT_EQ(played.trials[round.winner].config, played.winner())
        << "a round of a config that was dropped says nothing of this one";
  }
}

TEST(Tuner, AFinalistThatFailsLaterTakesItsRoundsAlong) {
  World world;
  world.plain_gain = 0.2;
  world.few_threads_gain = 0.2;
  std::vector<Config> proved;
  std::optional<Config> baseline;
  const Played played = play(world, world_rules(), [&](Trial& trial) {
    if (!baseline) baseline = trial.config;
    const bool again = std::count(proved.begin(), proved.end(), trial.config) > 0;
    if (trial.extent == Extent::full) proved.push_back(trial.config);
    if (again && !(trial.config == *baseline)) fail(trial, FailureClass::crashed);
  });
  EXPECT_TRUE(played.ended);
  EXPECT_FALSE(proved.empty());
  ASSERT_TRUE(played.record.winner);
  for (const TuneRound& round : played.record.rounds) {
    EXPECT_EQ(played.trials[round.winner].config, played.winner());
  }
  EXPECT_FALSE(std::count(proved.begin(), proved.end(), played.winner()) > 0 &&
               !(played.winner() == *baseline))
      << "what crashed does not win";
}

TEST(Tuner, ABaselineThatFailsEveryTimeDoesNotKeepItForEver) {
  World world;
  world.total_mib = 6144;
  int baselines = 0;
  std::optional<Config> baseline;
  const Played played = play(world, world_rules(), [&](Trial& trial) {
    if (!baseline) baseline = trial.config;
    if (trial.config == *baseline) {
      ++baselines;
      fail(trial, FailureClass::out_of_device_memory);
    }
  });
  EXPECT_TRUE(played.ended);
  EXPECT_LE(baselines, 3);
  ASSERT_TRUE(played.record.winner);
  EXPECT_FALSE(played.winner() == *baseline);
  EXPECT_EQ(played.trials[*played.record.winner].extent, Extent::full)
      << "it is proved all the same";
  EXPECT_THAT(played.record.verdict, HasSubstr("could not be measured"));
}

TEST(Tuner, WhereEverythingFailsItEnds) {
  const Played played =
      play({}, world_rules(), [](Trial& trial) { fail(trial, FailureClass::crashed); });
  EXPECT_TRUE(played.ended);
  EXPECT_FALSE(played.record.winner);
  EXPECT_THAT(played.record.front, IsEmpty());
}

TEST(Tuner, TheFrontHoldsWhatNoOtherBeatsInTimeAndMemory) {
  World world;
  world.total_mib = 6144;
  const Played played = play(world, world_rules());
  EXPECT_THAT(played.record.front, Not(IsEmpty()));
  const auto cpu = std::find_if(
      played.record.front.begin(), played.record.front.end(),
      [&](const FrontPoint& point) { return played.trials[point.result].layers == 0; });
  EXPECT_NE(cpu, played.record.front.end()) << "nothing takes less memory than the CPU alone";
}

}  // namespace
}  // namespace sweetspot::tune
