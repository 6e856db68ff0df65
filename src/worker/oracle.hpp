// What llama.cpp would allocate, answered by llama.cpp with allocation switched off.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/memory_map.hpp"
#include "worker/answer.hpp"
#include "worker/gguf/header_file.hpp"
#include "worker/llama_adapter.hpp"

namespace sweetspot::worker {

/// Answers for one model; keeps its header and the last placement between questions. Not thread
/// safe.
class Oracle {
 public:
  /// Reads the header (of every split). The weights need not be there.
  static Answer<Oracle> open(const std::string& path);

  /// One answer for each config, in order. A config that llama.cpp refuses is an answer too; a
  /// fault means that the model or a device cannot be used at all.
  Answer<protocol::MapResult> map(const std::vector<Config>& configs, Reply& reply);

 private:
  Oracle(std::string path, std::vector<GgufFile> files, HeaderFile header)
      : path_(std::move(path)), files_(std::move(files)), header_(std::move(header)) {}

  Answer<PlannedMemory> answer(const Config& config);
  bool loads_on_cpu();
  Answer<void> prepare(const Config& config);
  Answer<void> load(const Placement& placement);
  Answer<ModelHandle> load_from(const std::string& header_path, const Placement& placement) const;
  [[nodiscard]] Answer<PlannedMemory> ask(llama_model& model, const Config& config) const;

  std::string path_;
  std::vector<GgufFile> files_;
  HeaderFile header_;                       ///< without the vocabulary
  std::optional<HeaderFile> whole_header_;  ///< with it, where the answers differ
  bool checked_ = false;                    ///< whether they differ is known
  std::optional<Placement> placement_;      ///< of model_
  ModelHandle model_;
  std::optional<bool> loads_on_cpu_;  ///< nothing = not tried
  std::uint32_t loads_ = 0;
};

}  // namespace sweetspot::worker
