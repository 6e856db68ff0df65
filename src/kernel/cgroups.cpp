#include "kernel/cgroups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "ground/pieces.hpp"

namespace sweetspot::kernel {
namespace {

bool lists(std::string_view names, std::string_view wanted) {
  const auto all = split(names, ',');
  return std::find(all.begin(), all.end(), wanted) != all.end();
}

struct Mount {
  std::string folder;
  std::string root;  // the group that the folder shows: "/" where it shows all
};

// proc_pid_mountinfo(5): "36 35 98:0 /root /folder options - type source super-options".
std::optional<Mount> mount_of(const FileTree& tree, std::string_view controller) {
  const auto text = tree.text("/proc/self/mountinfo");
  if (!text) return std::nullopt;
  for (const std::string_view line : lines_of(*text)) {
    const auto middle = line.find(" - ");
    if (middle == std::string_view::npos) continue;
    const auto place = words_of(line.substr(0, middle));
    const auto kind = words_of(line.substr(middle + 3));
    if (place.size() < 5 || kind.size() < 3) continue;
    const bool fits = controller.empty() ? kind[0] == "cgroup2"
                                         : kind[0] == "cgroup" && lists(kind[2], controller);
    if (fits) return Mount{std::string(place[4]), std::string(place[3])};
  }
  return std::nullopt;
}

// Where the mounts cannot be read, the usual ones are assumed.
Mount usual_mount(std::string_view controller) {
  return {controller.empty() ? "/sys/fs/cgroup" : fmt::format("/sys/fs/cgroup/{}", controller),
          "/"};
}

// proc_pid_cgroup(5): "0::/path" of version 2, "9:cpu,cpuacct:/path" of version 1.
std::optional<std::string> path_in(const FileTree& tree, std::string_view controller) {
  const auto text = tree.text("/proc/self/cgroup");
  if (!text) return std::nullopt;
  for (const std::string_view line : lines_of(*text)) {
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const bool fits = controller.empty() ? controllers.empty() : lists(controllers, controller);
    if (fits) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

CgroupFolders folders_of(const FileTree& tree, std::string_view controller) {
  auto path = path_in(tree, controller);
  if (!path) return {};
  const Mount mount = mount_of(tree, controller).value_or(usual_mount(controller));
  // A mount may show a part of the hierarchy only: what lies above it cannot be read.
  if (mount.root != "/" && path->starts_with(mount.root)) path->erase(0, mount.root.size());
  // Outside of our namespace ("/..") there is nothing to read either.
  if (path->find("..") != std::string::npos) path->clear();
  CgroupFolders folders;
  while (!path->empty() && *path != "/") {
    folders.push_back(mount.folder + *path);
    path->erase(path->rfind('/'));
  }
  folders.push_back(mount.folder);
  return folders;
}

}  // namespace

CgroupFolders unified_cgroups(const FileTree& tree) { return folders_of(tree, ""); }

CgroupFolders cgroups_of(const FileTree& tree, std::string_view controller) {
  return folders_of(tree, controller);
}

}  // namespace sweetspot::kernel
