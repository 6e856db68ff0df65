#include "worker/gguf/header_file.hpp"

#include <cstdint>

#include "worker/gguf/edit.hpp"

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

}  // namespace

Answer<HeaderFile> HeaderFile::make(const std::vector<GgufFile>& files, Vocabulary vocabulary,
                                    Phase phase) {
  const GgufHandle header(gguf_init_empty());
  gguf_set_kv(header.get(), files.front().get());
  remove_keys(header.get(), "split.");
  if (vocabulary == Vocabulary::left_out) cut_vocabulary(header.get(), files.front());
  add_tensors(header.get(), files);
  auto file = MemoryFile::create(phase);
  if (!file) return tl::unexpected(file.error());
  if (auto begun = file->begin_with(header.get()); !begun) return tl::unexpected(begun.error());
  return HeaderFile(*std::move(file));
}

}  // namespace sweetspot::worker
