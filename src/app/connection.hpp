// How a use case reaches a worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/workplace.hpp"
#include "core/error.hpp"
#include "engine/worker.hpp"

namespace sweetspot::app {

/// What a user may say about workers.
struct Connection {
  std::vector<std::string> rpc = {};                     ///< "host:port", each of them one
  double load_timeout_seconds = 0;                       ///< 0 = from the file's size
  double step_timeout_seconds = 0;                       ///< 0 = engine's default
  std::optional<std::uint64_t> host_reserve_bytes = {};  ///< nothing = a share of the host's memory
};

/// Left to the rest of a system with so much memory while a model loads: 5 %, at least 256 MiB, at
/// most 2 GiB. Speeds of a machine that swaps are worthless.
std::uint64_t default_host_reserve_bytes(std::uint64_t total_bytes);

/// Finds the worker program for the engine that is wanted and fills in deadlines, the cancel token
/// and the memory that must stay free on the host. Errors: those of engine_of(); internal: no
/// worker.
Result<engine::StartOptions> start_options(const Workplace& workplace,
                                           const Connection& connection = {});

/// A worker that has said hello. Errors as those of start_options(), and what became of it.
Result<engine::Worker> start_worker(const Workplace& workplace, const Connection& connection = {});

}  // namespace sweetspot::app
