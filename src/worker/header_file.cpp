#include "worker/header_file.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "worker/gguf_edit.hpp"

namespace sweetspot::worker {
namespace {

void add_tensors(gguf_context* header, const std::vector<GgufFile>& files) {
  std::int64_t count = 0;
  for (const GgufFile& file : files) count += file.n_tensors();
  const GgmlHandle shapes = shapes_only(static_cast<std::size_t>(count));
  for (const GgufFile& file : files) {
    for (std::int64_t i = 0; i < file.n_tensors(); ++i) {
      ggml_tensor* tensor = ggml_new_tensor(shapes.get(), gguf_get_tensor_type(file.get(), i),
                                            GGML_MAX_DIMS, gguf_get_tensor_ne(file.get(), i));
      ggml_set_name(tensor, std::string(file.tensor_name(i)).c_str());
      gguf_add_tensor(header, tensor);
    }
  }
}

std::uint64_t end_of_data(const gguf_context* header, std::uint64_t meta_bytes) {
  std::uint64_t end = meta_bytes;
  for (std::int64_t i = 0; i < gguf_get_n_tensors(header); ++i) {
    end = std::max<std::uint64_t>(
        end, meta_bytes + gguf_get_tensor_offset(header, i) + gguf_get_tensor_size(header, i));
  }
  return end + gguf_get_alignment(header);
}

tl::unexpected<protocol::Fault> cannot(const char* what, Phase phase) {
  return fault(
      FaultCode::cannot_write, phase,
      fmt::format("cannot {} a file for the model's header: {}", what, std::strerror(errno)));
}

}  // namespace

Answer<HeaderFile> HeaderFile::make(const std::vector<GgufFile>& files, Vocabulary vocabulary,
                                    Phase phase) {
  const GgufHandle header(gguf_init_empty());
  gguf_set_kv(header.get(), files.front().get());
  remove_keys(header.get(), "split.");
  if (vocabulary == Vocabulary::left_out) cut_vocabulary(header.get(), files.front());
  add_tensors(header.get(), files);
  HeaderFile file;
  if (auto created = file.create(phase); !created) return tl::unexpected(created.error());
  if (auto filled = file.fill(header.get(), phase); !filled) return tl::unexpected(filled.error());
  return file;
}

HeaderFile::~HeaderFile() {
  if (fd_ < 0) return;
  ::close(fd_);
#ifndef __linux__
  ::unlink(path_.c_str());
#endif
}

Answer<void> HeaderFile::create(Phase phase) {
#ifdef __linux__
  fd_ = ::memfd_create("sweetspot-header", MFD_CLOEXEC);
  path_ = fmt::format("/proc/self/fd/{}", fd_);
#else
  const char* folder = std::getenv("TMPDIR");
  path_ = fmt::format("{}/sweetspot-header-XXXXXX", folder != nullptr ? folder : "/tmp");
  fd_ = ::mkstemp(path_.data());
#endif
  if (fd_ < 0) return cannot("create", phase);
  return {};
}

Answer<void> HeaderFile::fill(const gguf_context* header, Phase phase) const {
  std::vector<char> meta(gguf_get_meta_size(header));
  gguf_get_meta_data(header, meta.data());
  for (std::size_t written = 0; written < meta.size();) {
    const ssize_t n = ::write(fd_, meta.data() + written, meta.size() - written);
    if (n <= 0) return cannot("write", phase);
    written += static_cast<std::size_t>(n);
  }
  const auto size = static_cast<off_t>(end_of_data(header, meta.size()));
  if (::ftruncate(fd_, size) != 0) return cannot("extend", phase);
  return {};
}

}  // namespace sweetspot::worker
