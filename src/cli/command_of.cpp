#include "cli/command_of.hpp"

#include "app/engines.hpp"
#include "core/text.hpp"
#include "profiles/server_now.hpp"

namespace sweetspot::cli {

std::vector<std::string> command_of(const servers::ServerCard* engine, const Config& config,
                                    std::string_view model_path,
                                    const std::vector<std::string>& rpc) {
  constexpr std::size_t kMostCharsOfAWord = 8192;
  std::vector<std::string> words =
      app::words_to_start(engine, config, std::string(model_path), rpc);
  for (std::string& word : words) word = printable(word, kMostCharsOfAWord);
  return words;
}

std::vector<std::string> command_of(const app::Workplace& workplace, const Config& config,
                                    std::string_view model_path,
                                    const std::vector<std::string>& rpc) {
  const auto engine = app::engine_of(workplace);
  return command_of(engine && *engine ? &**engine : nullptr, config, model_path, rpc);
}

std::vector<std::string> command_of(const app::Workplace& workplace, const Run& run,
                                    std::optional<std::size_t> result) {
  const Trial* const measured = run.result(result);
  if (measured == nullptr) return {};
  const Trial& trial = *measured;
  Config config = trial.config;
  config.placement.n_gpu_layers = trial.layers;
  config.server = profiles::server_then(run, trial);
  return command_of(workplace, config, run.model.path, run.settings.rpc);
}

}  // namespace sweetspot::cli
