#include "profiles/make_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "core/json.hpp"
#include "golden/sample_run.hpp"
#include "ground/bytes.hpp"
#include "profiles/derive.hpp"
#include "profiles/ranking.hpp"
#include "profiles/recommendable.hpp"
#include "profiles/trials.hpp"

namespace sweetspot::profiles {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::trial;
using tests::mission_run;
using tests::tuned_run;

const ModelKey kModelFile{"/models/a.gguf", 123, "0123456789abcdef"};

ProfileSet set_of(const Run& run, std::uint64_t share = 0) {
  const auto set = set_of_run(run, kModelFile, share);
  EXPECT_TRUE(set) << (set ? "" : set.reason());
  if (!set) return {};
  // Whatever is made can be stored.
  EXPECT_EQ(guard([&] { return profile_set_from_json(to_json(*set)); }, "set").value(), *set);
  return *set;
}

std::vector<std::string> names_of(const ProfileSet& set) {
  std::vector<std::string> names;
  names.reserve(set.profiles.size());
  for (const SavedProfile& profile : set.profiles) names.push_back(profile.name);
  return names;
}

DeviceMemory on(const std::string& device, std::uint64_t mib) { return {device, mib * kMiB, 0, 0}; }

DeviceReport card(const std::string& id) {
  Device device{id, "a card", "CUDA", DeviceType::gpu, {}, 8192 * kMiB, 8000 * kMiB};
  device.pci_bus_id = Absence{"not told"};
  return {device, Absence{"not available for this device"}};
}

// A run of these trials, its profiles derived as the profiler does it.
Run run_of(std::vector<Trial> trials, const std::vector<DeviceReport>& devices) {
  Run run;
  run.started_at = "2026-11-24T01:00:00Z";
  run.model.n_layer = 32;
  run.model.path = "/models/a.gguf";
  run.devices = devices;
  run.results = std::move(trials);
  run.profiles = derive(run.results, run.settings.bands, run.model.offloadable_layers());
  return run;
}

// ---- R49: nothing is kept from noise

TEST(SetOfRun, ASpeedThatIsTooUncertainIsNotStoredAsMeasured) {
  const sweetspot::Run run =
      run_of({trial(0, 0, 2.37, 2.1), trial(10, 40, 20, 0.8), trial(20, 60, 30)}, {card("CUDA0")});
  const ProfileSet set = set_of(run);
  EXPECT_THAT(names_of(set), ElementsAre("balanced", "cpu_fallback"));
  const SavedProfile& cpu = *set.find("cpu_fallback");
  EXPECT_EQ(cpu.origin, Origin::planned) << "it is the last rung; its speed is nobody's to say";
  ASSERT_FALSE(cpu.tokens_per_second);
  EXPECT_THAT(cpu.tokens_per_second.reason(), HasSubstr("too uncertain"));
  EXPECT_THAT(cpu.evidence, HasSubstr("too uncertain"));
}

TEST(SetOfRun, OfNothingButNoiseThereIsNone) {
  const auto set = set_of_run(
      run_of({trial(0, 0, 2.37, 2.1), trial(20, 60, 0.57, 1.0)}, {card("CUDA0")}), kModelFile, 0);
  ASSERT_FALSE(set);
  EXPECT_THAT(set.reason(), HasSubstr("too uncertain"));
}

TEST(SetOfRun, APromptMeasuredOnceHasNoSpeedToStore) {
  auto one = trial(20, 60, 30);
  one.prompt = one.generation;
  one.prompt->tokens_per_second = {100, 50, 200};
  const ProfileSet set = set_of(run_of({trial(0, 0, 10), one}, {card("CUDA0")}));
  EXPECT_EQ(set.find("balanced")->tokens_per_second->value, 30);
  EXPECT_THAT(set.find("balanced")->prompt_tokens_per_second.reason(), HasSubstr("too uncertain"));
}

TEST(SetOfRun, AnUncertainCpuBeatsNobody) {
  const ProfileSet set = set_of(run_of({trial(0, 0, 50, 0.9), trial(4, 10, 20)}, {card("CUDA0")}));
  EXPECT_THAT(names_of(set), ElementsAre("fast", "cpu_fallback"));
}

// ---- which profiles

TEST(SetOfRun, HoldsTheFourAndWhatElseIsNotBeatenFastestFirstAndTheCpuLast) {
  sweetspot::Run run = mission_run();
  for (Trial& trial : run.results) {
    if (trial.layers == 0) trial.config.placement.devices = {"none"};
  }
  const ProfileSet set = set_of(run);
  EXPECT_THAT(names_of(set),
              ElementsAre("performance", "balanced", "fast", "layers-10", "cpu_fallback"));
  EXPECT_TRUE(set.profiles.back().is_cpu_only());
  EXPECT_EQ(set.find("performance")->config.placement.n_gpu_layers, 33);
  EXPECT_EQ(set.find("fast")->tokens_per_second->value, 23.4);
  EXPECT_EQ(set.find("fast")->prompt_tokens_per_second->value, 23.4 * 20);
  EXPECT_EQ(set.find("fast")->recommended_for, "somebody");
  EXPECT_EQ(set.find("fast")->evidence,
            "measured 2026-11-23T17:48:10Z: 23.4 tok/s (23.1 to 23.6), whole context of 4096 held");
}

TEST(SetOfRun, SaysHowManySequencesASpeedIsOf) {
  sweetspot::Run run = mission_run();
  for (Trial& one : run.results) one.workload.n_parallel = 4;
  EXPECT_THAT(set_of(run).find("fast")->evidence,
              HasSubstr("(23.1 to 23.6) of 4 sequences together, whole context"));
}

// A model that only reads: what it reads in a second decides, and no speed of generation is made
// up.
TEST(SetOfRun, OfAModelThatOnlyReads) {
  const auto reads = [](int layers, double percent, double speed) {
    Trial one = trial(layers, percent, speed);
    one.workload.n_gen = 0;
    one.workload.n_prompt = 100;
    one.config.context.embeddings = true;
    one.prompt = std::move(one.generation);
    one.generation.reset();
    return one;
  };
  sweetspot::Run run =
      run_of({reads(0, 1, 1000), reads(10, 20, 2000), reads(20, 40, 4000)}, {card("CUDA0")});
  run.workload = run.results.front().workload;
  const ProfileSet set = set_of(run);
  EXPECT_THAT(names_of(set), ElementsAre("fast", "layers-10", "cpu_fallback"));
  const SavedProfile& fast = set.profiles.front();
  EXPECT_EQ(fast.config.placement.n_gpu_layers, 20);
  EXPECT_FALSE(fast.tokens_per_second);
  EXPECT_EQ(fast.prompt_tokens_per_second->value, 4000);
  EXPECT_EQ(fast.speed()->value, 4000);
  EXPECT_EQ(set.objective, Objective::prompt);
  EXPECT_THAT(fast.evidence, HasSubstr("40.0 inputs of 100 tokens a second"));
  EXPECT_FALSE(run.profiles.front().tokens_per_second) << "absent, not zero";
  EXPECT_EQ(*run.profiles.front().prompt_tokens_per_second, 4000);
}

TEST(SetOfRun, LeavesOutWhatAnotherBeatsInSpeedAndMemory) {
  // 12 layers take more than 10 and are no faster; 14 tie with 16 and take less.
  const ProfileSet set = set_of(run_of({trial(0, 1, 5), trial(10, 20, 12), trial(12, 24, 11),
                                        trial(14, 28, 15), trial(16, 32, 15.05), trial(20, 40, 20)},
                                       {card("CUDA0")}));
  EXPECT_THAT(names_of(set), ElementsAre("fast", "layers-14", "layers-10", "cpu_fallback"));
}

TEST(SetOfRun, LeavesOutWhatIsNoFasterThanTheCpu) {
  const ProfileSet set =
      set_of(run_of({trial(0, 1, 20), trial(10, 20, 12), trial(20, 40, 15)}, {card("CUDA0")}));
  EXPECT_THAT(names_of(set), ElementsAre("fast", "cpu_fallback"));
  EXPECT_TRUE(set.profiles.front().is_cpu_only()) << "the CPU is the fastest of that band";
  EXPECT_EQ(set.profiles.front().config, set.profiles.back().config) << "one trial, two names";
}

TEST(SetOfRun, NeverHoldsWhatMayNotBeRecommended) {
  auto failed = trial(24, 45, 30);
  failed.full_depth = FullDepth::failed;
  auto explored = trial(22, 42, 29);
  explored.extent = Extent::generation_only;
  auto spilled = trial(28, 90, 31);
  spilled.mark(Disturbance::spilled);
  const ProfileSet set =
      set_of(run_of({trial(0, 1, 5), failed, explored, spilled, trial(8, 16, 9)}, {card("CUDA0")}));
  EXPECT_THAT(names_of(set), ElementsAre("fast", "cpu_fallback"));
  EXPECT_EQ(set.profiles[0].config.placement.n_gpu_layers, 8);
}

TEST(SetOfRun, TheCpuIsThereThoughItWasOnlyExploredAndItsEvidenceSaysSo) {
  auto cpu = trial(0, 1, 5);
  cpu.extent = Extent::speeds;
  cpu.full_depth = FullDepth::not_tried;
  cpu.full_depth_note = "only its speed was measured";
  const ProfileSet set = set_of(run_of({cpu, trial(8, 16, 9)}, {card("CUDA0")}));
  EXPECT_THAT(names_of(set), ElementsAre("fast", "cpu_fallback"));
  EXPECT_THAT(set.profiles.back().evidence, HasSubstr("not tried: only its speed was measured"));
  cpu.full_depth = FullDepth::failed;
  EXPECT_THAT(names_of(set_of(run_of({cpu, trial(8, 16, 9)}, {card("CUDA0")}))),
              ElementsAre("fast"));
}

TEST(SetOfRun, HoldsTheWinnerOfATuneUnderItsName) {
  const sweetspot::Run run = tuned_run();
  const ProfileSet set = set_of(run);
  EXPECT_THAT(names_of(set), ElementsAre("performance", "tuned", "cpu_fallback"));
  EXPECT_EQ(set.find("tuned")->config, set.find("performance")->config);
  EXPECT_EQ(set.find("tuned")->config.context.n_ubatch, run.results[8].effective->n_ubatch);
  EXPECT_THAT(set.find("tuned")->recommended_for, HasSubstr("chat"));
  EXPECT_EQ(set.objective, Objective::request);
  EXPECT_EQ(set.workload, run.workload);
}

TEST(SetOfRun, GivesTrialsOfOneLayerCountNamesOfTheirOwn) {
  auto lean = trial(20, 30, 15);
  lean.config.context.n_ubatch = 128;
  auto leaner = trial(20, 25, 12);
  leaner.config.context.n_ubatch = 64;
  auto again = leaner;
  again.vram_used_bytes = *again.vram_used_bytes - 1;
  again.generation->tokens_per_second = {11, 10.9, 11.1};
  const ProfileSet set =
      set_of(run_of({trial(0, 1, 5), trial(20, 40, 18), lean, leaner, again}, {card("CUDA0")}));
  EXPECT_THAT(names_of(set), ElementsAre("fast", "layers-20", "layers-20-2", "cpu_fallback"))
      << "the same config a second time is no other profile";
}

TEST(SetOfRun, OfAMachineWithoutADeviceIsTheCpu) {
  sweetspot::Run run = run_of({trial(0, 0, 7)}, {});
  run.results[0].vram_used_bytes = Absence{"there is no device to offload to"};
  run.results[0].vram_percent = Absence{"there is no device to offload to"};
  run.profiles = derive(run.results, run.settings.bands, 0);
  const ProfileSet set = set_of(run);
  EXPECT_THAT(names_of(set), ElementsAre("cpu_fallback"));
  EXPECT_THAT(set.devices, IsEmpty());
  EXPECT_EQ(set.offloadable_layers, 0);
  EXPECT_THAT(*set.profiles[0].needs, IsEmpty());
}

TEST(SetOfRun, SaysWhyThereIsNone) {
  const auto nothing = set_of_run(run_of({}, {card("CUDA0")}), kModelFile, 0);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.reason(), "nothing was measured");
  auto failed = trial(8, 16, 9);
  failed.full_depth = FullDepth::failed;
  const auto refused = set_of_run(run_of({failed}, {card("CUDA0")}), kModelFile, 0);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.reason(),
              AllOf(HasSubstr("8 layers"), HasSubstr("failed with the whole context")));
}

// ---- what they need

std::vector<DeviceNeed> needs_of(const Trial& measured, std::uint64_t share,
                                 const std::vector<DeviceReport>& devices) {
  const ProfileSet set = set_of(run_of({measured}, devices), share);
  const auto& needs = set.profiles.front().needs;
  EXPECT_TRUE(needs) << (needs ? "" : needs.reason());
  return needs.value_or({});
}

TEST(SetOfRun, NeedsTheLargerOfWhatTheDriverSawAndTheBuffersWithItsShare) {
  auto measured = trial(20, 40, 18);
  measured.memory = {on("CUDA0", 1000), on("CPU", 300)};
  measured.driver_rise_bytes = 1250 * kMiB;
  const auto one = [&](std::uint64_t share_mib) {
    return needs_of(measured, share_mib * kMiB, {card("CUDA0")});
  };
  EXPECT_THAT(one(100), ElementsAre(DeviceNeed{"CUDA0", 1250 * kMiB}));
  EXPECT_THAT(one(400), ElementsAre(DeviceNeed{"CUDA0", 1400 * kMiB}));
  measured.driver_rise_bytes = 900 * kMiB;  // somebody freed memory meanwhile
  EXPECT_THAT(one(0), ElementsAre(DeviceNeed{"CUDA0", 1000 * kMiB}));
  measured.driver_rise_bytes = Absence{"no driver"};
  EXPECT_THAT(one(400), ElementsAre(DeviceNeed{"CUDA0", 1400 * kMiB}));
}

TEST(SetOfRun, SharesWhatTheDriverSawBeyondTheBuffersEvenlyAmongTheDevices) {
  auto measured = trial(20, 40, 18);
  measured.memory = {on("CUDA0", 3000), on("CUDA1", 500), on("CUDA2", 0), on("CPU", 300)};
  measured.driver_rise_bytes = 3900 * kMiB;
  const std::vector<DeviceReport> three = {card("CUDA0"), card("CUDA1"), card("CUDA2")};
  EXPECT_THAT(needs_of(measured, 0, three),
              ElementsAre(DeviceNeed{"CUDA0", 3200 * kMiB}, DeviceNeed{"CUDA1", 700 * kMiB}));
  EXPECT_THAT(needs_of(measured, 300 * kMiB, three),
              ElementsAre(DeviceNeed{"CUDA0", 3300 * kMiB}, DeviceNeed{"CUDA1", 800 * kMiB}));
}

TEST(SetOfRun, NeedsAreUnknownWhereNobodyTellsAndNoneForTheCpu) {
  auto measured = trial(20, 40, 18);
  measured.vram_used_bytes = Absence{"no driver"};
  auto cpu = trial(0, 9, 5);
  cpu.memory = {on("CUDA0", 200), on("CPU", 300)};
  const ProfileSet set = set_of(run_of({measured, cpu}, {card("CUDA0")}));
  EXPECT_FALSE(set.profiles[0].needs);
  EXPECT_FALSE(set.profiles[0].host_bytes);
  EXPECT_THAT(*set.profiles[1].needs, IsEmpty());
  measured.vram_used_bytes = 777 * kMiB;
  EXPECT_THAT(needs_of(measured, 0, {card("CUDA0")}), ElementsAre(DeviceNeed{"CUDA0", 777 * kMiB}));
  EXPECT_FALSE(set_of(run_of({measured}, {card("CUDA0"), card("CUDA1")})).profiles[0].needs)
      << "a sum says nothing of each";
}

TEST(SetOfRun, TheHostTakesWhatIsNotMapped) {
  auto measured = trial(20, 40, 18);
  measured.memory = {on("CUDA0", 1000), {"CPU", 900 * kMiB, 50 * kMiB, 30 * kMiB, 880 * kMiB}};
  const ProfileSet set = set_of(run_of({measured}, {card("CUDA0")}));
  EXPECT_EQ(*set.profiles[0].host_bytes, 100 * kMiB);
}

// ---- what they are

TEST(SetOfRun, ConfigsAreTheOnesThatWereReallyUsed) {
  auto measured = trial(33, 40, 18);
  measured.config.placement.n_gpu_layers = -1;
  measured.config.context.n_ctx = 1000;
  measured.effective = EffectiveConfig{};
  measured.effective->n_ctx = 1024;
  measured.effective->n_batch = 1024;
  measured.effective->n_ubatch = 256;
  measured.effective->n_threads = 6;
  measured.effective->flash_attn = std::string("on");
  const ProfileSet set = set_of(run_of({measured}, {card("CUDA0")}));
  const Config& config = set.profiles[0].config;
  EXPECT_EQ(config.placement.n_gpu_layers, 33);
  EXPECT_EQ(config.context.n_ctx, 1024U);
  EXPECT_EQ(config.context.n_batch, 1024U);
  EXPECT_EQ(config.context.n_ubatch, 256U);
  EXPECT_EQ(config.context.n_threads, 6);
  EXPECT_EQ(config.context.n_threads_batch, 0) << "what it did not say stays as asked";
  EXPECT_EQ(config.context.flash_attn, FlashAttention::on);
  EXPECT_THAT(set.profiles[0].evidence, HasSubstr("whole context of 1024 held"));
}

TEST(SetOfRun, SaysInTheEvidenceWhatDisturbedIt) {
  auto measured = trial(8, 16, 9);
  measured.mark(Disturbance::throttled);
  const ProfileSet set = set_of(run_of({measured}, {card("CUDA0")}));
  EXPECT_THAT(set.profiles[0].evidence, HasSubstr(", throttled"));
  EXPECT_THAT(set.profiles[0].recommended_for, HasSubstr("while the device was throttled"));
}

TEST(SetOfRun, KnowsTheModelTheMachineAndTheDevices) {
  sweetspot::Run run = mission_run();
  run.machine.environment = {"B=1", "A=2"};
  run.settings.rpc = {"127.0.0.1:1"};
  run.settings.bands = {40, 60, 80};
  const ProfileSet set = set_of(run);
  EXPECT_EQ(set.created_at, run.finished_at);
  EXPECT_EQ(set.origin, Origin::measured);
  EXPECT_EQ(set.model, kModelFile);
  EXPECT_EQ(set.model_name, "zephyr-7b-beta");
  EXPECT_EQ(set.offloadable_layers, 33);
  EXPECT_EQ(
      set.fingerprint,
      (Fingerprint{
          "0123456789abcdef", "0.7.0 build 1 (abc)", "0.1.0", "Some processor", {"A=2", "B=1"}}));
  EXPECT_EQ(set.rpc, run.settings.rpc);
  EXPECT_EQ(set.bands, run.settings.bands);
  ASSERT_EQ(set.devices.size(), 1U) << "nothing is offloaded to the CPU";
  const SetDevice& device = set.devices[0];
  EXPECT_EQ(device.id, "CUDA0");
  EXPECT_EQ(*device.pci_bus_id, "0000:01:00.0");
  EXPECT_EQ(*device.driver_version, "550.54");
  EXPECT_EQ(*device.memory_total_bytes, 6144 * kMiB);
  EXPECT_EQ(device.power_limit_w.reason(), "not supported by the driver");
}

TEST(SetOfRun, HoldsTheDevicesThatWereAskedFor) {
  sweetspot::Run run = run_of({trial(8, 16, 9)}, {card("CUDA0"), card("CUDA1")});
  EXPECT_EQ(set_of(run).devices.size(), 2U);
  run.base_config.placement.devices = {"CUDA1"};
  ASSERT_EQ(set_of(run).devices.size(), 1U);
  EXPECT_EQ(set_of(run).devices[0].id, "CUDA1");
  EXPECT_EQ(set_of(run).devices[0].uuid.reason(), "not available for this device");
  EXPECT_EQ(*set_of(run).devices[0].memory_free_bytes, 8000 * kMiB) << "as ggml says";
}

TEST(SetOfRun, AnUnfinishedRunOfHostileTextsGivesASetToo) {
  const sweetspot::Run run = tests::troubled_run();
  const auto set = set_of_run(run, kModelFile, 0);
  ASSERT_TRUE(set) << set.reason();
  EXPECT_THAT(names_of(*set), ElementsAre("cpu_fallback"));
  EXPECT_EQ(set->created_at, run.started_at);
}

// ---- any run

Trial any_trial() {
  const int layers = *rc::gen::inRange(0, 8);
  Trial any = trial(layers, *rc::gen::inRange(0, 110), *rc::gen::inRange(1, 60));
  any.extent = *rc::gen::weightedElement<Extent>({{4, Extent::full}, {1, Extent::speeds}});
  any.full_depth = *rc::gen::weightedElement<FullDepth>(
      {{4, FullDepth::verified}, {1, FullDepth::failed}, {1, FullDepth::not_tried}});
  any.config.context.n_ubatch = *rc::gen::element(64U, 128U);
  if (*rc::gen::inRange(0, 5) == 0) any.mark(Disturbance::spilled);
  if (*rc::gen::inRange(0, 5) == 0) any.failure = Failure{};
  if (*rc::gen::inRange(0, 3) > 0) {
    any.memory = {on("CUDA0", *any.vram_used_bytes / kMiB), on("CPU", 30)};
  }
  return any;
}

bool has_layers_of(const SavedProfile& profile, const Trial& trial) {
  return trial.measured() && profile.config.placement.n_gpu_layers == trial.layers &&
         *profile.tokens_per_second == trial.generation->tokens_per_second;
}

RC_GTEST_PROP(SetOfRun, OfAnyTrialsIsWholeOrHasAReason, ()) {
  auto trials = *rc::gen::container<std::vector<Trial>>(rc::gen::exec(any_trial));
  // One config measured twice with two speeds is noise, and one of them is as good as the other.
  int number = 0;
  for (Trial& each : trials) each.config.context.n_threads = ++number;
  const sweetspot::Run run = run_of(trials, {card("CUDA0")});
  const auto set = set_of_run(run, kModelFile, *rc::gen::inRange(0U, 1000U) * kMiB);
  if (!set) {
    RC_ASSERT(!set.reason().empty());
    return;
  }
  const auto back = guard([&] { return profile_set_from_json(to_json(*set)); }, "set");
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == *set);
  const auto objected = objections(run.results);
  for (const SavedProfile& profile : set->profiles) {
    const bool last = &profile == &set->profiles.back();
    RC_ASSERT(last || profile.name != "cpu_fallback");
    RC_ASSERT(!profile.is_cpu_only() || profile.needs->empty());
    bool proven = false;
    for (std::size_t i = 0; i < run.results.size(); ++i) {
      const bool may = objected[i].empty() || profile.name == "cpu_fallback";
      proven = proven || (may && has_layers_of(profile, run.results[i]));
    }
    RC_ASSERT(proven);
    if (last || &profile + 1 == &set->profiles.back()) continue;
    RC_ASSERT(profile.tokens_per_second->value >= (&profile + 1)->tokens_per_second->value);
  }
  // Nothing that may be recommended is faster than all profiles.
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    const Trial& each = run.results[i];
    if (!objected[i].empty()) continue;
    const bool served =
        std::any_of(set->profiles.begin(), set->profiles.end(), [&](const SavedProfile& profile) {
          const double speed = profile.tokens_per_second->value;
          return speed >= each.generation->tokens_per_second.value ||
                 is_tie(*profile.tokens_per_second, each.generation->tokens_per_second);
        });
    RC_ASSERT(served);
  }
}

}  // namespace
}  // namespace sweetspot::profiles
