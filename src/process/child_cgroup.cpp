#include "process/child_cgroup.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string_view>
#include <vector>

namespace sweetspot::process {
namespace {

constexpr std::string_view kPrefix = "sweetspot-";

// proc_pid_cgroup(5): "0::/path" is version 2.
std::optional<std::string> path_in_hierarchy(const std::string& file) {
  std::ifstream lines(file);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.starts_with("0::/")) return line.substr(3);
  }
  return std::nullopt;
}

struct Mount {
  std::string root;  // the group that the folder shows
  std::string folder;
};

// proc_pid_mountinfo(5): "36 35 98:0 /root /folder options - type source super-options".
std::optional<Mount> unified_mount(const std::string& file) {
  std::ifstream lines(file);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream words(line);
    std::string skipped;
    Mount mount;
    if (words >> skipped >> skipped >> skipped >> mount.root >> mount.folder) return mount;
  }
  return std::nullopt;
}

std::string new_name() {
  static std::atomic<unsigned> count{0};
  return std::string(kPrefix) + std::to_string(getpid()) + "-" + std::to_string(count.fetch_add(1));
}

// "sweetspot-PID-N" -> PID; 0 = not one of ours.
pid_t maker_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return 0;
  name.remove_prefix(kPrefix.size());
  pid_t pid = 0;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return problem == std::errc{} ? pid : 0;
}

std::vector<std::string> groups_below(const std::string& parent,
                                      const std::function<bool(pid_t maker)>& wanted) {
  std::vector<std::string> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(parent.c_str()), closedir);
  if (!folder) return found;
  while (const dirent* item = readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe)
    const pid_t maker = maker_of(item->d_name);
    if (maker > 0 && wanted(maker)) found.push_back(parent + "/" + item->d_name);
  }
  return found;
}

// One that was killed could not take its group away. Only empty ones go: rmdir(2) sees to that.
void remove_left_behind(const std::string& parent) {
  const auto is_gone = [](pid_t maker) { return ::kill(maker, 0) != 0 && errno == ESRCH; };
  for (const std::string& folder : groups_below(parent, is_gone)) rmdir(folder.c_str());
}

void kill_group(const std::string& folder) {
  const os::Descriptor file(open((folder + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return;
  [[maybe_unused]] const ssize_t written = write(file.get(), "1", 1);
}

}  // namespace

std::optional<std::string> own_cgroup_folder(const CgroupFiles& files) {
  auto path = path_in_hierarchy(files.cgroup);
  const auto mount = unified_mount(files.mountinfo);
  if (!path || !mount || path->find("/..") != std::string::npos) return std::nullopt;
  if (mount->root != "/") {
    if (!path->starts_with(mount->root)) return std::nullopt;
    path->erase(0, mount->root.size());
  }
  if (*path == "/") path->clear();
  return files.root + mount->folder + *path;
}

std::optional<ChildCgroup> ChildCgroup::make(const CgroupFiles& files) {
  const auto parent = own_cgroup_folder(files);
  if (!parent) return std::nullopt;
  remove_left_behind(*parent);
  const std::string folder = *parent + "/" + new_name();
  constexpr mode_t kOnlyOurs = 0755;
  if (mkdir(folder.c_str(), kOnlyOurs) != 0) return std::nullopt;
  ChildCgroup made(folder,
                   os::Descriptor(open((folder + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC)));
  if (!made.entrance_ || access((folder + "/cgroup.kill").c_str(), W_OK) != 0) return std::nullopt;
  return made;
}

ChildCgroup::~ChildCgroup() { leave(); }

ChildCgroup::ChildCgroup(ChildCgroup&& other) noexcept
    : folder_(std::exchange(other.folder_, {})), entrance_(std::move(other.entrance_)) {}

ChildCgroup& ChildCgroup::operator=(ChildCgroup&& other) noexcept {
  if (this != &other) {
    leave();
    folder_ = std::exchange(other.folder_, {});
    entrance_ = std::move(other.entrance_);
  }
  return *this;
}

void ChildCgroup::leave() {
  entrance_.reset();
  if (!folder_.empty()) rmdir(folder_.c_str());
  folder_.clear();
}

void ChildCgroup::kill() const { kill_group(folder_); }

bool ChildCgroup::populated() const {
  std::ifstream events(folder_ + "/cgroup.events");
  std::string key;
  int value = 0;
  while (events >> key >> value) {
    if (key == "populated") return value != 0;
  }
  return false;
}

void end_own_cgroups(const CgroupFiles& files) {
  const auto parent = own_cgroup_folder(files);
  if (!parent) return;
  const auto is_ours = [](pid_t maker) { return maker == getpid(); };
  for (const std::string& folder : groups_below(*parent, is_ours)) {
    kill_group(folder);
    rmdir(folder.c_str());
  }
}

void enter_cgroup(int entrance) noexcept {
  if (entrance < 0) return;
  [[maybe_unused]] const ssize_t written = write(entrance, "0", 1);
}

}  // namespace sweetspot::process
