// What a pretended machine answers to the requests of a trial, in the words of the protocol: for
// the simulated worker, which sends it, and for the simulation of the search, which does not.
#pragma once

#include <cstdint>
#include <functional>

#include "core/error.hpp"
#include "core/memory_map.hpp"
#include "machine/machine.hpp"
#include "machine/session.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::fake {

/// As a worker's oracle has it.
PlannedMemory planned_memory(const Machine& machine, const Config& config);

Outcome<protocol::LoadResult> load(const Machine& machine, Session& session,
                                   const Placement& placement);
Outcome<protocol::ContextResult> make_context(const Machine& machine, Session& session,
                                              const ContextSettings& settings);

/// A failure here ends a real worker: a device ran out of memory while it computed.
Outcome<protocol::CheckResult> check(Session& session);
Outcome<protocol::MeasureResult> measure(Session& session, const protocol::MeasureRequest& request,
                                         const std::function<bool(const Sample&)>& on_sample);
Outcome<protocol::FullDepthResult> full_depth(const Machine& machine, Session& session);

}  // namespace sweetspot::fake
