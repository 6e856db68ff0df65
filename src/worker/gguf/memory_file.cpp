#include "worker/gguf/memory_file.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace sweetspot::worker {
namespace {

std::uint64_t end_of_data(const gguf_context* header, std::uint64_t meta_bytes) {
  std::uint64_t end = meta_bytes;
  for (std::int64_t i = 0; i < gguf_get_n_tensors(header); ++i) {
    end = std::max<std::uint64_t>(
        end, meta_bytes + gguf_get_tensor_offset(header, i) + gguf_get_tensor_size(header, i));
  }
  return end + gguf_get_alignment(header);
}

}  // namespace

Answer<MemoryFile> MemoryFile::create(Phase phase) {
  MemoryFile file(phase);
#ifdef __linux__
  file.file_.reset(::memfd_create("sweetspot-model", MFD_CLOEXEC));
  file.path_ = fmt::format("/proc/self/fd/{}", file.file_.get());
#else
  const char* folder = std::getenv("TMPDIR");
  file.path_ = fmt::format("{}/sweetspot-model-XXXXXX", folder != nullptr ? folder : "/tmp");
  file.file_.reset(::mkstemp(file.path_.data()));
#endif
  if (!file.file_) return file.cannot("create");
  return file;
}

// NOLINTNEXTLINE(modernize-use-equals-default): on Linux the file has no name that would stay
MemoryFile::~MemoryFile() {
#ifndef __linux__
  if (file_) ::unlink(path_.c_str());
#endif
}

tl::unexpected<protocol::Fault> MemoryFile::cannot(const char* what) const {
  return fault(FaultCode::cannot_write, phase_,
               fmt::format("cannot {} a file in memory: {}", what, std::strerror(errno)));
}

Answer<void> MemoryFile::write(std::uint64_t offset, std::span<const std::uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n <= 0) return cannot("write");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

Answer<std::uint64_t> MemoryFile::begin_with(const gguf_context* header) const {
  std::vector<std::uint8_t> meta(gguf_get_meta_size(header));
  gguf_get_meta_data(header, meta.data());
  if (auto done = write(0, meta); !done) return tl::unexpected(done.error());
  const auto size = static_cast<off_t>(end_of_data(header, meta.size()));
  if (::ftruncate(file_.get(), size) != 0) return cannot("extend");
  return meta.size();
}

}  // namespace sweetspot::worker
