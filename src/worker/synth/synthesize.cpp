#include "worker/synth/synthesize.hpp"

#include <fmt/format.h>
#include <gguf.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "ground/bytes.hpp"
#include "worker/gguf/file.hpp"
#include "worker/synth/fill.hpp"
#include "worker/synth/header.hpp"
#include "worker/synth/new_file.hpp"

namespace sweetspot::worker {
namespace {

constexpr std::size_t kFillBytes = 4 * kMiB;

tl::unexpected<protocol::Fault> cannot_write(const std::string& why) {
  return fault(FaultCode::cannot_write, Phase::synth, why);
}

/// Writes the data of every tensor of `header`, each padded to the alignment.
class DataWriter {
 public:
  DataWriter(const SynthHeader& header, WeightFiller filler, NewFile& file, Reply& reply)
      : header_(header),
        filler_(std::move(filler)),
        file_(file),
        reply_(reply),
        buffer_(kFillBytes) {}

  NewFile::Status run() {
    const std::int64_t count = gguf_get_n_tensors(header_.gguf.get());
    for (std::int64_t i = 0; i < count; ++i) {
      if (auto done = tensor(i); !done) return done;
    }
    return {};
  }

 private:
  NewFile::Status tensor(std::int64_t index) {
    const gguf_context* gguf = header_.gguf.get();
    const ggml_type type = gguf_get_tensor_type(gguf, index);
    const std::size_t block = ggml_type_size(type);
    std::size_t left = gguf_get_tensor_size(gguf, index);
    const std::size_t padded =
        (left + header_.alignment - 1) / header_.alignment * header_.alignment;
    const std::size_t padding = padded - left;
    while (left > 0) {
      const std::span part(buffer_.data(), std::min(left, kFillBytes / block * block));
      filler_.fill(type, header_.fillings[static_cast<std::size_t>(index)], part);
      if (auto done = file_.write(part); !done) return done;
      left -= part.size();
      written_ += part.size();
      reply_.progress(Phase::synth,
                      static_cast<double>(written_) /
                          static_cast<double>(std::max<std::uint64_t>(1, header_.data_bytes)));
    }
    const std::vector<std::uint8_t> zeros(padding);
    return file_.write(zeros);
  }

  const SynthHeader& header_;
  WeightFiller filler_;
  NewFile& file_;
  Reply& reply_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t written_ = 0;
};

}  // namespace

Answer<protocol::SynthResult> synthesize(const protocol::SynthRequest& request,
                                         HeaderReader read_header, Reply& reply) {
  auto header = request.like_path ? header_like(request, read_header) : header_from(request);
  if (!header) return tl::unexpected(header.error());

  auto file = NewFile::create(request.out_path);
  if (!file) return cannot_write(file.error());
  std::vector<std::uint8_t> meta(gguf_get_meta_size(header->gguf.get()));
  gguf_get_meta_data(header->gguf.get(), meta.data());
  const std::uint64_t bytes = meta.size() + (request.header_only ? 0 : header->data_bytes);
  if (auto done = file->reserve(bytes); !done) return cannot_write(done.error());
  if (auto done = file->write(meta); !done) return cannot_write(done.error());
  if (!request.header_only) {
    DataWriter writer(*header, WeightFiller(request.seed, header->deviation), *file, reply);
    if (auto done = writer.run(); !done) return cannot_write(done.error());
  }
  if (auto done = file->commit(); !done) return cannot_write(done.error());
  return protocol::SynthResult{bytes, header->n_params,
                               static_cast<std::uint64_t>(gguf_get_n_tensors(header->gguf.get()))};
}

}  // namespace sweetspot::worker
