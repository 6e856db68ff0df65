// A file that llama.cpp can open and that takes no disk: it lives as long as this object, and as
// long as what was mapped from it.
#pragma once

#include <gguf.h>

#include <cstdint>
#include <span>
#include <string>

#include "os/descriptor.hpp"
#include "worker/answer.hpp"

namespace sweetspot::worker {

/// Move only.
class MemoryFile {
 public:
  static Answer<MemoryFile> create(Phase phase);

  ~MemoryFile();
  MemoryFile(MemoryFile&& other) noexcept = default;
  MemoryFile& operator=(MemoryFile&&) = delete;

  /// What to open; good in this process only.
  [[nodiscard]] const std::string& path() const { return path_; }

  Answer<void> write(std::uint64_t offset, std::span<const std::uint8_t> bytes) const;

  /// Writes `header` and makes the file as long as its tensors need; their data is a hole. Returns
  /// where the data begins.
  Answer<std::uint64_t> begin_with(const gguf_context* header) const;

 private:
  explicit MemoryFile(Phase phase) : phase_(phase) {}

  [[nodiscard]] tl::unexpected<protocol::Fault> cannot(const char* what) const;

  os::Descriptor file_;
  std::string path_;
  Phase phase_;
};

}  // namespace sweetspot::worker
