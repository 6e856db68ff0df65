// The history as a table.
#pragma once

#include <span>
#include <string>

#include "core/run_entry.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// A line per run: its name, when, the model, where, what was fastest. What is the same in all of
/// them, model, machine or llama.cpp, is said once beneath the table.
std::string history_table(std::span<const RunEntry> entries, const Style& style);

}  // namespace sweetspot::report
