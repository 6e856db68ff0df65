// The control groups that this process is in, version 1 and 2, as folders to read limits from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernel/file_tree.hpp"

namespace sweetspot::kernel {

/// The folders of a hierarchy that apply to us: our own group first, each ancestor after it, the
/// mounted root last. Every one of them may limit us. Some need not exist: a container shows the
/// mounted root alone, and that is where its own limits are. Empty where there is no such
/// hierarchy.
using CgroupFolders = std::vector<std::string>;

/// Of version 2, which has one hierarchy for all controllers.
CgroupFolders unified_cgroups(const FileTree& tree);

/// Of version 1, which has one for each controller ("cpu", "memory", "cpuset").
CgroupFolders cgroups_of(const FileTree& tree, std::string_view controller);

}  // namespace sweetspot::kernel
