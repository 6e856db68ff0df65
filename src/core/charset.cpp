#include "core/charset.hpp"

#include <atomic>
#include <cctype>
#include <string>

namespace sweetspot {
namespace {

std::atomic<bool>& ascii() {
  static std::atomic<bool> only{false};
  return only;
}

}  // namespace

void use_ascii_text() { ascii() = true; }

bool text_is_ascii() { return ascii(); }

bool locale_is_utf8(std::string_view lc_all, std::string_view lc_ctype, std::string_view lang) {
  const std::string_view name = !lc_all.empty() ? lc_all : !lc_ctype.empty() ? lc_ctype : lang;
  std::string letters;  // "de_DE.UTF-8", "C.utf8": the dash and the case differ
  for (const char c : name) {
    if (c != '-') letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return letters.find("utf8") != std::string::npos;
}

}  // namespace sweetspot
