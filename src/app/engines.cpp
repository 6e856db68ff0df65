#include "app/engines.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "dialect/spelling.hpp"
#include "engine/locate.hpp"
#include "export/llama_server.hpp"
#include "os/new_file.hpp"
#include "servers/chosen.hpp"

namespace sweetspot::app {
namespace {

servers::ReadOptions read_options(const Workplace& workplace) {
  servers::ReadOptions options;
  options.cache_folder = workplace.cache_folder;
  options.cancel = workplace.cancel;
  return options;
}

// The sentence says where the name came from: nobody typed it in this command.
Error of_chosen(Error error) {
  error.message = "the engine that `sweetspot engine use` named cannot be used: " + error.message;
  error.remedy = "name another one, or `sweetspot engine forget`";
  return error;
}

Result<std::optional<servers::ServerCard>> first_found(const Workplace& workplace) {
  for (const servers::Found& found : servers::find_servers(servers::default_find_places())) {
    auto card = servers::read_server(found.command, read_options(workplace));
    if (card) return *std::move(card);
    if (card.error().kind == ErrorKind::interrupted) return tl::unexpected(card.error());
  }
  return error(ErrorKind::device,
               "there is no llama.cpp to work with: neither sweetspot's own worker nor a "
               "llama-server was found",
               "name a llama-server with --engine, or build sweetspot with its own worker");
}

}  // namespace

Workplace with_linked_worker(Workplace workplace) {
  workplace.engine = kLinkedEngine;
  return workplace;
}

Result<servers::ServerCard> read_engine(const std::string& text, const Workplace& workplace,
                                        bool devices) {
  const auto command = servers::command_of(text, servers::default_find_places().path);
  if (!command) return tl::unexpected(command.error());
  servers::ReadOptions options = read_options(workplace);
  options.devices = devices;
  return servers::read_server(*command, options);
}

Result<std::optional<servers::ServerCard>> engine_of(const Workplace& workplace) {
  if (workplace.engine == kLinkedEngine) return std::nullopt;
  if (!workplace.engine.empty()) {
    auto card = read_engine(workplace.engine, workplace);
    if (!card) return tl::unexpected(card.error());
    return *std::move(card);
  }
  if (!workplace.worker_program.empty()) return std::nullopt;
  if (const std::string chosen = servers::chosen_engine(workplace.data_folder); !chosen.empty()) {
    auto card = read_engine(chosen, workplace);
    if (!card) return tl::unexpected(of_chosen(card.error()));
    return *std::move(card);
  }
  const auto worker = engine::locate_worker();
  if (worker) return std::nullopt;
  if (worker.error().kind != ErrorKind::device) return tl::unexpected(worker.error());
  return first_found(workplace);
}

Status check_can_be_told(const Workplace& workplace, const Config& config) {
  const auto engine = engine_of(workplace);
  if (!engine) return tl::unexpected(engine.error());
  if (!*engine) return {};
  const auto lacks = dialect::spell_config((*engine)->abilities, config).lacks;
  if (lacks.empty()) return {};
  return error(
      ErrorKind::usage,
      fmt::format("{} cannot be told this: {}", (*engine)->title(), fmt::join(lacks, "; ")),
      "leave it out, or take another engine");
}

std::vector<std::string> lacked_knobs(const Workplace& workplace) {
  const auto engine = engine_of(workplace);
  if (!engine || !*engine) return {};
  std::vector<std::string> names;
  for (const std::string_view knob : dialect::knobs_lacked((*engine)->abilities)) {
    names.emplace_back(knob);
  }
  return names;
}

std::string arguments_to_start(const Workplace& workplace, const Config& config,
                               const std::string& model_path, const std::vector<std::string>& rpc) {
  const auto engine = engine_of(workplace);
  if (!engine || !*engine) {
    return exporting::line_to_paste(
        exporting::llama_server_arguments(config, model_path, rpc, nullptr));
  }
  return exporting::line_to_paste(exporting::llama_server_arguments(
      config, servers::told_path((*engine)->command, model_path), rpc, &(*engine)->abilities));
}

std::vector<std::string> words_to_start(const servers::ServerCard* engine, const Config& config,
                                        const std::string& model_path,
                                        const std::vector<std::string>& rpc) {
  if (engine == nullptr) return exporting::command_words(config, model_path, rpc);
  const std::string told = servers::told_path(engine->command, model_path);
  const servers::Placeholders values = {os::folder_of(told), "8080", "llama"};
  return exporting::command_words(
      config, told, rpc, &engine->abilities,
      servers::filled(engine->command, values).value_or(engine->command.argv));
}

std::vector<ListedEngine> list_engines(const Workplace& workplace) {
  std::vector<ListedEngine> engines;
  for (servers::Found& found : servers::find_servers(servers::default_find_places())) {
    auto card = servers::read_server(found.command, read_options(workplace));
    // Of usage: a program of another kind that has the name.
    if (!card && card.error().kind == ErrorKind::usage) continue;
    engines.push_back({std::move(found), std::move(card)});
  }
  return engines;
}

}  // namespace sweetspot::app
