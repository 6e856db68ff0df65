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
  app.add_flag("--details", options.details, "Print also all profiles and what they rest on")
      ->group(kGroup);
  auto* json = app.add_flag("--json", options.json, "Print the choice as JSON")->group(kGroup);
  app.add_option("--format", options.format,
                 "Print only the chosen profile, as another program reads it: " + format_names())
      ->type_name("FORMAT")
      ->excludes(json)
      ->group(kGroup);
  app.add_flag("--no-store", options.no_store, "Do not keep a set that had to be planned")
      ->group(kGroup);
}

Result<std::optional<exporting::Format>> format_of(const ChooseOptions& options) {
  std::optional<exporting::Format> format;
  if (!options.format.empty()) {
    format = from_string<exporting::Format>(options.format);
    if (!format) {
      return error(ErrorKind::usage,
                   fmt::format("--format does not take '{}'", shortened(options.format)),
                   "give one of " + format_names());
    }
  }
  if (options.model_paths.size() < 2 || (format && exporting::holds_several(*format)))
    return format;
  return error(
      ErrorKind::usage,
      format ? fmt::format("--format {} holds one model, and {} are given", to_string(*format),
                           options.model_paths.size())
             : fmt::format("one choice is for one model, and {} are given",
                           options.model_paths.size()),
      "give them one by one, or --format llama-swap or llama-server-ini, which hold several");
}

// What is the same for each model.
Result<app::ChooseJob> common_job(const ChooseOptions& options,
                                  const std::optional<exporting::Format>& format,
                                  const Environment& environment) {
  app::ChooseJob job;
  job.keep_plan = !options.no_store;
  const Result<app::Connection> connection = connection_of(options.connection, environment);
  if (!connection) return tl::unexpected(connection.error());
  job.connection = *connection;
  const Result<Wanted> wanted = wanted_of(options.requirements);
  if (!wanted) return tl::unexpected(wanted.error());
  job.wanted = wanted->requirements;
  job.set = wanted->set;
  job.wanted.loader = app::loader_for(format);
  const auto of_format =
      format ? exporting::host_program_of(*format) : std::optional<HostProgram>();
  const auto program = host_program_of(options.requirements, of_format.value_or(job.host_program));
  if (!program) return tl::unexpected(program.error());
  job.host_program = *program;
  return job;
}

}  // namespace

void add_choose_options(CLI::App& app, ChooseOptions& options) {
  app.add_option("-m,--model,MODEL.gguf", options.model_paths,
                 "The model, the first of its splits, or the name that `profiles list` shows; "
                 "several for --format llama-swap or "
                 "llama-server-ini")
      ->required();
  add_requirements(app, options.requirements);
  add_output(app, options);
  add_connection(app, options.connection);
}

Result<ChooseRequest> choose_request(const ChooseOptions& options, const Environment& environment) {
  ChooseRequest request;
  Result<std::optional<exporting::Format>> format = format_of(options);
  if (!format) return tl::unexpected(format.error());
  request.format = *format;
  const Result<app::ChooseJob> common = common_job(options, request.format, environment);
  if (!common) return tl::unexpected(common.error());
  for (const std::string& path : options.model_paths) {
    Result<std::string> file = known_model_file(path, environment);
    if (!file) return tl::unexpected(file.error());
    request.jobs.push_back(*common);
    request.jobs.back().model_path = *std::move(file);
  }
  return request;
}

}  // namespace sweetspot::cli
