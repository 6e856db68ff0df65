#include "adapter/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "core/no_device.hpp"
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
  std::vector<std::string> words;
  std::string lacks;
  const auto add = [&](dialect::Spelling spelling) {
    for (std::string& word : spelling.words) words.push_back(std::move(word));
    if (lacks.empty()) lacks = std::move(spelling.lacks);
  };
  add(spell(abilities, Extra::model, model_path));
  // llama-server looks devices up as it reads: servers come before the devices that are theirs.
  if (!rpc.empty() && !uses_no_device(config.placement)) {
    add(spell(abilities, Extra::rpc, fmt::format("{}", fmt::join(rpc, ","))));
  }
  dialect::ConfigWords said = dialect::spell_config(abilities, config);
  for (std::string& word : said.words) words.push_back(std::move(word));
  if (lacks.empty() && !said.lacks.empty()) lacks = said.lacks.front();
  if (shares_with_itself(abilities, config)) words.emplace_back("--kv-unified");
  for (const Extra extra :
       {Extra::no_fit, Extra::no_ui, Extra::slots, Extra::buffer_lines, Extra::offline}) {
    add(spell(abilities, extra));
  }
  if (!lacks.empty()) return tl::unexpected(lacks);
  return words;
}

}  // namespace sweetspot::adapter
