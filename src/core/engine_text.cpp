#include "core/engine_text.hpp"

#include <cstddef>

namespace sweetspot {

EngineText engine_text(std::string_view llama_cpp) {
  constexpr std::size_t kHashDigits = 16;
  const std::size_t comma = llama_cpp.rfind(", ");
  if (comma == std::string_view::npos) return {llama_cpp, {}};
  const std::string_view hash = llama_cpp.substr(comma + 2);
  const bool is_hash = hash.size() == kHashDigits &&
                       hash.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return is_hash ? EngineText{llama_cpp.substr(0, comma), hash} : EngineText{llama_cpp, {}};
}

}  // namespace sweetspot
