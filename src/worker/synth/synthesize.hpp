// Models for testing and measuring that nobody has to download.
#pragma once

#include "worker/answer.hpp"
#include "worker/gguf/file.hpp"

namespace sweetspot::worker {

/// Writes a GGUF of the requested geometry, or of another GGUF's header, with random weights.
Answer<protocol::SynthResult> synthesize(const protocol::SynthRequest& request,
                                         HeaderReader read_header, Reply& reply);

}  // namespace sweetspot::worker
