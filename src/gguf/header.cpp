#include "gguf/header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <set>
#include <utility>

#include "core/ranges.hpp"
#include "core/text.hpp"
#include "gguf/file_bytes.hpp"
#include "gguf/types.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::gguf {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint32_t kOldestVersion = 2;
constexpr std::uint32_t kNewestVersion = 3;
constexpr std::uint64_t kMaxNameBytes = 63;  // GGML_MAX_NAME
constexpr std::uint64_t kMaxKeyBytes = 65535;
constexpr std::uint64_t kMaxKeptIntegers = 1'000'000;
constexpr std::uint64_t kDefaultAlignment = 32;
/// What the shortest entry of either list takes: its lengths and numbers.
constexpr std::uint64_t kLeastPairBytes = 13;
constexpr std::uint64_t kLeastTensorBytes = 32;

enum ValueType : std::uint32_t {
  type_u8 = 0,
  type_i8,
  type_u16,
  type_i16,
  type_u32,
  type_i32,
  type_f32,
  type_bool,
  type_string,
  type_array,
  type_u64,
  type_i64,
  type_f64,
};

/// 0 for what has no fixed size.
std::uint64_t bytes_of(std::uint32_t type) {
  switch (type) {
    case type_u8:
    case type_i8:
    case type_bool:
      return 1;
    case type_u16:
    case type_i16:
      return 2;
    case type_u32:
    case type_i32:
    case type_f32:
      return 4;
    case type_u64:
    case type_i64:
    case type_f64:
      return 8;
    default:
      return 0;
  }
}

bool is_integer(std::uint32_t type) {
  return bytes_of(type) > 0 && type != type_f32 && type != type_f64 && type != type_bool;
}

/// a * b, or nothing where that does not fit.
std::optional<std::uint64_t> product(std::uint64_t a, std::uint64_t b) {
  if (b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b) return std::nullopt;
  return a * b;
}

}  // namespace

/// Reads one file from its beginning on. A member that returns false has said why in why_.
class HeaderParser {
 public:
  explicit HeaderParser(FileBytes& bytes) : bytes_(bytes) {}

  [[nodiscard]] const std::string& why() const { return why_; }

  bool parse(Header& header) {
    const auto version = bytes_.number<std::uint32_t>();
    if (!version) return ends();
    if (*version < kOldestVersion || *version > kNewestVersion) return refuse_version(*version);
    const auto n_tensors = bytes_.number<std::uint64_t>();
    const auto n_pairs = bytes_.number<std::uint64_t>();
    if (!n_tensors || !n_pairs) return ends();
    if (*n_pairs > bytes_.left() / kLeastPairBytes ||
        *n_tensors > bytes_.left() / kLeastTensorBytes) {
      return refuse(
          fmt::format("the file is incomplete or damaged ({} entries and {} tensors in {} bytes); "
                      "finish the download",
                      *n_pairs, *n_tensors, bytes_.stamp().size_bytes));
    }
    for (std::uint64_t i = 0; i < *n_pairs; ++i) {
      if (!pair(header)) return false;
    }
    header.tensors_.reserve(static_cast<std::size_t>(*n_tensors));
    for (std::uint64_t i = 0; i < *n_tensors; ++i) {
      if (!tensor(header)) return false;
    }
    return place_data(header);
  }

 private:
  bool refuse(std::string why) {
    why_ = std::move(why);
    return false;
  }
  bool ends() {
    if (bytes_.stamp().size_bytes > kMaxHeaderBytes) {
      return refuse(fmt::format("it is longer than {} bytes", kMaxHeaderBytes));
    }
    return refuse(fmt::format(
        "the file is incomplete or damaged (it ends after {} bytes); finish the download",
        bytes_.stamp().size_bytes));
  }

  bool refuse_version(std::uint32_t version) {
    if ((version & 0xffffU) == 0) return refuse("it was written for big-endian machines");
    return refuse(fmt::format("it is of GGUF version {}, versions {} and {} are known", version,
                              kOldestVersion, kNewestVersion));
  }

  bool string(std::string& text, std::uint64_t most) {
    const auto length = bytes_.number<std::uint64_t>();
    if (!length) return ends();
    if (*length > most) {
      return refuse(fmt::format("a text at byte {} is {} bytes long", bytes_.position(), *length));
    }
    auto read = bytes_.text(*length);
    if (!read) return ends();
    text = *std::move(read);
    return true;
  }

  bool skip_string() {
    const auto length = bytes_.number<std::uint64_t>();
    return length && bytes_.skip(*length) ? true : ends();
  }

  template <typename T>
  bool number(Value& value) {
    const auto read = bytes_.number<T>();
    if (!read) return ends();
    if constexpr (std::is_floating_point_v<T>) {
      value = static_cast<double>(*read);
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      constexpr std::uint64_t kSigned = std::numeric_limits<std::int64_t>::max();
      if (*read > kSigned) {
        value = *read;
      } else {
        value = static_cast<std::int64_t>(*read);
      }
    } else {
      value = static_cast<std::int64_t>(*read);
    }
    return true;
  }

  bool scalar(std::uint32_t type, Value& value) {
    switch (type) {
      case type_u8:
        return number<std::uint8_t>(value);
      case type_i8:
        return number<std::int8_t>(value);
      case type_u16:
        return number<std::uint16_t>(value);
      case type_i16:
        return number<std::int16_t>(value);
      case type_u32:
        return number<std::uint32_t>(value);
      case type_i32:
        return number<std::int32_t>(value);
      case type_u64:
        return number<std::uint64_t>(value);
      case type_i64:
        return number<std::int64_t>(value);
      case type_f32:
        return number<float>(value);
      case type_f64:
        return number<double>(value);
      case type_bool: {
        const auto read = bytes_.number<std::uint8_t>();
        if (!read) return ends();
        value = *read != 0;
        return true;
      }
      case type_string: {
        std::string text;
        if (!string(text, bytes_.left())) return false;
        value = std::move(text);
        return true;
      }
      default:
        return refuse(fmt::format("an entry is of type {}, which there is not", type));
    }
  }

  bool array(Value& value) {
    const auto type = bytes_.number<std::uint32_t>();
    const auto count = bytes_.number<std::uint64_t>();
    if (!type || !count) return ends();
    Array array{*count, {}};
    if (*type == type_string) {
      for (std::uint64_t i = 0; i < *count; ++i) {
        if (!skip_string()) return false;
      }
    } else if (is_integer(*type) && *count <= kMaxKeptIntegers) {
      if (*count > bytes_.left() / bytes_of(*type)) return ends();
      array.integers.reserve(static_cast<std::size_t>(*count));
      for (std::uint64_t i = 0; i < *count; ++i) {
        Value element;
        if (!scalar(*type, element)) return false;
        const auto* const integer = std::get_if<std::int64_t>(&element);
        array.integers.push_back(integer != nullptr ? *integer : -1);
      }
    } else {
      const std::uint64_t each = bytes_of(*type);
      if (each == 0) return refuse(fmt::format("an array is of type {}", *type));
      const auto all = product(*count, each);
      if (!all || !bytes_.skip(*all)) return ends();
    }
    value = std::move(array);
    return true;
  }

  bool pair(Header& header) {
    std::string key;
    if (!string(key, kMaxKeyBytes)) return false;
    const auto type = bytes_.number<std::uint32_t>();
    if (!type) return ends();
    Value value;
    if (!(*type == type_array ? array(value) : scalar(*type, value))) return false;
    const auto [place, is_new] = header.values_.emplace(key, std::move(value));
    if (!is_new) return refuse(fmt::format("it has the entry {} twice", shortened(key)));
    return true;
  }

  bool tensor(Header& header) {
    Tensor tensor;
    if (!string(tensor.name, kMaxNameBytes)) return false;
    const auto dimensions = bytes_.number<std::uint32_t>();
    if (!dimensions) return ends();
    if (*dimensions > tensor.shape.size()) {
      return refuse(fmt::format("tensor {} has {} dimensions", tensor.name, *dimensions));
    }
    std::uint64_t elements = 1;
    for (std::uint32_t i = 0; i < *dimensions; ++i) {
      const auto length = bytes_.number<std::uint64_t>();
      if (!length) return ends();
      tensor.shape.at(i) = *length;
      const auto all = product(elements, *length);
      if (!all || *all > static_cast<std::uint64_t>(kPlausibleParameters.high)) {
        return refuse(fmt::format("tensor {} has more elements than any", tensor.name));
      }
      elements = *all;
    }
    const auto type = bytes_.number<std::uint32_t>();
    const auto offset = bytes_.number<std::uint64_t>();
    if (!type || !offset) return ends();
    tensor.type = *type;
    tensor.offset = *offset;
    if (!size(tensor)) return false;
    if (!names_.insert(tensor.name).second) {
      return refuse(fmt::format("it has the tensor {} twice", tensor.name));
    }
    header.tensors_.push_back(std::move(tensor));
    return true;
  }

  /// In rows of whole blocks; nothing yet for a type that is not known here.
  bool size(Tensor& tensor) {
    const auto type = tensor_type(tensor.type);
    if (!type) return true;
    if (tensor.shape[0] % type->block_elements != 0) {
      return refuse(fmt::format("tensor {} of type {} has rows of {}, no multiple of {}",
                                tensor.name, type->name, tensor.shape[0], type->block_elements));
    }
    tensor.bytes = tensor.elements() / type->block_elements * type->block_bytes;
    return true;
  }

  bool place_data(Header& header) {
    const std::uint64_t alignment = header.integer("general.alignment").value_or(kDefaultAlignment);
    if (alignment == 0 || !std::has_single_bit(alignment) || alignment > kMaxHeaderBytes) {
      return refuse(fmt::format("its data is said to be aligned to {} bytes", alignment));
    }
    const std::uint64_t rest = bytes_.position() % alignment;
    header.data_begin_ = bytes_.position() + (rest == 0 ? 0 : alignment - rest);
    size_unknown(header);
    return true;
  }

  void size_unknown(Header& header) const {
    const std::uint64_t size = bytes_.stamp().size_bytes;
    const std::uint64_t data = size > header.data_begin_ ? size - header.data_begin_ : 0;
    std::set<std::uint64_t> begins;
    for (const Tensor& tensor : header.tensors_) begins.insert(tensor.offset);
    for (Tensor& tensor : header.tensors_) {
      if (tensor_type(tensor.type)) continue;
      const auto next = begins.upper_bound(tensor.offset);
      const std::uint64_t end = next == begins.end() ? data : *next;
      tensor.bytes = end > tensor.offset ? end - tensor.offset : 0;
    }
  }

  FileBytes& bytes_;
  std::set<std::string> names_;
  std::string why_;
};

namespace {

// What the file has when nothing of it is missing.
std::uint64_t whole_size(const Header& header) {
  std::uint64_t size = header.data_begin();
  for (const Tensor& tensor : header.tensors()) {
    size = std::max(size, plus(plus(header.data_begin(), tensor.offset), tensor.bytes));
  }
  return size;
}

std::string extent_problem(const Header& header) {
  const std::uint64_t size = header.stamp().size_bytes;
  const std::uint64_t data = header.data_begin();
  for (const Tensor& tensor : header.tensors()) {
    // In this order no sum can wrap around.
    const bool inside =
        data <= size && tensor.offset <= size - data && tensor.bytes <= size - data - tensor.offset;
    if (!inside) {
      return fmt::format(
          "the file is incomplete ({} of {}): finish the download, or use `sweetspot plan`, which "
          "needs its header only",
          format_bytes(size), format_bytes(whole_size(header)));
    }
  }
  return {};
}

}  // namespace

Read<Header> Header::read(const std::string& path, Extents extents) {
  auto bytes = FileBytes::open(path, kMaxHeaderBytes);
  if (!bytes) return tl::unexpected(bytes.error());
  const auto refused = [&](const std::string& why) {
    return invalid(fmt::format("{} cannot be used: {}", path, why));
  };
  if (bytes->stamp().size_bytes == 0) return refused("the file is empty");
  if (bytes->text(kMagic.size()) != kMagic) {
    return refused("not a GGUF file (it does not begin with GGUF)");
  }
  Header header;
  header.stamp_ = bytes->stamp();
  HeaderParser parser(*bytes);
  if (!parser.parse(header)) return refused("its header cannot be read: " + parser.why());
  if (extents == Extents::must_be_whole) {
    if (const std::string problem = extent_problem(header); !problem.empty()) {
      return refused(problem);
    }
  }
  return header;
}

const Value* Header::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> Header::integer(std::string_view key) const {
  const Value* const value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* large = std::get_if<std::uint64_t>(value)) return *large;
  if (const auto* flag = std::get_if<bool>(value)) return *flag ? 1 : 0;
  const auto* number = std::get_if<std::int64_t>(value);
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::optional<std::string> Header::text(std::string_view key) const {
  const auto* const text = std::get_if<std::string>(find(key));
  return text == nullptr ? std::nullopt : std::optional(*text);
}

const Array* Header::array(std::string_view key) const { return std::get_if<Array>(find(key)); }

std::uint64_t Header::hash(std::uint64_t hash) const {
  const auto bytes = FileBytes::open(stamp_.path, kMaxHeaderBytes);
  return bytes ? bytes->hash(hash, data_begin_) : hash;
}

}  // namespace sweetspot::gguf
