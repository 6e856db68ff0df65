#include <sweetspot/sweetspot.h>

#include <memory>
#include <utility>

#include "capi/c_values.hpp"
#include "capi/handles.hpp"
#include "devices/live.hpp"
#include "profiles/choose.hpp"
#include "profiles/make_set.hpp"

namespace {

using namespace sweetspot::capi;  // NOLINT(google-build-using-namespace)
using sweetspot::Absence;
using sweetspot::LiveDevice;
using sweetspot::LiveMachine;
using sweetspot::ProfileSet;
using sweetspot::Reading;
using sweetspot::profiles::Choice;
using sweetspot::profiles::Requirements;
using sweetspot::profiles::Rung;

Reading<std::uint64_t> told_bytes(std::uint64_t bytes) {
  if (bytes == SWEETSPOT_UNKNOWN) return Absence{"the host does not tell"};
  return bytes;
}

LiveDevice told_device(const sweetspot_host_device& told) {
  LiveDevice device;
  device.id = text_or_empty(told.id);
  device.description = text_or_empty(told.description);
  if (told.pci_bus_id != nullptr) device.pci_bus_id = std::string(told.pci_bus_id);
  device.memory_total_bytes = told_bytes(told.memory_total_bytes);
  device.memory_free_bytes = told_bytes(told.memory_free_bytes);
  if (told.memory_total_bytes == 0) {
    // ggml says 0 of 0 where it failed.
    const Absence absence{"the host tells a total of 0 bytes"};
    device.memory_total_bytes = absence;
    if (told.memory_free_bytes == 0) device.memory_free_bytes = absence;
  }
  device.shares_host_memory = told.shares_host_memory != 0;
  return device;
}

// The caller's elements may be smaller or larger than ours: each is as far from the next as the
// first one says.
std::vector<LiveDevice> told_devices(const sweetspot_requirements& wanted) {
  std::vector<LiveDevice> devices;
  if (wanted.device_count == 0) return devices;
  require(wanted.devices, "devices");
  const std::size_t stride = wanted.devices->size;
  if (stride < sizeof(std::size_t) + sizeof(char*)) bad_argument("the size of devices is not set");
  if (stride % alignof(sweetspot_host_device) != 0) {
    bad_argument("the size of devices is that of no struct");
  }
  const char* element = reinterpret_cast<const char*>(wanted.devices);
  devices.reserve(wanted.device_count);
  for (std::size_t i = 0; i < wanted.device_count; ++i, element += stride) {
    const auto* const device = reinterpret_cast<const sweetspot_host_device*>(element);
    if (device->size != stride) bad_argument("elements of devices differ in size");
    devices.push_back(told_device(read_in(device)));
  }
  return devices;
}

Requirements requirements_of(const sweetspot_requirements& wanted) {
  Requirements requirements;
  requirements.profile = text_or_empty(wanted.profile);
  requirements.min_ctx = wanted.min_ctx;
  requirements.loader = loader_of(wanted.program, wanted.arguments);
  if (!(wanted.max_vram_percent >= 0 && wanted.max_vram_percent <= 100)) {
    bad_argument("max_vram_percent is not between 0 and 100");
  }
  if (wanted.max_vram_percent > 0) requirements.max_vram_percent = wanted.max_vram_percent;
  requirements.reserve_bytes = wanted.reserve_bytes;
  if (wanted.prefer != SWEETSPOT_PREFER_SPEED && wanted.prefer != SWEETSPOT_PREFER_MEMORY) {
    bad_argument("prefer is neither SWEETSPOT_PREFER_SPEED nor SWEETSPOT_PREFER_MEMORY");
  }
  if (wanted.prefer == SWEETSPOT_PREFER_MEMORY) {
    requirements.prefer = sweetspot::profiles::Preference::memory;
  }
  return requirements;
}

LiveMachine live_for(sweetspot_library& lib, const sweetspot_set& set,
                     const sweetspot_requirements& wanted) {
  std::vector<LiveDevice> told = told_devices(wanted);
  LiveMachine live = sweetspot::devices::live_machine(lib.view.look());
  if (!told.empty()) live = sweetspot::devices::with_devices_of_host(std::move(told), live);
  live.llama_cpp = text_or_empty(wanted.llama_cpp);
  live.rpc = set.rpc;
  live.model = set.model;
  return live;
}

Reported kept(const sweetspot_set& set) {
  const std::lock_guard lock(set.mutex);
  return set.kept;
}

Reported stand_in(const sweetspot_set& set, const LiveMachine& live) {
  const std::lock_guard lock(set.mutex);
  if (!set.stand_in.shown) {
    const sweetspot::ModelKey model = set.model.value_or(set.shown->set().model);
    set.stand_in = Reported::of(sweetspot::profiles::default_set(model, live));
  }
  return set.stand_in;
}

// A set that cannot be used any more: the usual values, chosen with the same requirements.
void choose_defaults(const sweetspot_set& set, const Requirements& wanted,
                     sweetspot_choice& choice) {
  const Reported defaults = stand_in(set, choice.live);
  Requirements known = wanted;
  // The defaults have no profile with a name of the stored set, such as "layers-12".
  if (defaults.shown->set().find(wanted.profile) == nullptr) known.profile.clear();
  Choice made = sweetspot::profiles::choose(*defaults.current, choice.live, known);
  made.reason = choice.choice.reason + "; instead, " + made.reason;
  made.stale = std::move(choice.choice.stale);
  choice.shown = defaults.shown;
  choice.choice = std::move(made);
}

sweetspot_rung shown_rung(const Rung& from) {
  sweetspot_rung rung{};
  rung.fits = from.fits ? 1 : 0;
  rung.why_not = from.why_not.c_str();
  rung.missing_bytes = from.missing_bytes;
  return rung;
}

sweetspot_status rung_out(const sweetspot_choice* choice, const std::vector<Rung>* rungs,
                          std::size_t index, sweetspot_rung* rung, sweetspot_profile* profile) {
  if (choice == nullptr || index >= rungs->size()) return SWEETSPOT_ERROR_ARGUMENT;
  // Writes both or neither: where one fails, nothing is written.
  const bool both =
      (rung == nullptr || can_be_filled(rung)) && (profile == nullptr || can_be_filled(profile));
  if (!both) return SWEETSPOT_ERROR_ARGUMENT;
  const Rung& from = (*rungs)[index];
  if (rung != nullptr) copy_out(rung, shown_rung(from));
  if (profile != nullptr) copy_out(profile, choice->shown->profile(from.profile));
  return SWEETSPOT_OK;
}

}  // namespace

sweetspot_status sweetspot_choose(sweetspot_library* lib, const sweetspot_set* set,
                                  const sweetspot_requirements* requirements,
                                  sweetspot_choice** out, char** error) {
  if (out != nullptr) *out = nullptr;
  return guarded(error, [&] {
    require(lib, "lib");
    require(set, "set");
    require(out, "out");
    const sweetspot_requirements given = read_in(requirements);
    const Requirements wanted = requirements_of(given);
    auto choice = std::make_unique<sweetspot_choice>();
    const Reported now = kept(*set);
    choice->shown = now.shown;
    choice->live = live_for(*lib, *set, given);
    choice->loader = wanted.loader;
    choice->choice = sweetspot::profiles::choose(*now.current, choice->live, wanted);
    choice->unusable = !choice->choice.usable;
    if (choice->unusable && set->defaults_may_stand_in) choose_defaults(*set, wanted, *choice);
    *out = choice.release();
    return SWEETSPOT_OK;
  });
}

sweetspot_status sweetspot_choice_get(const sweetspot_choice* choice, sweetspot_choice_info* out) {
  if (choice == nullptr) return SWEETSPOT_ERROR_ARGUMENT;
  sweetspot_choice_info info{};
  info.found = choice->choice.profile ? 1 : 0;
  info.reason = choice->choice.reason.c_str();
  info.unusable = choice->unusable ? 1 : 0;
  info.stale_count = choice->choice.stale.size();
  info.below_count = choice->choice.below.size();
  info.passed_count = choice->choice.passed.size();
  return copy_out(out, info);
}

sweetspot_status sweetspot_choice_profile(const sweetspot_choice* choice, sweetspot_profile* out) {
  if (choice == nullptr) return SWEETSPOT_ERROR_ARGUMENT;
  if (!choice->choice.profile) return SWEETSPOT_ERROR_NOT_FOUND;
  return copy_out(out, choice->shown->profile(*choice->choice.profile));
}

sweetspot_status sweetspot_choice_below(const sweetspot_choice* choice, size_t index,
                                        sweetspot_rung* rung, sweetspot_profile* profile) {
  return rung_out(choice, choice == nullptr ? nullptr : &choice->choice.below, index, rung,
                  profile);
}

sweetspot_status sweetspot_choice_passed(const sweetspot_choice* choice, size_t index,
                                         sweetspot_rung* rung, sweetspot_profile* profile) {
  return rung_out(choice, choice == nullptr ? nullptr : &choice->choice.passed, index, rung,
                  profile);
}

const char* sweetspot_choice_stale(const sweetspot_choice* choice, size_t index) {
  if (choice == nullptr || index >= choice->choice.stale.size()) return nullptr;
  return choice->choice.stale[index].c_str();
}

void sweetspot_choice_free(sweetspot_choice* choice) { delete choice; }
