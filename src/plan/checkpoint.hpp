// What one context checkpoint of llama-server takes.
#pragma once

#include <cstdint>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/reading.hpp"
#include "plan/map_source.hpp"

namespace sweetspot::plan {

/// llama-server keeps, in host memory, copies of what cannot be cut back to an earlier token: the
/// windows of sliding-window layers and recurrent states (tools/server/server-context.cpp,
/// create_checkpoint). Bytes of one copy of one sequence when its window is full; 0 where all of
/// the cache can be cut, and no copies are made. A few bytes for each cell are not counted.
///
/// Found in llama.cpp's own memory maps: that part alone does not grow with the context. Of a
/// sliding window only the window itself is copied, not the room for a piece of a prompt beside it;
/// how large that is, a cache of the whole context and other sizes of pieces tell, to 32 tokens.
/// Absent with llama.cpp's reason where it refuses one of the contexts. Asks 3 to 13 times with one
/// placement.
Result<Reading<std::uint64_t>> checkpoint_bytes(const Config& config, const MapSource& source);

}  // namespace sweetspot::plan
