// This machine's devices for another machine's llama.cpp, over ggml's RPC.
#pragma once

#include "worker/answer.hpp"

namespace sweetspot::worker {

/// Says `ready` and then serves until the process ends. Returns only to say why it cannot. Loads
/// the backends where hello has not; whether the address may be open to others is for the caller to
/// decide.
protocol::Fault serve(const protocol::ServeRequest& request, bool backends_loaded, Reply& reply);

}  // namespace sweetspot::worker
