// A file that appears under its name only when it is whole.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "os/descriptor.hpp"

namespace sweetspot::os {

/// The system calls of a write that can fail late. Each keeps the contract of its POSIX namesake
/// (-1 and errno). Tests replace them to make a disk full or broken at a chosen step.
struct FileCalls {
  std::function<ssize_t(int fd, const void* data, std::size_t size)> write;
  std::function<int(int fd)> sync;
  std::function<int(int fd)> close;
  std::function<int(const char* from, const char* to)> rename;
};

/// The real ones. Static storage; thread safe.
const FileCalls& system_file_calls();

/// The folder that a path names a file of: "." for "a", "/" for "/a".
std::string folder_of(const std::string& path);

enum class Unfinished {
  named,     ///< ".sweetspot-<pid>-<n>.tmp" beside the target
  nameless,  ///< none where the file system allows that, so that a killed process leaves nothing
};

/// Writes beside the target and renames at the end; what is not committed is removed. Numbers that
/// are returned are an errno, 0 where all is well. Move only.
class NewFile {
 public:
  /// The mode is less the umask. `calls` must outlive the file.
  static tl::expected<NewFile, int> create(const std::string& path, Unfinished unfinished,
                                           mode_t mode,
                                           const FileCalls& calls = system_file_calls());
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  /// -1 once it is committed.
  [[nodiscard]] int get() const { return file_.get(); }

  /// Says early that the disk is too small, where the file system can tell.
  [[nodiscard]] int reserve(std::uint64_t bytes) const;
  [[nodiscard]] int write(std::span<const std::byte> bytes) const;

  /// Makes the text durable and gives the file its name, in place of what had it. Where that
  /// fails, what had the name still has it.
  [[nodiscard]] int commit();

  /// Makes the name durable too, after commit(). File systems that cannot sync a folder, and
  /// folders that may be written but not listed, are no failure.
  [[nodiscard]] int sync_name() const;

 private:
  NewFile(Descriptor file, std::string path, std::string temporary, bool named,
          const FileCalls& calls);

  Descriptor file_;
  std::string path_;
  std::string temporary_;
  bool named_;  ///< `temporary_` exists
  const FileCalls* calls_;
};

/// Writes all of `bytes`, through interruptions and short writes. An errno, or 0.
int write_all(int fd, std::span<const std::byte> bytes, const FileCalls& calls);

/// Network file systems tell a full disk only here. An errno, or 0.
int close_written(Descriptor& file, const FileCalls& calls);

}  // namespace sweetspot::os
