// sweetspot choose: what to load now.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/choosing.hpp"
#include "app/workload_presets.hpp"
#include "cli/choice_json.hpp"
#include "cli/choose_options.hpp"
#include "cli/command_of.hpp"
#include "cli/environment.hpp"
#include "cli/print.hpp"
#include "core/text.hpp"
#include "export/llama_server.hpp"
#include "report/choice_report.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kChooseExamples = R"help(
Takes the profiles that `profile` and `tune` measured; for unmeasured models it plans
profiles from memory alone, and says so. Exit code 5: no profile fits right now.

Examples:
  sweetspot choose model.gguf             what fits now, and its command
  sweetspot choose model.gguf --min-ctx 8192 --prefer memory
  sweetspot choose model.gguf --format ollama > Modelfile
  sweetspot choose a.gguf b.gguf --format llama-swap > config.yaml
  eval "llama-server $(sweetspot choose model.gguf --format llama-server)"
)help";

void say_notes(const Environment& environment, std::string_view of,
               const std::vector<std::string>& notes) {
  for (const std::string& note : notes) {
    say(environment.err, "sweetspot: note: {}{}.\n", of, printable(note, 1000));
  }
}

// Of several models a sentence names the one it is about.
std::string about(const ChooseRequest& request, const app::ChooseJob& job) {
  return request.jobs.size() < 2 ? std::string() : printable(job.model_path, 400) + ": ";
}

Result<int> print_export(const Environment& environment, const ChooseRequest& request,
                         const std::vector<app::Chosen>& chosen) {
  const Result<exporting::Exported> document = app::export_chosen(chosen, *request.format);
  if (!document) return tl::unexpected(document.error());
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    say_notes(environment, about(request, request.jobs[i]), chosen[i].notes);
  }
  say_notes(environment, "", document->notes);
  return print_all(environment, document->text);
}

// How the chosen profile is started, and what is free where it needs memory.
void show_chosen(const app::Chosen& chosen, const SavedProfile& profile, report::ChoiceView& view) {
  if (chosen.set.origin == Origin::measured) {
    view.workload = app::workload_in_short(chosen.set.workload);
  }
  const Config config = app::config_now(chosen, profile);
  if (config.context.host_program == HostProgram::llama_server) {
    view.command = command_of(chosen.engine.get(), config, chosen.live.model->path,
                              profile.is_cpu_only() ? std::vector<std::string>() : chosen.set.rpc);
  }
  view.model = printable(exporting::line_to_paste({chosen.live.model->path}), 4096);
  for (const DeviceNeed& need : profile.needs.value_or({})) {
    view.free.push_back({need.device, profiles::free_now(chosen.set, chosen.live, need.device)});
  }
}

report::ChoiceView view_of(const app::Chosen& chosen) {
  const profiles::Choice& choice = chosen.choice;
  report::ChoiceView view;
  view.set = &chosen.set;
  // Where nothing fits the reason repeats what the rows below it say.
  view.reason =
      choice.passed.empty() || choice.profile ? choice.reason : "Free memory, or ask for less";
  view.stale = choice.stale;
  view.notes = chosen.notes;
  for (const SavedProfile& profile : chosen.set.profiles) view.rows.push_back({&profile, {}, {}});
  for (report::ChoiceRow& row : view.rows) row.state = report::ChoiceState::not_asked;
  if (choice.profile) {
    view.rows[*choice.profile].state = report::ChoiceState::chosen;
    show_chosen(chosen, chosen.set.profiles[*choice.profile], view);
  }
  for (const profiles::Rung& rung : choice.below) {
    view.rows[rung.profile].state = report::ChoiceState::fits;
  }
  for (const profiles::Rung& rung : choice.passed) {
    view.rows[rung.profile].state = report::ChoiceState::passed;
    view.rows[rung.profile].why_not = rung.why_not;
  }
  return view;
}

std::string text_of(const report::ChoiceView& view, bool details, const report::Style& style) {
  std::string text = report::choice_screen(view, style);
  return details ? text + "\n" + report::choice_text(view, style) : text;
}

Result<int> choose_for_format(const ChooseRequest& request, const Environment& environment) {
  std::vector<app::Chosen> all;
  for (const app::ChooseJob& job : request.jobs) {
    Result<app::Chosen> chosen = app::choose(job, environment.workplace);
    if (!chosen) return tl::unexpected(chosen.error());
    if (!chosen->choice.profile) {
      Error why = app::nothing_to_load(chosen->set, chosen->choice, job.wanted);
      why.message = about(request, job).append(why.message);
      return tl::unexpected(std::move(why));
    }
    all.push_back(*std::move(chosen));
  }
  return print_export(environment, request, all);
}

Result<int> show_choice(const app::Chosen& chosen, const profiles::Requirements& wanted,
                        const ChooseOptions& options, const Environment& environment) {
  const profiles::Choice& choice = chosen.choice;
  Result<int> printed =
      options.json
          ? print_all(environment, dump(choice_to_json(chosen.set, choice, chosen.notes), 2) + "\n")
          : print_all(environment,
                      text_of(view_of(chosen), options.details, stdout_style(environment)));
  if (!printed || choice.profile) return printed;
  Error why = app::nothing_to_load(chosen.set, choice, wanted);
  // The screen has said which profile lacks what.
  if (wanted.min_ctx == 0) why.message = "no profile fits right now";
  return tl::unexpected(std::move(why));
}

Result<int> choose(const ChooseOptions& options, const Environment& environment) {
  Result<ChooseRequest> request = choose_request(options, environment);
  if (!request) return tl::unexpected(request.error());
  for (app::ChooseJob& job : request->jobs) {
    job.on_measuring = [&](const std::string& device) {
      say_share_is_measured(environment, device);
    };
  }
  if (request->format) return choose_for_format(*request, environment);
  const Result<app::Chosen> chosen = app::choose(request->jobs.front(), environment.workplace);
  if (!chosen) return tl::unexpected(chosen.error());
  return show_choice(*chosen, request->jobs.front().wanted, options, environment);
}

}  // namespace

void add_choose(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<ChooseOptions>();
  app.footer(kChooseExamples);
  add_choose_options(app, *options);
  app.callback([options, &environment, &outcome] { outcome = choose(*options, environment); });
}

}  // namespace sweetspot::cli
