#include "process/owned_roots.hpp"

#include <algorithm>

namespace sweetspot::process {

bool ends_with(const OwnedRoot& root, const std::vector<OwnedRoot>& owned,
               std::uint64_t start_ticks) {
  // Ticks are coarse (10 ms): two that started in one may be of either.
  if (root.start_ticks == 0 || start_ticks < root.start_ticks) return false;
  return std::all_of(owned.begin(), owned.end(), [&](const OwnedRoot& other) {
    return other.ending || other.same(root) || start_ticks < other.start_ticks;
  });
}

void OwnedRoots::add(OwnedRoot root) {
  roots_.push_back(root);
  if (first_start_ticks_ == 0) first_start_ticks_ = root.start_ticks;
}

void OwnedRoots::set_ending(pid_t pid) {
  const auto lock = hold();
  for (OwnedRoot& root : roots_) root.ending = root.ending || root.pid == pid;
}

void OwnedRoots::remove(pid_t pid) {
  const auto lock = hold();
  std::erase_if(roots_, [&](const OwnedRoot& root) { return root.pid == pid; });
}

std::vector<OwnedRoot> OwnedRoots::list() {
  const auto lock = hold();
  return roots_;
}

std::uint64_t OwnedRoots::first_start_ticks() {
  const auto lock = hold();
  return first_start_ticks_;
}

OwnedRoots& owned_roots() {
  // Never destroyed: the last sweep runs when other static objects are gone.
  static auto* const roots = new OwnedRoots();
  return *roots;
}

}  // namespace sweetspot::process
