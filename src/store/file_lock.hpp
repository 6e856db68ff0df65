// Turns among processes that change the files of one folder.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "core/error.hpp"
#include "os/descriptor.hpp"

namespace sweetspot::store {

/// flock() on "<folder>/.sweetspot.lock", which is made, stays, and is empty. The kernel takes the
/// lock back when its holder ends, however it ends. Threads of one process get it in the order in
/// which they asked. Move only; one thread at a time.
class FolderLock {
 public:
  /// Waits until the others are done, at most `patience`. Errors are of kind output.
  static Result<FolderLock> take(const std::string& folder,
                                 std::chrono::milliseconds patience = std::chrono::seconds{10});

 private:
  FolderLock(std::shared_ptr<void> turn, os::Descriptor file)
      : turn_(std::move(turn)), file_(std::move(file)) {}

  std::shared_ptr<void> turn_;  ///< of this process's threads; ends after the file is closed
  os::Descriptor file_;
};

}  // namespace sweetspot::store
