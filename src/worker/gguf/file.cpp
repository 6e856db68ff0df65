#include "worker/gguf/file.hpp"

#include <fmt/format.h>

#include "answering/model.hpp"
#include "gguf/model_files.hpp"

namespace sweetspot::worker {

Answer<GgufFile> GgufFile::open(gguf::Header header, Phase phase, HeaderReader read_header) {
  const std::string path = header.stamp().path;
  auto context = read_header(path);
  if (!context) {
    const std::string& said = context.error();
    return fault(FaultCode::header_invalid, phase,
                 fmt::format("{} cannot be used: its header cannot be read{}{}", path,
                             said.empty() ? "" : ": ", said));
  }
  return GgufFile(std::move(header), *std::move(context));
}

Answer<GgufFile> GgufFile::open(const std::string& path, Phase phase, HeaderReader read_header) {
  auto header = gguf::Header::read(path, gguf::Extents::may_be_missing);
  if (!header) return tl::unexpected(answering::fault_of(header.error(), phase));
  return open(*std::move(header), phase, read_header);
}

std::string_view GgufFile::tensor_name(std::int64_t index) const {
  return gguf_get_tensor_name(context_.get(), index);
}

std::uint64_t GgufFile::tensor_bytes(std::int64_t index) const {
  return gguf_get_tensor_size(context_.get(), index);
}

Answer<std::vector<GgufFile>> open_model_files(const std::string& path, Phase phase,
                                               HeaderReader read_header) {
  auto headers = gguf::read_model_files(path, gguf::Extents::may_be_missing);
  if (!headers) return tl::unexpected(answering::fault_of(headers.error(), phase));
  std::vector<GgufFile> files;
  for (gguf::Header& header : *headers) {
    auto file = GgufFile::open(std::move(header), phase, read_header);
    if (!file) return tl::unexpected(file.error());
    files.push_back(*std::move(file));
  }
  return files;
}

}  // namespace sweetspot::worker
