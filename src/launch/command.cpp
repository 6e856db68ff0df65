#include "launch/command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "core/knobs.hpp"
#include "core/server_flags.hpp"
#include "core/text.hpp"
#include "dialect/spelling.hpp"
#include "export/llama_server.hpp"
#include "ground/pieces.hpp"
#include "launch/arguments.hpp"

namespace sweetspot::launch {
namespace {

using Arguments = std::vector<std::string>;

// llama-cli and llama-completion decode one sequence and do not have every flag of the server.
bool is_for_servers(std::string_view flag) {
  return is_one_of(
      "--kv-unified,--no-kv-unified,--embedding,--pooling,--cache-ram,--ctx-checkpoints", flag);
}

bool takes_value(std::string_view flag) {
  const Knob* knob = find_knob_of_flag(flag);
  return knob == nullptr || !is_switch(*knob);
}

std::string_view other_flags(std::string_view flag) {
  if (flag == "--model") return "-m,--model";
  return flag == "--fit" ? "-fit,--fit" : flag;
}

// Of our own arguments, flag by flag.
std::vector<dialect::SaidWords> said_of(const Arguments& ours) {
  std::vector<dialect::SaidWords> all;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    dialect::SaidWords said{{ours[i]}, find_knob_of_flag(ours[i]), {}};
    if (takes_value(ours[i]) && i + 1 < ours.size()) said.words.push_back(ours[++i]);
    all.push_back(std::move(said));
  }
  return all;
}

Arguments flags_of(const SavedProfile& profile, const std::string& model_path,
                   const Arguments& rpc) {
  return exporting::llama_server_arguments(profile.config, model_path, rpc);
}

// Of what we would say what the user does not say.
Arguments not_said(const std::vector<dialect::SaidWords>& ours, const Program& program) {
  Arguments kept;
  for (const dialect::SaidWords& said : ours) {
    if (said.words.empty()) continue;
    const std::string& flag = said.words.front();
    const bool by_user = said.knob != nullptr
                             ? says_knob(program, *said.knob)
                             : says(program, said.flags.empty() ? other_flags(flag) : said.flags);
    const bool unknown = program.kind != ProgramKind::llama_server &&
                         program.kind != ProgramKind::other && is_for_servers(flag);
    if (!by_user && !unknown) kept.insert(kept.end(), said.words.begin(), said.words.end());
  }
  return kept;
}

// ---- placeholders of other programs
// --------------------------------------------------------------------------

using Values = std::map<std::string, std::string, std::less<>>;

Values placeholder_values(const SavedProfile& profile, const std::string& model_path,
                          const Arguments& rpc, const Endpoint& listen) {
  Values values = {{"model", model_path},
                   {"profile", profile.name},
                   {"host", listen.host},
                   {"port", std::to_string(listen.port)},
                   {"rpc", fmt::format("{}", fmt::join(rpc, ","))},
                   {"flags", exporting::shell_line(flags_of(profile, model_path, rpc))}};
  for (const Knob& knob : knobs()) {
    values.emplace(std::string(knob.name), knob_text(knob.get(profile.config)));
  }
  return values;
}

std::string_view name_in_braces(std::string_view text) {
  const std::size_t end = text.find('}');
  if (!text.starts_with('{') || end == std::string_view::npos) return {};
  const std::string_view name = text.substr(1, end - 1);
  const bool plain =
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos;
  return plain ? name : std::string_view{};
}

// Replaces "{name}"; anything else in braces (JSON, a shell's ${...}) stays. `used` counts.
Result<std::string> filled_in(std::string_view text, const Values& values, std::size_t& used) {
  std::string result;
  while (!text.empty()) {
    const std::size_t brace = text.find('{');
    const bool of_shell = brace != std::string_view::npos && brace > 0 && text[brace - 1] == '$';
    result += text.substr(0, brace);
    if (brace == std::string_view::npos) break;
    text.remove_prefix(brace);
    const std::string_view name = of_shell ? std::string_view{} : name_in_braces(text);
    if (name.empty()) {
      result += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto found = values.find(name);
    if (found == values.end()) {
      return error(
          ErrorKind::usage, fmt::format("there is no placeholder {{{}}}", name),
          "use {model}, {flags}, {port}, {host}, {rpc}, {profile} or a knob's name such as "
          "{n_gpu_layers}, {n_ctx}, {n_batch}, {n_ubatch}, {n_threads}");
    }
    result += found->second;
    ++used;
    text.remove_prefix(name.size() + 2);
  }
  return result;
}

Result<Arguments> fill_placeholders(const Program& program, const SavedProfile& profile,
                                    const std::string& model_path, const Arguments& rpc,
                                    const Endpoint& listen) {
  const Values values = placeholder_values(profile, model_path, rpc, listen);
  Arguments result = {program.argv.front()};
  std::size_t used = 0;
  for (std::size_t i = 1; i < program.argv.size(); ++i) {
    if (program.argv[i] == "{flags}") {
      const Arguments flags = flags_of(profile, model_path, rpc);
      result.insert(result.end(), flags.begin(), flags.end());
      ++used;
      continue;
    }
    Result<std::string> argument = filled_in(program.argv[i], values, used);
    if (!argument) return tl::unexpected(argument.error());
    result.push_back(*std::move(argument));
  }
  if (used > 0) return result;
  return error(ErrorKind::usage,
               fmt::format("{} would not learn of the profile", shortened(program.argv.front())),
               "say where its values go: {model}, {flags}, {n_gpu_layers}, {n_ctx}, {port} and the "
               "like in its arguments");
}

std::optional<int> port_from(std::string_view text) {
  constexpr int kHighest = 65535;
  const auto port = number_of<int>(text);
  return port && *port >= 1 && *port <= kHighest ? port : std::nullopt;
}

std::string reachable(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  if (host == "::") return "::1";
  return host;
}

}  // namespace

HostProgram host_program_of(ProgramKind kind) {
  const bool serves = kind == ProgramKind::llama_server || kind == ProgramKind::llama_cli;
  return serves ? HostProgram::llama_server : HostProgram::libllama;
}

ProgramKind kind_of(std::string_view program) {
  const std::size_t slash = program.rfind('/');
  const std::string_view name =
      slash == std::string_view::npos ? program : program.substr(slash + 1);
  if (name == "llama-server") return ProgramKind::llama_server;
  if (name == "llama-cli") return ProgramKind::llama_cli;
  if (name == "llama-completion") return ProgramKind::llama_completion;
  return ProgramKind::other;
}

Result<ServerAddress> address_of(const Program& program, const Endpoint& wanted,
                                 const std::string& api_key) {
  ServerAddress address;
  address.listen = wanted;
  address.api_key = api_key;
  if (program.kind == ProgramKind::llama_server) {
    if (const auto host = value_of(program, "--host")) address.listen.host = *host;
    if (const auto port = value_of(program, "--port")) {
      const std::optional<int> number = port_from(*port);
      if (!number) {
        return error(ErrorKind::usage, fmt::format("--port does not take '{}'", shortened(*port)),
                     "give a number from 1 to 65535");
      }
      address.listen.port = *number;
    }
    address.prefix = value_of(program, "--api-prefix").value_or("");
    if (const auto keys = value_of(program, "--api-key")) {
      address.api_key = keys->substr(0, keys->find(','));
    }
    address.tls = says(program, "--ssl-key-file");
  }
  const std::string& host = address.listen.host;
  if (host.find(',') != std::string::npos || host.ends_with(".sock") || host.empty()) {
    return error(ErrorKind::usage,
                 fmt::format("launch cannot watch a server at '{}'", shortened(host)),
                 "give one address of an interface, for example --host 127.0.0.1");
  }
  address.ask = {reachable(host), address.listen.port};
  return address;
}

bool has_port(const Program& program) {
  if (program.kind == ProgramKind::llama_server) return true;
  return program.kind == ProgramKind::other &&
         std::any_of(program.argv.begin() + 1, program.argv.end(), [](const std::string& argument) {
           return argument.find("{port}") != std::string::npos;
         });
}

std::size_t prompt_bytes(const Program& program) {
  return value_of(program, "-p,--prompt").value_or("").size();
}

std::vector<std::string> untold(const Program& program, const SavedProfile& profile) {
  if (!program.abilities) return {};
  return dialect::spell_config(*program.abilities, profile.config).lacks;
}

Result<Arguments> command_for(const Program& program, const SavedProfile& profile,
                              const std::string& model_path, const Arguments& rpc,
                              const Endpoint& listen) {
  if (program.kind == ProgramKind::other) {
    return fill_placeholders(program, profile, model_path, rpc, listen);
  }
  std::vector<dialect::SaidWords> ours =
      program.abilities
          ? dialect::spell_command(*program.abilities, profile.config, model_path, rpc).said
          : said_of(flags_of(profile, model_path, rpc));
  if (program.kind == ProgramKind::llama_server) {
    ours.push_back({{"--host", listen.host}});
    ours.push_back({{"--port", std::to_string(listen.port)}});
  }
  Arguments command = {program.argv.front()};
  command.insert(command.end(), program.starter.begin(), program.starter.end());
  const Arguments kept = not_said(ours, program);
  command.insert(command.end(), kept.begin(), kept.end());
  command.insert(command.end(), program.argv.begin() + 1, program.argv.end());
  return command;
}

}  // namespace sweetspot::launch
