// What a launch reports, for people or as JSON lines; both on stderr, since stdout is the
// program's.
#pragma once

#include "core/json.hpp"
#include "launch/events.hpp"

namespace sweetspot::cli {

/// {"event": "healthy", "at": ..., ...}
Json to_json(const launch::Event& event);

void tell(const launch::Event& event, bool json);

}  // namespace sweetspot::cli
