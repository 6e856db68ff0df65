#include "adapter/command_line.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "dialect/spelling.hpp"

namespace sweetspot::adapter {
namespace {

using dialect::Abilities;
using dialect::Extra;

/// Where one sequence was asked for, builds 6925 to 7432 make four that share the cache unless they
/// are told that one shares it with itself, which is no difference.
bool shares_with_itself(const Abilities& abilities, const Config& config) {
  return config.context.n_parallel == 1 && !config.context.kv_unified &&
         abilities.knows("--kv-unified") && !abilities.knows("--no-kv-unified");
}

}  // namespace

Config in_words(Config config, int threads) {
  if (config.context.n_threads == 0) config.context.n_threads = threads;
  if (config.context.n_threads_batch == 0) {
    config.context.n_threads_batch = config.context.n_threads;
  }
  config.server.cache_ram_mib = 0;
  return config;
}

tl::expected<std::vector<std::string>, std::string> server_arguments(
    const Abilities& abilities, const Config& config, const std::string& model_path,
    const std::vector<std::string>& rpc) {
  dialect::CommandWords command = dialect::spell_command(abilities, config, model_path, rpc);
  if (!command.lacks.empty()) return tl::unexpected(command.lacks.front());
  std::vector<std::string> words;
  const auto add = [&words](std::vector<std::string> said) {
    std::move(said.begin(), said.end(), std::back_inserter(words));
  };
  for (dialect::SaidWords& said : command.said) add(std::move(said.words));
  if (shares_with_itself(abilities, config)) words.emplace_back("--kv-unified");
  for (const Extra extra : {Extra::no_ui, Extra::slots, Extra::buffer_lines, Extra::offline}) {
    add(spell(abilities, extra).words);
  }
  return words;
}

}  // namespace sweetspot::adapter
