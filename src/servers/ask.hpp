// A program of llama.cpp's started so that nothing but its arguments decides what it does, and what
// it prints when it is asked something.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "process/cancel.hpp"
#include "process/child.hpp"
#include "process/tree.hpp"

namespace sweetspot::servers {

/// Without the variables that llama.cpp's programs read, which apply beneath their flags, and with
/// a configuration home that does not exist, for their configuration files do so too.
process::SpawnOptions plain_start(std::vector<std::string> argv);

struct Printed {
  std::string text;  ///< both streams, the last MiB
  process::ExitStatus status;
};

/// Runs it to its end, whatever its exit code: some exit with 1 after their help. One that asks
/// something reads the end of its input.
/// Errors: device: it cannot be started or does not end in time; interrupted.
Result<Printed> printed_by(std::vector<std::string> argv, std::chrono::milliseconds patience,
                           const process::CancelToken* cancel = nullptr);

}  // namespace sweetspot::servers
