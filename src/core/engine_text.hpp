// The engine in a fingerprint's words.
#pragma once

#include <string_view>

namespace sweetspot {

/// "0.7.0 build 11669 (Debian), 0f1e2d3c4b5a6978": its own words, and the hash of its program,
/// which only another program is told from. Views into the text that was taken apart.
struct EngineText {
  std::string_view build;
  std::string_view hash;  ///< 16 hex digits; empty of the linked worker
};

EngineText engine_text(std::string_view llama_cpp);

}  // namespace sweetspot
