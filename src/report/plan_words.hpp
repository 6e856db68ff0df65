// What the screen and the tables of a plan say in the same words. Internal to this room.
#pragma once

#include <cstdint>
#include <string>

#include "plan/plan_record.hpp"

namespace sweetspot::report {

/// "5.12", of GiB.
std::string gib(std::uint64_t bytes);

/// "f16", or "K q8_0, V f16".
std::string types_text(const plan::CacheTypes& types);

/// In llama.cpp's short flags: "-ctk q4_0 -ctv q4_0 -fa on".
std::string what_changes(const plan::Change& change);

/// What is given up for it: "context".
std::string what_it_costs(plan::ChangeKind kind);

}  // namespace sweetspot::report
