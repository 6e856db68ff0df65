// A folder for what nobody keeps.
#pragma once

#include <string>

namespace sweetspot::os {

/// Made in the system's folder of temporary files (TMPDIR), readable by its owner alone, and gone
/// with everything in it when this ends.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  /// False where none can be made.
  [[nodiscard]] bool made() const { return made_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool made_ = false;
};

}  // namespace sweetspot::os
