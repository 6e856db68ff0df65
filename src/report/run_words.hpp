// What the screens of `profile` and `tune` say in the same words. Internal to this room.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/run.hpp"

namespace sweetspot::report {

/// "31.4 tokens/s", "12.0 inputs/s" of a model that only reads, "-" where it was not measured.
std::string speed_in_words(const Trial& trial);

/// The same with its interval: "31.4 ±0.3".
std::string speed_with_interval(const Trial& trial);

/// "tokens/s", or "inputs/s" of a model that only reads.
std::string speed_unit(const Workload& workload);

/// "31 of 33 layers", "0 of 33 layers", "the CPU alone".
std::string layers_of_all(const Run& run, const Trial& trial);

/// "in 2 min 41 s", empty where the run has not ended or nobody knows.
std::string time_taken(const Run& run);

/// Of these results, each once: what disturbed them, and that their speeds are not as exact as was
/// asked for. Sentences.
std::vector<std::string> doubts_about(const Run& run, const std::vector<std::size_t>& results);

/// "2 of 7 failed: out-of-device-memory, crashed"; nothing where none did.
std::vector<std::string> failures_in_words(const Run& run, const std::string& what);

/// The run's notices, safe for a terminal.
std::vector<std::string> notices_of(const Run& run);

}  // namespace sweetspot::report
