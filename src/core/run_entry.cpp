#include "core/run_entry.hpp"

#include <filesystem>

namespace sweetspot {
namespace {

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
  entry.engine = run.engine.build();
  if (const Trial* best = run.result(run.best())) {
    entry.layers = best->layers;
    entry.n_ctx = best->config.context.n_ctx;
    if (best->generation) entry.tokens_per_second = best->generation->tokens_per_second;
    if (best->prompt) entry.prompt_tokens_per_second = best->prompt->tokens_per_second.value;
  }
  return entry;
}

}  // namespace sweetspot
