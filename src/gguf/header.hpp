// A GGUF header: what a model file says of itself before its weights begin. Every length in it is
// held against the file before anything is read or made for it, so that a hostile header costs a
// sentence. Knows no ggml.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/model_info.hpp"
#include "gguf/problem.hpp"

namespace sweetspot::gguf {

/// A header that is longer than this is none.
inline constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{1} << 30U;

/// Of an array of integers the elements are kept, up to a million; of others their count.
struct Array {
  std::uint64_t count = 0;
  std::vector<std::int64_t> integers = {};
};

/// Integers that do not fit 64 bits with a sign are kept without one.
using Value = std::variant<std::int64_t, std::uint64_t, double, bool, std::string, Array>;

struct Tensor {
  std::string name;
  std::array<std::uint64_t, 4> shape = {1, 1, 1, 1};
  std::uint32_t type = 0;    ///< gguf/types.hpp
  std::uint64_t offset = 0;  ///< from where the data begins
  /// Of a type that is not known here: up to the next tensor, or the end of the file.
  std::uint64_t bytes = 0;

  [[nodiscard]] std::uint64_t elements() const { return shape[0] * shape[1] * shape[2] * shape[3]; }
};

/// Whether a file may end before its last tensor does.
enum class Extents { must_be_whole, may_be_missing };

class Header {
 public:
  static Read<Header> read(const std::string& path, Extents extents = Extents::must_be_whole);

  [[nodiscard]] const FileStamp& stamp() const { return stamp_; }
  [[nodiscard]] const std::vector<Tensor>& tensors() const { return tensors_; }
  [[nodiscard]] std::uint64_t data_begin() const { return data_begin_; }

  [[nodiscard]] const Value* find(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }

  /// An integer of any width, or a bool. Nothing where the key is missing, of another type or
  /// negative.
  [[nodiscard]] std::optional<std::uint64_t> integer(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> text(std::string_view key) const;
  [[nodiscard]] const Array* array(std::string_view key) const;

  /// Continues `hash` (FNV-1a, 64 bits) with the header's bytes and the file's size.
  [[nodiscard]] std::uint64_t hash(std::uint64_t hash) const;

 private:
  friend class HeaderParser;

  FileStamp stamp_;
  std::map<std::string, Value, std::less<>> values_;
  std::vector<Tensor> tensors_;
  std::uint64_t data_begin_ = 0;
};

}  // namespace sweetspot::gguf
