// The machine as it is at this moment, for choosing.
#pragma once

#include "cli/command.hpp"
#include "cli/connection.hpp"
#include "core/error.hpp"
#include "core/profile_set.hpp"

namespace sweetspot::cli {

/// Asks the drivers, then a worker for ggml's devices (RPC servers among them), which it ends
/// again. Where a GPU sleeps and `may_wake` is false no worker is started: drivers alone tell, and
/// the card is not woken. Errors: no worker (internal), an RPC server that cannot be reached
/// (device), Ctrl-C.
Result<LiveMachine> live_now(const Environment& environment, const ConnectionOptions& connection,
                             const ModelKey& model, bool may_wake);

}  // namespace sweetspot::cli
