// sweetspot choose: what to load now.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "app/choosing.hpp"
#include "cli/choice_json.hpp"
#include "cli/choose_options.hpp"
#include "cli/environment.hpp"
#include "cli/print.hpp"
#include "core/text.hpp"
#include "report/choice_report.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kChooseExamples = R"help(
Profiles that `profile` and `tune` measured are used; without them llama.cpp's own memory maps make a set, which is
marked as planned. Exit code 5: nothing may be loaded now.

Examples:
  sweetspot choose model.gguf
  sweetspot choose model.gguf --min-ctx 8192 --prefer memory
  sweetspot choose model.gguf --format ollama > Modelfile
  eval "llama-server $(sweetspot choose model.gguf --format llama-server)"
)help";

Result<int> print_export(const Environment& environment, exporting::Format format,
                         const app::Chosen& chosen) {
  const Result<exporting::Exported> document = app::export_chosen(chosen, format);
  if (!document) return tl::unexpected(document.error());
  for (const auto* notes : {&chosen.notes, &document->notes}) {
    for (const std::string& note : *notes) {
      say(environment.err, "sweetspot: note: {}.\n", printable(note, 1000));
    }
  }
  return print_all(environment, document->text);
}

report::ChoiceView view_of(const app::Chosen& chosen) {
  const profiles::Choice& choice = chosen.choice;
  report::ChoiceView view;
  view.set = &chosen.set;
  // Where nothing fits the reason repeats what the rows below it say.
  view.reason =
      choice.passed.empty() || choice.profile ? choice.reason : "nothing may be loaded now";
  view.stale = choice.stale;
  view.notes = chosen.notes;
  for (const SavedProfile& profile : chosen.set.profiles) view.rows.push_back({&profile, {}, {}});
  for (report::ChoiceRow& row : view.rows) row.state = report::ChoiceState::not_asked;
  if (choice.profile) view.rows[*choice.profile].state = report::ChoiceState::chosen;
  for (const profiles::Rung& rung : choice.below) {
    view.rows[rung.profile].state = report::ChoiceState::fits;
  }
  for (const profiles::Rung& rung : choice.passed) {
    view.rows[rung.profile].state = report::ChoiceState::passed;
    view.rows[rung.profile].why_not = rung.why_not;
  }
  return view;
}

Result<int> nothing_fits(const profiles::Choice& choice) {
  return error(ErrorKind::nothing_measurable, choice.reason, "free memory, or ask for less");
}

Result<int> choose(const ChooseOptions& options, const Environment& environment) {
  Result<ChooseRequest> request = choose_request(options, environment);
  if (!request) return tl::unexpected(request.error());
  request->job.on_measuring = [&](const std::string& device) {
    say_share_is_measured(environment, device);
  };
  const Result<app::Chosen> chosen = app::choose(request->job, environment.workplace);
  if (!chosen) return tl::unexpected(chosen.error());
  const profiles::Choice& choice = chosen->choice;
  if (request->format) {
    if (!choice.profile) return nothing_fits(choice);
    return print_export(environment, *request->format, *chosen);
  }
  Result<int> printed =
      options.json ? print_all(environment,
                               dump(choice_to_json(chosen->set, choice, chosen->notes), 2) + "\n")
                   : print_all(environment,
                               report::choice_text(view_of(*chosen), stdout_style(environment)));
  if (!printed || choice.profile) return printed;
  return error(ErrorKind::nothing_measurable, "nothing may be loaded now",
               "free memory, or ask for less");
}

}  // namespace

void add_choose(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<ChooseOptions>();
  app.footer(kChooseExamples);
  add_choose_options(app, *options);
  app.callback([options, &environment, &outcome] { outcome = choose(*options, environment); });
}

}  // namespace sweetspot::cli
