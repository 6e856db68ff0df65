// A measured run as a line of the history.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/fields.hpp"
#include "core/run.hpp"
#include "core/trial.hpp"

namespace sweetspot {

/// Texts come from files that anybody may have written: hostile until escaped.
struct RunEntry {
  std::string name;        ///< its file's name without ".json"; what a person calls it by
  std::string path;        ///< absolute; the file is the truth, this line only what is searched
  std::string started_at;  ///< UTC, ISO 8601
  std::string mode;        ///< adaptive, quick, full, custom, tune, check, compare
  bool complete = false;   ///< false: interrupted, or still being measured
  std::string model;       ///< the file's name
  std::string
      fingerprint;      ///< ModelInfo::fingerprint: the same for equal files whatever their names
  std::string machine;  ///< the devices that layers can lie on, else the processor
  std::string engine;   ///< "0.7.0 build 11669 (Debian)"
  // Of the winner of a tune or the fastest safe row of a sweep; empty where there is none.
  std::optional<int> layers;
  std::optional<std::uint32_t> n_ctx;
  std::optional<Estimate> tokens_per_second;  ///< generated
  std::optional<double> prompt_tokens_per_second;

  bool operator==(const RunEntry&) const = default;
};

void fields(auto& f, Is<RunEntry> auto& entry) {
  f("name", entry.name);
  f("path", entry.path);
  f("started_at", entry.started_at);
  f("mode", entry.mode);
  f("complete", entry.complete);
  f("model", entry.model);
  f("fingerprint", entry.fingerprint);
  f("machine", entry.machine);
  f("engine", entry.engine);
  f("layers", entry.layers);
  f("n_ctx", entry.n_ctx);
  f("tokens_per_second", entry.tokens_per_second);
  f("prompt_tokens_per_second", entry.prompt_tokens_per_second);
}

/// The line of `run`, which lies at `path`.
RunEntry entry_of(const Run& run, const std::string& path);

}  // namespace sweetspot
