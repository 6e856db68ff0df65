// Reading small files of /sys and /proc, with the root and the reader replaceable.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "core/reading.hpp"

namespace sweetspot::kernel {

/// The first 4 MiB of a file, or errno. A file of sysfs can exist and still fail (ENOTSUPP,
/// EBUSY).
using FileReader = std::function<tl::expected<std::string, int>(const std::string& path)>;

tl::expected<std::string, int> read_small_file(const std::string& path);

/// Names in a folder, sorted; empty where it cannot be listed.
std::vector<std::string> list_folder(const std::string& path);

/// A root to read below ("" is the real one) and how to read.
struct FileTree {
  std::string root;
  FileReader read = read_small_file;

  [[nodiscard]] std::string path(std::string_view absolute) const;
  /// The content without trailing white space. Absent where empty or failing; the reason names the
  /// file's last part and the error.
  [[nodiscard]] Reading<std::string> text(const std::string& absolute) const;
  /// A whole unsigned number. Absent also where the text is anything else.
  [[nodiscard]] Reading<std::uint64_t> number(const std::string& absolute) const;
  [[nodiscard]] std::vector<std::string> folder(const std::string& absolute) const;
};

/// The real tree, or the one SWEETSPOT_SYSFS_ROOT names (for tests of whole programs).
FileTree default_tree();

}  // namespace sweetspot::kernel
