// Profiles of a set as the C interface shows them.
#pragma once

#include <sweetspot/sweetspot.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/profile_set.hpp"

namespace sweetspot::capi {

/// A set that does not change any more, and its profiles with everything their pointers point to.
class ShownSet {
 public:
  explicit ShownSet(ProfileSet set);
  ShownSet(const ShownSet&) = delete;
  ShownSet& operator=(const ShownSet&) = delete;
  ~ShownSet() = default;

  [[nodiscard]] const ProfileSet& set() const { return set_; }
  [[nodiscard]] std::size_t count() const { return profiles_.size(); }
  /// Points into this object.
  [[nodiscard]] const sweetspot_profile& profile(std::size_t index) const {
    return profiles_[index];
  }

 private:
  void show(const SavedProfile& profile);
  void show_placement(const SavedProfile& profile, sweetspot_profile& shown);
  void show_memory(const SavedProfile& profile, sweetspot_profile& shown);
  const std::vector<const char*>& list_of(const std::vector<std::string>& texts);

  const ProfileSet set_;
  std::deque<std::vector<std::string>> texts_;  // made here; a deque keeps its elements in place
  std::deque<std::vector<const char*>> lists_;
  std::deque<std::vector<sweetspot_need>> needs_;
  std::vector<sweetspot_profile> profiles_;
};

}  // namespace sweetspot::capi
