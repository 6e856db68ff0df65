#include "worker/slice_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "gguf/model_info.hpp"
#include "ground/bytes.hpp"
#include "os/read_file.hpp"
#include "worker/gguf/edit.hpp"
#include "worker/synth/fill.hpp"

namespace sweetspot::worker {
namespace {

constexpr Phase kSlicePhase = Phase::load;
constexpr std::size_t kCopyBytes = 4 * kMiB;

/// A tensor of the slice and where its data comes from.
struct Part {
  const GgufFile* source = nullptr;
  std::int64_t index = 0;  ///< in the source
  std::string name;        ///< in the slice
  std::vector<std::int64_t> shape;
  bool of_block = false;
  std::uint64_t bytes = 0;   ///< in the slice: the first ones of the source's
  std::uint64_t offset = 0;  ///< in the slice, from where its data begins

  [[nodiscard]] ggml_type type() const { return gguf_get_tensor_type(source->get(), index); }
};

struct ModelShape {
  std::uint64_t blocks = 0;
  std::uint64_t vocab = 0;
};

ModelShape shape_of_model(const GgufFile& first) {
  const std::string prefix = first.header().text("general.architecture").value_or("") + ".";
  const gguf::Array* const tokens = first.header().array("tokenizer.ggml.tokens");
  return {first.header().integer(prefix + "block_count").value_or(0),
          tokens != nullptr ? tokens->count
                            : first.header().integer(prefix + "vocab_size").value_or(0)};
}

/// Why the model has no such slice, or nothing.
std::string problem_with(const protocol::Slice& slice, const ModelShape& model) {
  if (model.blocks == 0) return "its header does not say how many blocks it has";
  if (slice.n_blocks == 0) return "a slice needs at least one block";
  if (std::uint64_t{slice.first_block} + slice.n_blocks > model.blocks) {
    return fmt::format("it has {} blocks, not {} from block {} on", model.blocks, slice.n_blocks,
                       slice.first_block);
  }
  if (slice.vocab_rows == 0 || slice.vocab_rows <= model.vocab) return {};
  return fmt::format("{} rows of its vocabulary were asked for, but it has {}", slice.vocab_rows,
                     model.vocab);
}

/// A kind of block that the model has beside its others, and a slice must have too: llama.cpp makes
/// a cache for each and stops where one stays empty.
std::string missing_kind(const std::vector<GgufFile>& files, const protocol::Slice& slice,
                         const ModelShape& model) {
  std::vector<bool> attends(model.blocks, false);
  for (const GgufFile& file : files) {
    for (std::int64_t i = 0; i < file.n_tensors(); ++i) {
      const auto block = gguf::block_of(file.tensor_name(i));
      if (block && std::cmp_less(*block, model.blocks) && gguf::is_attention(file.tensor_name(i))) {
        attends[static_cast<std::size_t>(*block)] = true;
      }
    }
  }
  const auto begin = attends.begin() + slice.first_block;
  for (const bool kind : {true, false}) {
    const bool in_model = std::count(attends.begin(), attends.end(), kind) > 0;
    if (in_model && std::count(begin, begin + slice.n_blocks, kind) == 0) {
      return fmt::format("blocks {} to {} are all {} attention, and the model has both kinds",
                         slice.first_block, slice.first_block + slice.n_blocks - 1,
                         kind ? "without" : "with");
    }
  }
  return {};
}

/// "blk.17.attn_q.weight" from block 16 on -> "blk.1.attn_q.weight".
std::string renamed(std::string_view name, int block, std::uint32_t first) {
  const std::string_view rest = name.substr(name.find('.', std::string_view("blk.").size()));
  return fmt::format("blk.{}{}", static_cast<std::uint32_t>(block) - first, rest);
}

/// Cuts the dimension that counts tokens, which is always the last one: rows lie one after another.
void cut_rows(Part& part, const ModelShape& model, std::uint32_t rows) {
  const bool by_token = part.shape.size() == 2 || part.name == "output.bias";
  if (rows == 0 || !by_token || !std::cmp_equal(part.shape.back(), model.vocab)) return;
  part.shape.back() = rows;
}

std::vector<Part> parts_of(const std::vector<GgufFile>& files, const protocol::Slice& slice,
                           const ModelShape& model) {
  std::vector<Part> parts;
  for (const GgufFile& file : files) {
    for (std::int64_t i = 0; i < file.n_tensors(); ++i) {
      const std::string_view name = file.tensor_name(i);
      Part part{&file, i, std::string(name), shape_of(file.get(), i)};
      if (const auto block = gguf::block_of(name)) {
        const auto number = static_cast<std::uint64_t>(*block);
        if (number < slice.first_block || number >= slice.first_block + slice.n_blocks) continue;
        part.name = renamed(name, *block, slice.first_block);
        part.of_block = true;
      } else {
        cut_rows(part, model, slice.vocab_rows);
      }
      parts.push_back(std::move(part));
    }
  }
  return parts;
}

/// Adds the tensors to `header` and notes in `parts` where they went.
void add_tensors(gguf_context* header, std::vector<Part>& parts) {
  const GgmlHandle shapes = shapes_only(parts.size());
  std::int64_t index = 0;
  for (Part& part : parts) {
    ggml_tensor* tensor = ggml_new_tensor(shapes.get(), part.type(),
                                          static_cast<int>(part.shape.size()), part.shape.data());
    ggml_set_name(tensor, part.name.c_str());
    gguf_add_tensor(header, tensor);
    part.bytes = ggml_nbytes(tensor);
    part.offset = gguf_get_tensor_offset(header, index++);
  }
}

GgufHandle header_of(const GgufFile& first, const protocol::Slice& slice) {
  GgufHandle header(gguf_init_empty());
  gguf_set_kv(header.get(), first.get());
  remove_keys(header.get(), "split.");
  cut_blocks(header.get(), first, slice.first_block, slice.n_blocks);
  if (slice.vocab_rows == 0) return header;
  cut_vocabulary(header.get(), first);
  const std::string key = first.header().text("general.architecture").value_or("") + ".vocab_size";
  gguf_set_val_u32(header.get(), key.c_str(), slice.vocab_rows);
  return header;
}

protocol::SliceBytes count_bytes(const std::vector<Part>& parts) {
  protocol::SliceBytes bytes;
  std::uint64_t embeddings = 0;
  for (const Part& part : parts) {
    bytes.total_bytes += part.bytes;
    if (part.of_block) bytes.block_bytes += part.bytes;
    if (part.name == "output.weight") bytes.output_bytes += part.bytes;
    if (part.name == "token_embd.weight") embeddings = part.bytes;
  }
  if (bytes.output_bytes == 0) bytes.output_bytes = embeddings;
  return bytes;
}

/// A file open for reading.
class Source {
 public:
  explicit Source(const GgufFile& file)
      : file_(file), descriptor_(os::open_to_read(file.header().stamp().path)) {}

  [[nodiscard]] bool holds(const Part& part) const {
    return begin_of(part) + part.bytes <= file_.header().stamp().size_bytes;
  }

  /// The bytes of `part` from `offset` on.
  Answer<void> read(const Part& part, std::uint64_t offset, std::span<std::uint8_t> out) const {
    const auto read =
        os::read_at(descriptor_, begin_of(part) + offset, std::as_writable_bytes(out));
    if (read == std::ssize(out)) return {};
    return fault(
        FaultCode::cannot_open, kSlicePhase,
        fmt::format("cannot read tensor {} of {}: {}", part.name, file_.header().stamp().path,
                    read >= 0 ? "the file ends before" : std::strerror(errno)));
  }

 private:
  [[nodiscard]] std::uint64_t begin_of(const Part& part) const {
    return gguf_get_data_offset(file_.get()) + gguf_get_tensor_offset(file_.get(), part.index);
  }

  const GgufFile& file_;
  os::Descriptor descriptor_;
};

/// Writes the data of all parts, from the file where it has it, else at random.
class DataCopier {
 public:
  DataCopier(const MemoryFile& file, std::uint64_t data_begins, WeightFiller filler, Reply& reply,
             std::uint64_t total_bytes)
      : file_(file),
        data_begins_(data_begins),
        filler_(std::move(filler)),
        reply_(reply),
        total_bytes_(total_bytes),
        buffer_(kCopyBytes) {}

  Answer<void> run(const std::vector<Part>& parts) {
    for (const Part& part : parts) {
      const Source source(*part.source);
      const bool held = source.holds(part);
      if (!held && !can_fill(part.type())) {
        return fault(FaultCode::unsupported, kSlicePhase,
                     fmt::format("the file does not hold tensor {}, and its type {} cannot be "
                                 "filled at random",
                                 part.name, ggml_type_name(part.type())));
      }
      if (auto done = copy(part, held ? &source : nullptr); !done) return done;
    }
    return {};
  }

 private:
  Answer<void> copy(const Part& part, const Source* source) {
    const std::size_t step = kCopyBytes / ggml_type_size(part.type()) * ggml_type_size(part.type());
    for (std::uint64_t done = 0; done < part.bytes;) {
      const std::span chunk(buffer_.data(), std::min<std::uint64_t>(step, part.bytes - done));
      if (source == nullptr) {
        filler_.fill(part.type(), filling_of(part.name, part.type(), part.shape.size()), chunk);
      } else if (auto read = source->read(part, done, chunk); !read) {
        return read;
      }
      if (auto written = file_.write(data_begins_ + part.offset + done, chunk); !written) {
        return written;
      }
      done += chunk.size();
      written_ += chunk.size();
      reply_.progress(kSlicePhase,
                      static_cast<double>(written_) / static_cast<double>(total_bytes_));
    }
    return {};
  }

  const MemoryFile& file_;
  std::uint64_t data_begins_;
  WeightFiller filler_;
  Reply& reply_;
  std::uint64_t total_bytes_;
  std::uint64_t written_ = 0;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace

Answer<SliceFile> make_slice(const std::vector<GgufFile>& files, const protocol::Slice& slice,
                             Reply& reply) {
  const GgufFile& first = files.front();
  const ModelShape model = shape_of_model(first);
  std::string problem = problem_with(slice, model);
  if (problem.empty()) problem = missing_kind(files, slice, model);
  if (!problem.empty()) {
    return fault(FaultCode::bad_request, kSlicePhase,
                 fmt::format("{} cannot be sliced: {}", first.header().stamp().path, problem));
  }
  const GgufHandle header = header_of(first, slice);
  std::vector<Part> parts = parts_of(files, slice, model);
  add_tensors(header.get(), parts);

  auto file = MemoryFile::create(kSlicePhase);
  if (!file) return tl::unexpected(file.error());
  const auto data = file->begin_with(header.get());
  if (!data) return tl::unexpected(data.error());
  SliceFile made{*std::move(file), count_bytes(parts)};
  const auto width = first.header().integer(
      first.header().text("general.architecture").value_or("") + ".embedding_length");
  WeightFiller filler(/*seed=*/1, deviation_for(static_cast<double>(width.value_or(2048))));
  DataCopier copier(made.file, *data, std::move(filler), reply, made.bytes.total_bytes);
  if (auto copied = copier.run(parts); !copied) return tl::unexpected(copied.error());
  return made;
}

}  // namespace sweetspot::worker
