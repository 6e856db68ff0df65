// Internal to this room: a control group (version 2) of one child and all it will ever start, where
// the system lets us make one. No process leaves it by forking, and the kernel ends all of it at
// once, those that are just being made included.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "os/descriptor.hpp"

namespace sweetspot::process {

/// Where to look; tests play a system of their own.
struct CgroupFiles {
  std::string cgroup = "/proc/self/cgroup";
  std::string mountinfo = "/proc/self/mountinfo";
  std::string root;  ///< before the folders that the two name
};

/// The folder of our own group of version 2, or nothing where there is none or it cannot be seen.
std::optional<std::string> own_cgroup_folder(const CgroupFiles& files = {});

/// Move only; its folder goes with it, where nothing lives in it any more.
class ChildCgroup {
 public:
  /// Below our own group. Nothing where that is not allowed, or the kernel cannot end a group
  /// (before 5.14): then the sweep over all processes has to do.
  static std::optional<ChildCgroup> make(const CgroupFiles& files = {});

  ~ChildCgroup();
  ChildCgroup(ChildCgroup&& other) noexcept;
  ChildCgroup& operator=(ChildCgroup&& other) noexcept;

  /// For enter_cgroup(). Close-on-exec; ours.
  [[nodiscard]] int entrance() const { return entrance_.get(); }
  [[nodiscard]] const std::string& folder() const { return folder_; }

  /// SIGKILL to all that is in it. Idempotent.
  void kill() const;

  /// Whether a process lives in it; one that has ended and waits to be reaped does not count.
  [[nodiscard]] bool populated() const;

 private:
  ChildCgroup(std::string folder, os::Descriptor entrance)
      : folder_(std::move(folder)), entrance_(std::move(entrance)) {}
  void leave();

  std::string folder_;
  os::Descriptor entrance_;
};

/// Kills what is in groups of this process and takes away those that are empty by now.
void end_own_cgroups(const CgroupFiles& files = {});

/// Async-signal-safe: the calling process moves into the group. Where the kernel says no it stays
/// where it is.
void enter_cgroup(int entrance) noexcept;

}  // namespace sweetspot::process
