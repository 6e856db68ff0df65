// What the opaque types of sweetspot.h are.
#pragma once

#include <sweetspot/sweetspot.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capi/profile_view.hpp"
#include "core/profile_set.hpp"
#include "devices/machine_view.hpp"
#include "profiles/choose.hpp"

struct sweetspot_library {
  explicit sweetspot_library(const sweetspot::devices::ViewOptions& options, std::string folder)
      : view(options), data_folder(std::move(folder)) {}

  sweetspot::devices::MachineView view;
  const std::string data_folder;
};

struct sweetspot_devices {
  explicit sweetspot_devices(sweetspot::devices::Seen now)
      : seen(std::move(now)), live(sweetspot::devices::live_machine(seen)) {}

  const sweetspot::devices::Seen seen;
  const sweetspot::LiveMachine live;
};

namespace sweetspot::capi {

/// A set as it was read, which never changes, so that texts taken from it stay; and the same with
/// the reports that came since.
struct Reported {
  std::shared_ptr<const ShownSet> shown;
  std::shared_ptr<const ProfileSet> current;

  static Reported of(ProfileSet set) {
    auto shown = std::make_shared<const ShownSet>(std::move(set));
    return {shown, std::shared_ptr<const ProfileSet>(shown, &shown->set())};
  }
};

}  // namespace sweetspot::capi

struct sweetspot_set {
  std::string path;  ///< where it is or would be stored; empty = nowhere
  bool stored = false;
  std::string note;
  bool defaults_may_stand_in = true;
  std::optional<sweetspot::ModelKey> model;
  std::optional<std::vector<std::string>> rpc;
  sweetspot::ProfileSet as_made;  ///< as it is or would be stored, whatever program loads it
  std::shared_ptr<const sweetspot::capi::ShownSet> shown;  ///< of `kept`

  mutable std::mutex mutex;  ///< guards what is below
  sweetspot::capi::Reported kept;
  /// The defaults that stand in where the set cannot be used; empty until they have to.
  mutable sweetspot::capi::Reported stand_in;
};

struct sweetspot_choice {
  std::shared_ptr<const sweetspot::capi::ShownSet> shown;  ///< that the indexes point into
  sweetspot::profiles::Choice choice;
  sweetspot::LiveMachine live;  ///< as it was then
  sweetspot::Loader loader;     ///< that it was made for
  bool unusable = false;
};
