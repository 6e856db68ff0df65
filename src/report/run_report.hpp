// A run in words and tables. Shows finished values, computes none.
//
// Every function returns whole lines (or nothing at all), safe for a terminal whatever the model
// file or a library put into the run: text from outside passes core/text.hpp's printable(). What is
// absent is shown as "-", never as 0.
#pragma once

#include <string>

#include "core/run.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

enum class SortBy { speed, layers };

/// What is measured: model, quantization, size, blocks, devices, engine, workload, notices.
std::string header_text(const Run& run, const Style& style);

/// One row per trial, the analysis' optimum marked with "*" and ties with "~"; failed rows say
/// their class. "#" is the index into results of the file. Sorted by speed, best first and failures
/// last, or by layers. Lines under the table explain what the rows have in common: where VRAM
/// figures come from, why a whole column is "-", that equal requests were measured once.
std::string results_table(const Run& run, const Style& style, SortBy sort_by = SortBy::speed);

/// Of an adaptive run: the layer counts that were not measured, predicted with their intervals or
/// with the reason why they were left, and what was settled with which doubt. Empty for other runs.
std::string curve_text(const Run& run, const Style& style);

/// Device memory of each row three ways: as llama.cpp said before loading, as it then allocated,
/// and what the driver saw. Empty where nothing was predicted.
std::string memory_table(const Run& run, const Style& style);

/// Optimum and its ties, speed-up over the CPU, VRAM per layer, diminishing returns, heat.
std::string analysis_text(const Run& run, const Style& style);

/// The profile set, each with the result that proves it, or why there is none.
std::string profiles_text(const Run& run, const Style& style);

/// Each failed trial with class, phase, message and the last lines the worker printed. Empty where
/// nothing failed.
std::string failures_text(const Run& run, const Style& style);

}  // namespace sweetspot::report
