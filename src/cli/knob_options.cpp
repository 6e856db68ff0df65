#include "cli/knob_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/llama_flags.hpp"
#include "core/knobs.hpp"
#include "core/text.hpp"

namespace sweetspot::cli {
namespace {

constexpr std::string_view kLayersKnob = "n_gpu_layers";
constexpr const char* kPlacement = "Placement";
constexpr const char* kContext = "Context";
constexpr const char* kServer = "llama-server's caches in RAM";

// Changing a placement costs a load, anything else a new context or nothing.
const char* group_of(const Knob& knob) {
  if (knob.server_only) return kServer;
  constexpr std::string_view kFirstOfContext = "n_ctx";
  return &knob < find_knob(kFirstOfContext) ? kPlacement : kContext;
}

std::string default_of(const Knob& knob) {
  const std::string text = knob_text(knob.get(Config{}));
  return text.empty() ? std::string() : fmt::format(" [{}]", text);
}

void add_knob(CLI::App& app, const Knob& knob, std::string& text) {
  const std::string help = std::string(knob.help) + also_known_as(knob) + default_of(knob);
  if (is_switch(knob)) {
    app.add_flag(parser_names(knob), text, help)->group(group_of(knob));
    return;
  }
  auto* option = app.add_option(parser_names(knob), text, help)
                     ->type_name(std::string(knob.metavar))
                     ->group(group_of(knob));
  // llama.cpp's programs add up what several --override-tensor say.
  if (knob.name == "override_tensor") {
    option->multi_option_policy(CLI::MultiOptionPolicy::Join)->delimiter(',');
  }
}

// Exports end in --fit off; what they say can be given back.
void add_fit(CLI::App& app) {
  app.add_option_function<std::string>(
         "--fit",
         [](const std::string& text) {
           if (text == "off") return;
           throw CLI::ValidationError("--fit",
                                      "only off is taken, since Sweetspot itself "
                                      "finds what fits");
         },
         "")
      ->group("");
}

}  // namespace

void add_host_program(CLI::App& app, std::string& text, const char* group) {
  app.add_option("--host-program", text,
                 "What will load the model: llama-server (and what starts one), or libllama for a "
                 "program that keeps the library's defaults, such as llama-cpp-python")
      ->type_name("NAME")
      ->group(group);
}

Result<HostProgram> parse_host_program(std::string_view text) {
  if (const auto program = from_string<HostProgram>(text)) return *program;
  return error(ErrorKind::usage, fmt::format("--host-program does not take '{}'", shortened(text)),
               "give llama-server or libllama");
}

void add_knobs(CLI::App& app, KnobTexts& texts) {
  texts.resize(knobs().size() + 1);  // the last one is the host program's
  add_host_program(app, texts.back(), kContext);
  add_fit(app);
  for (std::size_t i = 0; i < knobs().size(); ++i) {
    if (knobs()[i].name != kLayersKnob) add_knob(app, knobs()[i], texts[i]);
  }
}

Result<Config> make_config(const KnobTexts& texts) {
  Config config;
  for (std::size_t i = 0; i < knobs().size(); ++i) {
    if (texts[i].empty()) continue;
    if (const Status set = knobs()[i].set(config, texts[i]); !set) {
      return tl::unexpected(set.error());
    }
  }
  if (!texts.back().empty()) {
    const Result<HostProgram> program = parse_host_program(texts.back());
    if (!program) return tl::unexpected(program.error());
    config.context.host_program = *program;
  }
  return config;
}

bool is_given(const KnobTexts& texts, std::string_view knob) {
  return !texts[static_cast<std::size_t>(find_knob(knob) - knobs().data())].empty();
}

}  // namespace sweetspot::cli
