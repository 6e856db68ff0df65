// Headers byte by byte, so that tests can say what is wrong with them.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

namespace sweetspot::gguf {

/// Appends numbers and texts as GGUF has them.
class Bytes {
 public:
  template <typename T>
  Bytes& number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return *this;
  }
  Bytes& text(std::string_view text) {
    number<std::uint64_t>(text.size());
    bytes_.append(text);
    return *this;
  }
  Bytes& raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  Bytes& zeros(std::size_t count) {
    bytes_.append(count, '\0');
    return *this;
  }
  [[nodiscard]] const std::string& str() const { return bytes_; }

  void write(const std::string& path) const {
    std::ofstream(path, std::ios::binary)
        .write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  }

 private:
  std::string bytes_;
};

inline Bytes begin(std::uint64_t tensors, std::uint64_t pairs, std::uint32_t version = 3) {
  Bytes bytes;
  bytes.raw("GGUF").number(version).number(tensors).number(pairs);
  return bytes;
}

constexpr std::uint32_t kU32 = 4;
constexpr std::uint32_t kString = 8;
constexpr std::uint32_t kArray = 9;

inline Bytes& architecture(Bytes& bytes) {
  return bytes.text("general.architecture").number(kString).text("llama");
}

}  // namespace sweetspot::gguf
