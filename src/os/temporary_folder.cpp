#include "os/temporary_folder.hpp"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace sweetspot::os {

TemporaryFolder::TemporaryFolder() {
  std::error_code failure;
  path_ = (std::filesystem::temp_directory_path(failure) / "sweetspot-XXXXXX").string();
  made_ = !failure && ::mkdtemp(path_.data()) != nullptr;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (made_) std::filesystem::remove_all(path_, ignored);
}

}  // namespace sweetspot::os
