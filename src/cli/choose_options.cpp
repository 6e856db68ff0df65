#include "cli/choose_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <vector>

#include "core/text.hpp"

namespace sweetspot::cli {
namespace {

std::string format_names() {
  std::vector<std::string_view> names;
  for (const exporting::Format format : exporting::formats()) names.push_back(to_string(format));
  return fmt::format("{}", fmt::join(names, ", "));
}

void add_output(CLI::App& app, ChooseOptions& options) {
  constexpr const char* kGroup = "Output";
  auto* json = app.add_flag("--json", options.json, "Print the choice as JSON")->group(kGroup);
  app.add_option("--format", options.format,
                 "Print only the chosen profile, as another program reads it: " + format_names())
      ->type_name("FORMAT")
      ->excludes(json)
      ->group(kGroup);
  app.add_flag("--no-store", options.no_store, "Do not keep a set that had to be planned")
      ->group(kGroup);
}

}  // namespace

void add_choose_options(CLI::App& app, ChooseOptions& options) {
  app.add_option("-m,--model,MODEL.gguf", options.model_path,
                 "The model, or the first of its splits")
      ->required();
  add_requirements(app, options.requirements);
  add_output(app, options);
  add_connection(app, options.connection);
}

Result<ChooseRequest> choose_request(const ChooseOptions& options, const Environment& environment) {
  if (const Status path = check_path(options.model_path); !path) {
    return tl::unexpected(path.error());
  }
  ChooseRequest request;
  request.job.model_path = options.model_path;
  request.job.keep_plan = !options.no_store;
  const Result<app::Connection> connection = connection_of(options.connection, environment);
  if (!connection) return tl::unexpected(connection.error());
  request.job.connection = *connection;
  const Result<profiles::Requirements> wanted = requirements_of(options.requirements);
  if (!wanted) return tl::unexpected(wanted.error());
  request.job.wanted = *wanted;
  const Result<profiles::WantedSet> set = wanted_set(options.requirements, *wanted);
  if (!set) return tl::unexpected(set.error());
  request.job.set = *set;
  if (!options.format.empty()) {
    request.format = from_string<exporting::Format>(options.format);
    if (!request.format) {
      return error(ErrorKind::usage,
                   fmt::format("--format does not take '{}'", shortened(options.format)),
                   "give one of " + format_names());
    }
  }
  request.job.wanted.loader = app::loader_for(request.format);
  const auto of_format =
      request.format ? exporting::host_program_of(*request.format) : std::optional<HostProgram>();
  const auto program =
      host_program_of(options.requirements, of_format.value_or(request.job.host_program));
  if (!program) return tl::unexpected(program.error());
  request.job.host_program = *program;
  return request;
}

}  // namespace sweetspot::cli
