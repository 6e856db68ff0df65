#include "worker/synth/new_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstring>

namespace sweetspot::worker {
namespace {

tl::unexpected<std::string> cannot_write(const std::string& path, int problem) {
  return tl::unexpected(fmt::format("cannot write {}: {}", path, std::strerror(problem)));
}

}  // namespace

tl::expected<NewFile, std::string> NewFile::create(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return tl::unexpected(
        fmt::format("cannot write {}: it exists and is not a regular file", path));
  }
  constexpr mode_t kMode = 0644;
  auto file = os::NewFile::create(path, os::Unfinished::nameless, kMode);
  if (!file) return cannot_write(path, file.error());
  return NewFile(std::move(*file), path);
}

NewFile::Status NewFile::said(int problem) const {
  if (problem == 0) return {};
  return cannot_write(path_, problem);
}

NewFile::Status NewFile::reserve(std::uint64_t bytes) { return said(file_.reserve(bytes)); }

NewFile::Status NewFile::write(std::span<const std::uint8_t> bytes) {
  return said(file_.write(std::as_bytes(bytes)));
}

NewFile::Status NewFile::commit() {
  if (Status done = said(file_.commit()); !done) return done;
  // The model is written. That a power loss may undo its renaming is no reason to report a failure.
  static_cast<void>(file_.sync_name());
  return {};
}

}  // namespace sweetspot::worker
