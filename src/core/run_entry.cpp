#include "core/run_entry.hpp"

#include <filesystem>

namespace sweetspot {
namespace {

const Trial* best_of(const Run& run) {
  const std::optional<std::size_t> index = run.tune ? run.tune->winner : run.analysis.optimum;
  return index && *index < run.results.size() ? &run.results[*index] : nullptr;
}

std::string machine_of(const Run& run) {
  std::string cards;
  for (const DeviceReport& report : run.devices) {
    if (!report.device.can_offload()) continue;
    if (!cards.empty()) cards.append(" + ");
    cards.append(report.device.description);
  }
  return cards.empty() ? run.machine.cpu : cards;
}

}  // namespace

RunEntry entry_of(const Run& run, const std::string& path) {
  RunEntry entry;
  entry.name = std::filesystem::path(path).stem().string();
  entry.path = path;
  entry.started_at = run.started_at;
  entry.mode = run.settings.mode;
  entry.complete = run.settings.complete;
  entry.model = std::filesystem::path(run.model.path).filename().string();
  entry.fingerprint = run.model.fingerprint;
  entry.machine = machine_of(run);
  const Engine& engine = run.engine;
  entry.engine = engine.llama_build.empty() ? engine.llama_version : engine.llama_build;
  if (const Trial* best = best_of(run)) {
    entry.layers = best->layers;
    entry.n_ctx = best->config.context.n_ctx;
    if (best->generation) entry.tokens_per_second = best->generation->tokens_per_second;
    if (best->prompt) entry.prompt_tokens_per_second = best->prompt->tokens_per_second.value;
  }
  return entry;
}

}  // namespace sweetspot
