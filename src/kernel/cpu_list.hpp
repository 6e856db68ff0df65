// Lists of processors, as the kernel writes them.
#pragma once

#include <string_view>
#include <vector>

namespace sweetspot::kernel {

/// "0-3,8" as 0 1 2 3 8, ascending; empty where it is no such list.
std::vector<int> cpu_list(std::string_view text);

}  // namespace sweetspot::kernel
