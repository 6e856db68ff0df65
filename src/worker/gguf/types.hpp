// ggml's types by their names.
#pragma once

#include <ggml.h>

#include <optional>
#include <string_view>

namespace sweetspot::worker {

/// The ggml type of that name ("f16", "q8_0", "q4_K"), letter case apart.
std::optional<ggml_type> type_by_name(std::string_view name);

}  // namespace sweetspot::worker
