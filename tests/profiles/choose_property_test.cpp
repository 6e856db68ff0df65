// What holds for every set, machine and requirement.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "profiles/choose.hpp"
#include "sets.hpp"

namespace sweetspot::profiles {
namespace {

using namespace sweetspot::profiles::testing;  // NOLINT(google-build-using-namespace): test data

// Ranges at their full width in every case: rapidcheck begins with narrow ones.
template <typename Number>
Number between(Number low, Number below) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<Number>(low, below));
}

// In steps of 256 MiB, so that equal figures are met too.
std::uint64_t bytes_up_to(std::uint64_t most_mib) {
  return between<std::uint64_t>(0, most_mib / 256 + 1) * 256 * kMiB;
}

std::string card_name(std::size_t index) { return "CUDA" + std::to_string(index); }

SetDevice card(std::size_t index) {
  SetDevice device = cuda0();
  device.id = card_name(index);
  device.uuid = "GPU-" + std::to_string(index);
  device.pci_bus_id = "0000:0" + std::to_string(index) + ":00.0";
  device.memory_total_bytes = bytes_up_to(16384) + kGiB;
  if (*rc::gen::arbitrary<bool>()) device.memory_free_bytes = Absence{"not read"};
  return device;
}

LiveDevice live_of(const SetDevice& device) {
  LiveDevice live;
  live.pci_bus_id = device.pci_bus_id;
  live.uuid = device.uuid;
  live.driver_version = device.driver_version;
  live.memory_total_bytes = device.memory_total_bytes;
  live.memory_free_bytes = std::min(*device.memory_total_bytes, bytes_up_to(17 * 1024));
  if (*rc::gen::weightedElement<bool>({{8, false}, {1, true}})) {
    live.memory_free_bytes = Absence{"not read"};
  }
  live.asleep = *rc::gen::arbitrary<bool>();
  return live;
}

SavedProfile arbitrary_profile(std::size_t index, std::size_t cards) {
  SavedProfile profile =
      saved("p" + std::to_string(index), between(1, 40), {}, between<std::uint32_t>(512, 8193));
  std::vector<DeviceNeed> needs;
  for (std::size_t i = 0; i < cards; ++i) {
    if (*rc::gen::weightedElement<bool>({{3, true}, {1, false}})) {
      // Later ones tend to be smaller, as in a real set.
      needs.push_back({card_name(i), bytes_up_to(6 * 1024 - 512 * index)});
    }
  }
  profile.needs = needs;
  profile.origin = *rc::gen::element(Origin::measured, Origin::planned);
  return profile;
}

LoadReport arbitrary_report(std::size_t profiles, std::size_t cards) {
  LoadReport made =
      report("p" + std::to_string(between<std::size_t>(0, profiles + 1)),
             *rc::gen::element(LoadResult::loaded, LoadResult::out_of_memory, LoadResult::crashed));
  if (*rc::gen::arbitrary<bool>()) made.free_bytes = bytes_up_to(12 * 1024);
  if (*rc::gen::arbitrary<bool>()) made.peak_bytes = bytes_up_to(12 * 1024);
  if (*rc::gen::arbitrary<bool>()) made.device = card_name(between<std::size_t>(0, cards));
  return made;
}

struct Case {
  ProfileSet set;
  LiveMachine live;
  Requirements wanted;
};

Case arbitrary_case() {
  Case made;
  const auto cards = between<std::size_t>(1, 4);
  for (std::size_t i = 0; i < cards; ++i) {
    made.set.devices.push_back(card(i));
    if (*rc::gen::weightedElement<bool>({{9, true}, {1, false}})) {
      made.live.devices.push_back(live_of(made.set.devices.back()));
    }
  }
  const auto profiles = between<std::size_t>(0, 7);
  for (std::size_t i = 0; i < profiles; ++i) {
    made.set.profiles.push_back(arbitrary_profile(i, cards));
  }
  if (*rc::gen::weightedElement<bool>({{5, true}, {1, false}})) {
    made.set.profiles.push_back(saved("cpu", 0, {}, 8192));
  }
  for (auto left = between(0, 5); left > 0; --left) {
    made.set.reports.push_back(arbitrary_report(profiles, cards));
  }
  made.wanted.max_vram_percent = between(0, 101);
  made.wanted.reserve_bytes = bytes_up_to(1024);
  made.wanted.prefer = *rc::gen::element(Preference::speed, Preference::memory);
  made.wanted.min_ctx = between<std::uint32_t>(0, 4096);
  return made;
}

const LiveDevice* live_device(const LiveMachine& live, const SetDevice& device) {
  for (const LiveDevice& candidate : live.devices) {
    if (candidate.uuid == device.uuid) return &candidate;
  }
  return nullptr;
}

const SetDevice& set_device(const ProfileSet& set, const std::string& id) {
  return *std::find_if(set.devices.begin(), set.devices.end(),
                       [&](const SetDevice& device) { return device.id == id; });
}

void chosen_fits() {
  const Case given = arbitrary_case();
  const Choice choice = choose(given.set, given.live, given.wanted);
  if (!choice.profile) return;
  const SavedProfile& profile = given.set.profiles[*choice.profile];
  RC_ASSERT(profile.config.context.n_ctx >= given.wanted.min_ctx);
  for (const DeviceNeed& need : *profile.needs) {
    const SetDevice& device = set_device(given.set, need.device);
    const LiveDevice* const live = live_device(given.live, device);
    RC_ASSERT(live != nullptr);
    const std::uint64_t total = *device.memory_total_bytes;
    const bool widened = profile.origin == Origin::planned || !live->memory_free_bytes;
    const std::uint64_t free = live->memory_free_bytes
                                   ? *live->memory_free_bytes
                                   : std::min(device.memory_free_bytes.value_or(total), total);
    RC_ASSERT(need.bytes + margin_bytes(need.bytes, widened) + given.wanted.reserve_bytes <= free);
    RC_ASSERT(static_cast<double>(total - free + need.bytes) <=
              static_cast<double>(total) * given.wanted.max_vram_percent / 100);
  }
}

void more_is_not_slower() {
  Case given = arbitrary_case();
  const Choice before = choose(given.set, given.live, given.wanted);
  for (LiveDevice& device : given.live.devices) {
    if (!device.memory_free_bytes) continue;
    device.memory_free_bytes =
        std::min(*device.memory_total_bytes, *device.memory_free_bytes + bytes_up_to(8192));
  }
  const Choice after = choose(given.set, given.live, given.wanted);
  if (before.profile) {
    RC_ASSERT(after.profile.has_value());
    RC_ASSERT(*after.profile <= *before.profile);
  }
}

void below_shrinks() {
  const Case given = arbitrary_case();
  const Choice choice = choose(given.set, given.live, given.wanted);
  if (!choice.profile) return;
  const std::vector<SavedProfile>& profiles = given.set.profiles;
  const SavedProfile* last = &profiles[*choice.profile];
  for (const Rung& rung : choice.below) {
    RC_ASSERT(!last->is_cpu_only());
    const SavedProfile& next = profiles[rung.profile];
    RC_ASSERT(rung.fits);
    for (const DeviceNeed& need : *next.needs) {
      const auto before =
          std::find_if(last->needs->begin(), last->needs->end(),
                       [&](const DeviceNeed& other) { return other.device == need.device; });
      RC_ASSERT(before != last->needs->end());
      RC_ASSERT(need.bytes < before->bytes);
    }
    last = &next;
  }
  if (!profiles.empty() && profiles.back().is_cpu_only()) RC_ASSERT(last->is_cpu_only());
}

void failures_do_not_embolden() {
  Case given = arbitrary_case();
  given.wanted.profile.clear();
  const Choice before = choose(given.set, given.live, given.wanted);
  if (!before.profile) return;
  const std::string name = given.set.profiles[*before.profile].name;
  LoadReport failed = report(name, LoadResult::out_of_memory, bytes_up_to(16 * 1024));
  given.set.reports.push_back(failed);
  const Choice after = choose(given.set, given.live, given.wanted);
  if (after.profile) RC_ASSERT(*after.profile >= *before.profile);
}

// A case takes microseconds; a hundred of them meet too few close calls.
void often(void (*property)()) {
  for (int i = 0; i < 20; ++i) property();
}

RC_GTEST_PROP(ChooseProperty, WhatIsChosenFitsByItsOwnArithmetic, ()) { often(chosen_fits); }

RC_GTEST_PROP(ChooseProperty, MoreFreeMemoryIsNeverSlower, ()) { often(more_is_not_slower); }

RC_GTEST_PROP(ChooseProperty, BelowShrinksOnEveryDeviceAndEndsWithTheCpu, ()) {
  often(below_shrinks);
}

RC_GTEST_PROP(ChooseProperty, ReportsOfFailureNeverMakeItBolder, ()) {
  often(failures_do_not_embolden);
}

}  // namespace
}  // namespace sweetspot::profiles
