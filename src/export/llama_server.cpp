#include "export/llama_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/text.hpp"
#include "dialect/spelling.hpp"
#include "export/host_formats.hpp"
#include "export/llama_names.hpp"
#include "export/quoting.hpp"

namespace sweetspot::exporting {
namespace {

std::string joined(const std::vector<std::string>& arguments,
                   std::string (*word)(std::string_view text)) {
  std::string line;
  for (const std::string& argument : arguments) {
    if (!line.empty()) line += ' ';
    line += word(argument);
  }
  return line;
}

std::vector<std::string> arguments_of_engine(const dialect::Abilities& engine, const Config& config,
                                             std::string_view model_path,
                                             const std::vector<std::string>& rpc) {
  std::vector<std::string> arguments;
  const auto command = dialect::spell_command(engine, config, model_path, rpc);
  for (const dialect::SaidWords& said : command.said) {
    arguments.insert(arguments.end(), said.words.begin(), said.words.end());
  }
  return arguments;
}

}  // namespace

std::vector<std::string> llama_server_arguments(const Config& config, std::string_view model_path,
                                                const std::vector<std::string>& rpc,
                                                const dialect::Abilities* engine) {
  if (engine != nullptr) return arguments_of_engine(*engine, config, model_path, rpc);
  std::vector<std::string> arguments = {"--model", std::string(model_path)};
  // llama-server looks devices up as it reads: servers come before the devices that are theirs.
  if (std::string servers = servers_text(config, rpc); !servers.empty()) {
    arguments.insert(arguments.end(), {"--rpc", std::move(servers)});
  }
  for (const SaidKnob& said : said_knobs(config)) {
    for (std::string& flag : flags_of(said)) arguments.push_back(std::move(flag));
  }
  arguments.insert(arguments.end(), {"--fit", "off"});
  return arguments;
}

std::vector<std::string> command_words(const Config& config, std::string_view model_path,
                                       const std::vector<std::string>& rpc,
                                       const dialect::Abilities* engine,
                                       const std::vector<std::string>& starter) {
  std::vector<std::string> words(starter.size());
  std::transform(starter.begin(), starter.end(), words.begin(),
                 [](const std::string& word) { return pasted_word(word); });
  if (engine != nullptr) {
    const auto command = dialect::spell_command(*engine, config, model_path, rpc);
    for (const dialect::SaidWords& said : command.said) {
      words.push_back(joined(said.words, pasted_word));
    }
    return words;
  }
  words.push_back("-m " + pasted_word(model_path));
  if (const std::string servers = servers_text(config, rpc); !servers.empty()) {
    words.push_back("--rpc " + pasted_word(servers));
  }
  for (const SaidKnob& said : said_knobs(config)) {
    const std::vector<std::string> flags = flags_of(said);
    if (flags.empty()) continue;
    const bool* const on = std::get_if<bool>(&said.value);
    std::string word = short_flag(*said.knob, on == nullptr || *on);
    if (flags.size() > 1) word += ' ' + pasted_word(flags.back());
    words.push_back(std::move(word));
  }
  words.emplace_back("--fit off");
  return words;
}

std::string shell_line(const std::vector<std::string>& arguments) {
  return joined(arguments, shell_word);
}

std::string line_to_paste(const std::vector<std::string>& arguments) {
  return joined(arguments, pasted_word);
}

Result<Exported> to_llama_server(const ExportJob& job) {
  const auto arguments =
      llama_server_arguments(job.config, job.model_path, job.rpc, job.engine.get());
  Exported document{line_to_paste(arguments) + "\n", {}};
  if (!std::all_of(arguments.begin(), arguments.end(), is_printable)) {
    document.notes.emplace_back(
        "control characters are written as $'...', which bash and zsh read, dash and fish do not");
  }
  return document;
}

}  // namespace sweetspot::exporting
