#include "worker/gguf/types.hpp"

#include <algorithm>
#include <cctype>

namespace sweetspot::worker {
namespace {

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

}  // namespace

std::optional<ggml_type> type_by_name(std::string_view name) {
  for (int i = 0; i < GGML_TYPE_COUNT; ++i) {
    const auto type = static_cast<ggml_type>(i);
    const char* known = ggml_type_name(type);
    if (known != nullptr && ggml_blck_size(type) > 0 && same_letters(known, name)) return type;
  }
  return std::nullopt;
}

}  // namespace sweetspot::worker
