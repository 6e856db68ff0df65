// Turns among processes that change the files of one folder.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "core/error.hpp"
#include "os/descriptor.hpp"

namespace sweetspot::store {

/// flock() on "<folder>/.sweetspot.lock", which is made, stays, and is empty. The kernel takes the
/// lock back when its holder ends, however it ends. Move only; one thread at a time.
class FolderLock {
 public:
  /// Waits until the others are done, at most `patience`. Errors are of kind output.
  static Result<FolderLock> take(const std::string& folder,
                                 std::chrono::milliseconds patience = std::chrono::seconds{10});

 private:
  explicit FolderLock(os::Descriptor file) : file_(std::move(file)) {}
  os::Descriptor file_;
};

}  // namespace sweetspot::store
