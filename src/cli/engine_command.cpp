// sweetspot engine: the llama.cpps of this machine, and which of them the other commands take.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "app/engines.hpp"
#include "cli/command.hpp"
#include "cli/engine_document.hpp"
#include "cli/environment.hpp"
#include "cli/print.hpp"
#include "core/json_writer.hpp"
#include "core/text.hpp"
#include "dialect/spelling.hpp"
#include "engine/locate.hpp"
#include "report/table.hpp"
#include "servers/chosen.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kEngineExamples = R"(
An engine is the path of a llama-server, a folder with one, a name in PATH, a
command line in quotes that starts one ({model_dir}, {port} and {name} in it are
filled in), or "linked": the llama.cpp that sweetspot was built with. --engine
and SWEETSPOT_ENGINE come before what `use` named; then comes the linked one,
then one that is found.

Exit codes: 2 it is no llama-server, or not there; 4 it cannot be started on this machine

Examples:
  sweetspot engine list
  sweetspot engine show /opt/llama.cpp/bin/llama-server
  sweetspot engine use ~/llama.cpp/build
  sweetspot engine use "docker run --rm -v {model_dir}:{model_dir} --network host IMAGE"
  sweetspot engine forget
)";

struct EngineOptions {
  std::string engine;
  bool json = false;
};

EngineDocument document_of(const servers::ServerCard& card) {
  EngineDocument document;
  document.engine = servers::text_of(card.command);
  document.family = to_string(card.abilities.family);
  document.version = card.abilities.version;
  document.hash = card.hash;
  for (const std::string_view knob : dialect::knobs_lacked(card.abilities)) {
    document.lacks.emplace_back(knob);
  }
  document.devices = card.abilities.devices;
  return document;
}

EngineDocument document_of(const app::ListedEngine& listed) {
  EngineDocument document;
  if (listed.card) {
    document = document_of(*listed.card);
  } else {
    document.engine = servers::text_of(listed.found.command);
    document.problem = printable(listed.card.error().message, 400);
  }
  document.found = listed.found.where;
  return document;
}

EngineDocument linked_document(const Environment& environment) {
  EngineDocument document;
  document.engine = app::kLinkedEngine;
  document.family = app::kLinkedEngine;
  document.found = "with sweetspot";
  const auto worker = engine::locate_worker(environment.workplace.worker_program);
  if (!worker) document.problem = printable(worker.error().message, 400);
  return document;
}

// What the commands take that are told nothing.
std::string used_engine(const Environment& environment) {
  const Result<std::optional<servers::ServerCard>> used = app::engine_of(environment.workplace);
  if (!used) return {};
  return *used ? servers::text_of((*used)->command) : app::kLinkedEngine;
}

EngineList all_engines(const Environment& environment) {
  EngineList list;
  list.engines.push_back(linked_document(environment));
  for (const app::ListedEngine& listed : app::list_engines(environment.workplace)) {
    list.engines.push_back(document_of(listed));
  }
  const std::string used = used_engine(environment);
  bool shown = false;
  for (EngineDocument& document : list.engines) {
    document.used = document.engine == used;
    shown = shown || document.used;
  }
  if (shown || used.empty()) return list;
  // One that was named and lies in no place where we look.
  const auto card = app::read_engine(used, environment.workplace);
  if (!card) return list;
  list.engines.push_back(document_of(*card));
  list.engines.back().used = true;
  return list;
}

std::string what_it_is(const EngineDocument& document) {
  if (!document.problem.empty()) return document.problem;
  if (document.family == app::kLinkedEngine) return "the llama.cpp sweetspot was built with";
  return document.family + " " + printable(document.version);
}

Result<int> list_engines(const EngineOptions& options, const Environment& environment) {
  const EngineList list = all_engines(environment);
  if (environment.workplace.cancelled()) return error(ErrorKind::interrupted, "interrupted");
  if (options.json) return print_all(environment, dump(json_of(list), kJsonIndent) + "\n");
  report::Table table;
  table.columns = {{"", report::Align::left},
                   {"engine", report::Align::left},
                   {"found", report::Align::left, 1},
                   {"what it is", report::Align::left}};
  for (const EngineDocument& document : list.engines) {
    const bool fails = !document.problem.empty();
    table.rows.push_back({{document.used ? "*" : "", printable(document.engine), document.found},
                          fails ? report::Emphasis::failure : report::Emphasis::none,
                          what_it_is(document)});
  }
  return print_all(environment, report::render(table, stdout_style(environment)) +
                                    "* what a command takes that is told no other (--engine)\n");
}

std::string devices_text(const servers::ServerCard& card) {
  if (!card.abilities.lists_devices) return "- (it has no --list-devices)";
  std::vector<std::string> devices;
  for (const Device& device : card.abilities.devices) {
    std::string text = printable(device.id + " " + device.description);
    if (device.memory_total_bytes) text += ", " + format_bytes(*device.memory_total_bytes);
    devices.push_back(std::move(text));
  }
  return devices.empty() ? "none: it computes on the CPU"
                         : fmt::format("{}", fmt::join(devices, "; "));
}

std::string lacks_text(const EngineDocument& document) {
  if (document.lacks.empty()) return "nothing: it can be told every knob";
  return fmt::format("{}: not searched, not exported, left as it does by itself",
                     fmt::join(document.lacks, ", "));
}

Result<int> show_engine(const EngineOptions& options, const Environment& environment) {
  app::Workplace workplace = environment.workplace;
  if (!options.engine.empty()) workplace.engine = options.engine;
  const auto wanted = app::engine_of(workplace);
  if (!wanted) return tl::unexpected(wanted.error());
  if (!*wanted) {
    EngineDocument linked = linked_document(environment);
    if (options.json) return print_all(environment, dump(json_of(linked), kJsonIndent) + "\n");
    return print_all(environment, "  linked: " + what_it_is(linked) +
                                      "; `sweetspot devices` lists what it can use\n");
  }
  const auto card = app::read_engine(servers::text_of((*wanted)->command), workplace, true);
  if (!card) return tl::unexpected(card.error());
  const EngineDocument document = document_of(*card);
  if (options.json) return print_all(environment, dump(json_of(document), kJsonIndent) + "\n");
  const report::Style style = stdout_style(environment);
  return print_all(
      environment,
      report::labelled("Engine", printable(document.engine, 400), style) +
          report::labelled("What it is", card->title(), style) +
          report::labelled("Hash", document.hash + " (of the program and its libraries)", style) +
          report::labelled("Devices", devices_text(*card), style) +
          report::labelled("Flags", fmt::format("{}", card->abilities.help.flags.size()), style) +
          report::labelled("Lacks", lacks_text(document), style));
}

Result<int> use_engine(const EngineOptions& options, const Environment& environment) {
  const app::Workplace& workplace = environment.workplace;
  if (options.engine == app::kLinkedEngine) {
    if (Status kept = servers::choose_engine(workplace.data_folder, app::kLinkedEngine); !kept) {
      return tl::unexpected(kept.error());
    }
    say(environment.out, "sweetspot uses the llama.cpp it was built with\n");
    return 0;
  }
  const auto card = app::read_engine(options.engine, workplace);
  if (!card) return tl::unexpected(card.error());
  const std::string text = servers::text_of(card->command);
  if (Status kept = servers::choose_engine(workplace.data_folder, text); !kept) {
    return tl::unexpected(kept.error());
  }
  say(environment.out, "sweetspot uses {}: {}\n", printable(text, 400), card->title());
  return 0;
}

Result<int> forget_engine(const Environment& environment) {
  const app::Workplace& workplace = environment.workplace;
  const std::string chosen = servers::chosen_engine(workplace.data_folder);
  if (Status forgotten = servers::choose_engine(workplace.data_folder, {}); !forgotten) {
    return tl::unexpected(forgotten.error());
  }
  servers::forget_readings(workplace.cache_folder);
  say(environment.out, "{}\n",
      chosen.empty() ? "no engine was named; what was read of engines is forgotten"
                     : "forgotten: " + printable(chosen, 400));
  return 0;
}

}  // namespace

void add_engine(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<EngineOptions>();
  app.footer(kEngineExamples);
  app.require_subcommand(1);
  const auto add = [&app](const char* name, const char* help) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->fallthrough();
    return sub;
  };
  CLI::App* list = add("list", "The llama-servers that are found, and what each is");
  list->add_flag("--json", options->json, "Print JSON");
  list->callback(
      [options, &environment, &outcome] { outcome = list_engines(*options, environment); });
  CLI::App* show = add("show", "What one is: version, devices, knobs that it lacks");
  show->add_option("ENGINE", options->engine, "Without it, the one that commands take");
  show->add_flag("--json", options->json, "Print JSON");
  show->callback(
      [options, &environment, &outcome] { outcome = show_engine(*options, environment); });
  CLI::App* use = add("use", "Take this one wherever a command is told no other");
  use->add_option("ENGINE", options->engine, "As --engine takes it")->required();
  use->callback([options, &environment, &outcome] { outcome = use_engine(*options, environment); });
  CLI::App* forget =
      add("forget", "Take what `use` said back, and forget what was read of engines");
  forget->callback([&environment, &outcome] { outcome = forget_engine(environment); });
}

}  // namespace sweetspot::cli
