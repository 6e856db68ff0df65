#include "cli/command_of.hpp"

#include "core/text.hpp"
#include "export/llama_server.hpp"
#include "profiles/server_now.hpp"

namespace sweetspot::cli {

std::vector<std::string> command_of(const Config& config, std::string_view model_path,
                                    const std::vector<std::string>& rpc) {
  constexpr std::size_t kMostCharsOfAWord = 8192;
  std::vector<std::string> words = exporting::command_words(config, model_path, rpc);
  for (std::string& word : words) word = printable(word, kMostCharsOfAWord);
  return words;
}

std::vector<std::string> command_of(const Run& run, std::optional<std::size_t> result) {
  if (!result || *result >= run.results.size()) return {};
  const Trial& trial = run.results[*result];
  Config config = trial.config;
  config.placement.n_gpu_layers = trial.layers;
  config.server = profiles::server_then(run, trial);
  return command_of(config, run.model.path, run.settings.rpc);
}

}  // namespace sweetspot::cli
