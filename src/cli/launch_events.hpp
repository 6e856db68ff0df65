// What a launch reports, for people or as JSON lines; both on stderr, since stdout is the
// program's.
#pragma once

#include "core/json.hpp"
#include "launch/events.hpp"
#include "process/standard_stream.hpp"

namespace sweetspot::cli {

/// {"event": "healthy", "at": ..., ...}
Json to_json(const launch::Event& event);

void tell(process::StandardStream* stream, const launch::Event& event, bool json);

}  // namespace sweetspot::cli
