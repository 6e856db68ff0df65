#include "worker/gguf/file.hpp"

#include <fmt/format.h>
#include <llama.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace sweetspot::worker {
namespace {

constexpr std::uint64_t kMaxSplits = 1000;

using FilePtr = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

FilePtr open_binary(const std::string& path) {
  return {std::fopen(path.c_str(), "rbe"), &std::fclose};
}

/// Empty where the file begins as a GGUF does.
std::string magic_problem(const std::string& path) {
  const FilePtr file = open_binary(path);
  if (!file) return std::strerror(errno);
  std::array<char, 4> magic{};
  const std::size_t n = std::fread(magic.data(), 1, magic.size(), file.get());
  if (n == magic.size() && std::memcmp(magic.data(), GGUF_MAGIC, magic.size()) == 0) return {};
  return "not a GGUF file (it does not begin with GGUF)";
}

std::uint64_t fnv1a(std::uint64_t hash, const void* data, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
  return hash;
}

/// `name` of the split `index` of `count` beside the first one, or nothing where the name does not
/// fit.
std::optional<std::string> split_name(const std::string& first, int index, int count) {
  std::vector<char> buffer(first.size() + 64);
  if (llama_split_prefix(buffer.data(), buffer.size(), first.c_str(), 0, count) <= 0) {
    return std::nullopt;
  }
  const std::string prefix = buffer.data();
  if (llama_split_path(buffer.data(), buffer.size(), prefix.c_str(), index, count) <= 0) {
    return std::nullopt;
  }
  return std::string(buffer.data());
}

}  // namespace

Answer<FileStamp> stamp_file(const std::string& path, Phase phase) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || ::access(path.c_str(), R_OK) != 0) {
    return fault(FaultCode::cannot_open, phase,
                 fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  if (S_ISDIR(info.st_mode)) {
    return fault(FaultCode::cannot_open, phase,
                 fmt::format("cannot open {}: it is a directory, not a GGUF file", path));
  }
  if (!S_ISREG(info.st_mode)) {
    return fault(FaultCode::cannot_open, phase,
                 fmt::format("cannot open {}: it is not a regular file", path));
  }
  FileStamp stamp;
  stamp.path = path;
  stamp.size_bytes = static_cast<std::uint64_t>(info.st_size);
  stamp.inode = static_cast<std::uint64_t>(info.st_ino);
#ifdef __APPLE__
  const timespec& changed = info.st_mtimespec;
#else
  const timespec& changed = info.st_mtim;
#endif
  stamp.mtime_ns = std::int64_t{changed.tv_sec} * 1'000'000'000 + changed.tv_nsec;
  return stamp;
}

Answer<GgufFile> GgufFile::open(const std::string& path, Phase phase, HeaderReader read_header,
                                Extents extents) {
  auto stamp = stamp_file(path, phase);
  if (!stamp) return tl::unexpected(stamp.error());
  const auto invalid = [&](const std::string& why) {
    return fault(FaultCode::header_invalid, phase, fmt::format("{} cannot be used: {}", path, why));
  };
  if (stamp->size_bytes == 0) return invalid("the file is empty");
  if (const std::string problem = magic_problem(path); !problem.empty()) return invalid(problem);

  auto context = read_header(path);
  if (!context) {
    const std::string& said = context.error();
    return invalid("its header cannot be read" + (said.empty() ? "" : ": " + said));
  }
  GgufFile file(*std::move(context), *std::move(stamp));
  if (extents == Extents::must_be_whole) {
    if (const std::string problem = file.extent_problem(); !problem.empty()) {
      return invalid(problem);
    }
  }
  return file;
}

std::string GgufFile::extent_problem() const {
  const std::uint64_t size = stamp_.size_bytes;
  const std::uint64_t data = gguf_get_data_offset(context_.get());
  for (std::int64_t i = 0; i < n_tensors(); ++i) {
    const std::uint64_t offset = gguf_get_tensor_offset(context_.get(), i);
    const std::uint64_t bytes = tensor_bytes(i);
    // In this order no sum can wrap around.
    const bool inside = data <= size && offset <= size - data && bytes <= size - data - offset;
    if (!inside) {
      return fmt::format("the file ends at byte {} but tensor {} needs bytes {} to {}", size,
                         tensor_name(i), data + offset, data + offset + bytes);
    }
  }
  return {};
}

bool GgufFile::has(const std::string& key) const {
  return gguf_find_key(context_.get(), key.c_str()) >= 0;
}

bool GgufFile::is_array(const std::string& key) const {
  const std::int64_t id = gguf_find_key(context_.get(), key.c_str());
  return id >= 0 && gguf_get_kv_type(context_.get(), id) == GGUF_TYPE_ARRAY;
}

std::optional<std::uint64_t> GgufFile::integer(const std::string& key) const {
  const gguf_context* c = context_.get();
  const std::int64_t id = gguf_find_key(c, key.c_str());
  if (id < 0) return std::nullopt;
  std::int64_t value = -1;
  switch (gguf_get_kv_type(c, id)) {
    case GGUF_TYPE_UINT8:
      value = gguf_get_val_u8(c, id);
      break;
    case GGUF_TYPE_INT8:
      value = std::int64_t{gguf_get_val_i8(c, id)};
      break;
    case GGUF_TYPE_UINT16:
      value = gguf_get_val_u16(c, id);
      break;
    case GGUF_TYPE_INT16:
      value = gguf_get_val_i16(c, id);
      break;
    case GGUF_TYPE_UINT32:
      value = gguf_get_val_u32(c, id);
      break;
    case GGUF_TYPE_INT32:
      value = gguf_get_val_i32(c, id);
      break;
    case GGUF_TYPE_UINT64:
      return gguf_get_val_u64(c, id);
    case GGUF_TYPE_INT64:
      value = gguf_get_val_i64(c, id);
      break;
    case GGUF_TYPE_BOOL:
      value = gguf_get_val_bool(c, id) ? 1 : 0;
      break;
    default:
      break;
  }
  if (value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

std::optional<std::string> GgufFile::text(const std::string& key) const {
  const std::int64_t id = gguf_find_key(context_.get(), key.c_str());
  if (id < 0 || gguf_get_kv_type(context_.get(), id) != GGUF_TYPE_STRING) return std::nullopt;
  return std::string(gguf_get_val_str(context_.get(), id));
}

std::optional<std::size_t> GgufFile::array_size(const std::string& key) const {
  if (!is_array(key)) return std::nullopt;
  return gguf_get_arr_n(context_.get(), gguf_find_key(context_.get(), key.c_str()));
}

std::string_view GgufFile::tensor_name(std::int64_t index) const {
  return gguf_get_tensor_name(context_.get(), index);
}

std::uint64_t GgufFile::tensor_bytes(std::int64_t index) const {
  return gguf_get_tensor_size(context_.get(), index);
}

std::uint64_t GgufFile::tensor_elements(std::int64_t index) const {
  const std::int64_t* ne = gguf_get_tensor_ne(context_.get(), index);
  std::uint64_t product = 1;
  for (int i = 0; i < GGML_MAX_DIMS; ++i) product *= static_cast<std::uint64_t>(ne[i]);
  return product;
}

std::uint64_t GgufFile::hash(std::uint64_t hash) const {
  const FilePtr file = open_binary(stamp_.path);
  std::uint64_t left = gguf_get_data_offset(context_.get());
  std::vector<char> chunk(std::size_t{1} << 16U);
  while (file && left > 0) {
    const std::size_t n =
        std::fread(chunk.data(), 1, std::min<std::uint64_t>(left, chunk.size()), file.get());
    if (n == 0) break;
    hash = fnv1a(hash, chunk.data(), n);
    left -= n;
  }
  return fnv1a(hash, &stamp_.size_bytes, sizeof(stamp_.size_bytes));
}

std::optional<int> block_of(std::string_view tensor) {
  constexpr std::string_view kPrefix = "blk.";
  if (tensor.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  tensor.remove_prefix(kPrefix.size());
  int block = 0;
  const auto [end, failure] = std::from_chars(tensor.data(), tensor.data() + tensor.size(), block);
  const bool complete = end != tensor.data() + tensor.size() && *end == '.';
  if (failure != std::errc{} || !complete || block < 0) return std::nullopt;
  return block;
}

bool is_attention(std::string_view tensor) {
  return tensor.find(".attn_q.weight") != std::string_view::npos ||
         tensor.find(".attn_qkv.weight") != std::string_view::npos;
}

Answer<std::vector<GgufFile>> open_model_files(const std::string& path, Phase phase,
                                               HeaderReader read_header, Extents extents) {
  auto first = GgufFile::open(path, phase, read_header, extents);
  if (!first) return tl::unexpected(first.error());
  const std::uint64_t count = first->integer("split.count").value_or(0);
  const std::uint64_t index = first->integer("split.no").value_or(0);
  std::vector<GgufFile> files;
  files.push_back(*std::move(first));
  if (count <= 1) return files;

  const auto invalid = [&](const std::string& why) {
    return fault(FaultCode::header_invalid, phase, fmt::format("{} cannot be used: {}", path, why));
  };
  if (count > kMaxSplits) return invalid(fmt::format("it says it is split into {} files", count));
  if (index != 0) {
    return invalid(
        fmt::format("it is file {} of {} of a split model; name the first one", index + 1, count));
  }
  for (int i = 1; i < static_cast<int>(count); ++i) {
    const auto name = split_name(path, i, static_cast<int>(count));
    if (!name) {
      return invalid(fmt::format(
          "it is the first of {0} files, but its name does not end in -00001-of-{0:05}.gguf",
          count));
    }
    auto next = GgufFile::open(*name, phase, read_header, extents);
    if (!next) {
      next.error().message += fmt::format(" (it is file {} of {} of {})", i + 1, count, path);
      return tl::unexpected(next.error());
    }
    if (next->integer("split.no").value_or(0) != static_cast<std::uint64_t>(i)) {
      return invalid(fmt::format("{} does not say that it is file {} of {}", *name, i + 1, count));
    }
    files.push_back(*std::move(next));
  }
  return files;
}

}  // namespace sweetspot::worker
