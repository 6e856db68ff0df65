// Which options of a command most people use: those of its short help, in its order.
#pragma once

#include <span>
#include <string_view>

namespace sweetspot::cli {

/// By the command's own name: "profile". Empty of a command whose options are few: all are basic.
std::span<const std::string_view> basic_options(std::string_view command);

}  // namespace sweetspot::cli
