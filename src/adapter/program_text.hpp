// What a program prints when it is asked what it is.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "adapter/words.hpp"

namespace sweetspot::adapter {

/// Runs it to its end and returns both its streams, up to 4 MiB, whatever its exit code: some exit
/// with 1 after their help. A fault of `phase` where it cannot be started or does not end in time.
Answer<std::string> printed_by(const std::vector<std::string>& argv, Phase phase,
                               std::chrono::milliseconds timeout);

}  // namespace sweetspot::adapter
