#include "app/named_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "core/text.hpp"
#include "store/profile_set_file.hpp"

namespace sweetspot::app {
namespace {

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

bool is_path(const std::string& typed) {
  return typed.find('/') != std::string::npos || typed.ends_with(".gguf");
}

// As a list shows it.
bool has_name(const ProfileSet& set, const std::string& name) {
  return !name.empty() && (set.model_name == name || printable(set.model_name) == name);
}

}  // namespace

Result<std::string> model_file(const std::string& typed, const Workplace& workplace) {
  if (exists(typed) || workplace.data_folder.empty()) return typed;
  std::vector<std::string> paths;
  for (const store::StoredSet& stored : store::list_profile_sets(workplace.data_folder)) {
    if (!stored.set || !has_name(*stored.set, typed)) continue;
    const std::string& path = stored.set->model.path;
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  }
  if (paths.empty()) {
    if (is_path(typed)) return typed;  // who opens it says what is wrong with it
    return error(ErrorKind::model,
                 fmt::format("no file and no measured model is called {}", shortened(typed)),
                 "`sweetspot profiles list` shows the names");
  }
  const std::string gone = paths.front();
  if (paths.size() > 1) std::erase_if(paths, [](const auto& path) { return !exists(path); });
  if (paths.size() > 1) {
    return error(ErrorKind::usage,
                 fmt::format("{} models are called {}", paths.size(), shortened(typed)),
                 fmt::format("give the path of one: {}", fmt::join(paths, ", ")));
  }
  if (paths.empty() || !exists(paths.front())) {
    return error(ErrorKind::model,
                 fmt::format("the file of {} is not there any more: {}", shortened(typed), gone),
                 "give its path");
  }
  return paths.front();
}

}  // namespace sweetspot::app
