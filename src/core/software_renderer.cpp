#include "core/software_renderer.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace sweetspot {

bool is_software_renderer(std::string_view description) {
  constexpr std::array<std::string_view, 5> kNames = {"llvmpipe", "lavapipe", "softpipe",
                                                      "swiftshader", "software"};
  std::string lower(description);
  for (char& letter : lower) {
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view name) { return lower.find(name) != std::string::npos; });
}

}  // namespace sweetspot
