// sweetspot inspect: what a GGUF file says of itself.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/connection.hpp"
#include "cli/print.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "engine/failure.hpp"

namespace sweetspot::cli {
namespace {

struct InspectOptions {
  std::string path;
  bool json = false;
};

constexpr const char* kInspectExamples = R"(
Examples:
  sweetspot inspect model.gguf
  sweetspot inspect model-00001-of-00003.gguf --json
)";

template <typename T>
std::string shown(const Reading<T>& reading) {
  return reading.has_value() ? fmt::format("{}", *reading) : "-";
}

std::string row(std::string_view name, const std::string& value) {
  return fmt::format("{:<14} {}\n", name, printable(value));
}

std::string text_of(const ModelInfo& model) {
  std::string text = row("name", model.name.value_or("-"));
  text += row("architecture", model.architecture);
  text += row("kind", model.pooling
                          ? fmt::format("{}, pooling {}", to_string(model.kind), *model.pooling)
                          : std::string(to_string(model.kind)));
  text += row("quantization", model.quantization);
  text += row("parameters", fmt::format("{:.2f} B", static_cast<double>(model.n_params) / 1e9));
  text += row("weights", fmt::format("{} in {} file{}", format_bytes(model.size_bytes),
                                     model.files.size(), model.files.size() == 1 ? "" : "s"));
  text += row("blocks", fmt::format("{} ({} layers can be offloaded: the blocks and the output)",
                                    model.n_layer, model.offloadable_layers()));
  text += row("width", fmt::format("{}, feed-forward {}", model.n_embd, shown(model.n_ff)));
  text += row("heads", fmt::format("{}, K/V {}", shown(model.n_head), shown(model.n_head_kv)));
  text += row("context", fmt::format("{} tokens trained", model.n_ctx_train));
  text += row("vocabulary", fmt::format("{} tokens", model.n_vocab));
  if (model.n_expert > 0) {
    text +=
        row("experts", fmt::format("{}, {} used per token", model.n_expert, model.n_expert_used));
  }
  if (!model.layers.empty()) {
    text += row("block size", fmt::format("{} (first), {} outside blocks",
                                          format_bytes(model.layers.front().bytes),
                                          format_bytes(model.non_layer_bytes)));
  }
  return text;
}

Result<int> inspect(const InspectOptions& options, const Environment& environment) {
  if (const Status path = check_path(options.path); !path) return tl::unexpected(path.error());
  Result<engine::Worker> worker = app::start_worker(environment.workplace);
  if (!worker) return tl::unexpected(worker.error());
  const Outcome<ModelInfo> model = worker->inspect(options.path);
  if (!model) {
    return tl::unexpected(engine::as_error(model.error()));
  }
  return print_all(environment, options.json ? dump(to_json(*model), 2) + "\n" : text_of(*model));
}

}  // namespace

void add_inspect(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<InspectOptions>();
  app.footer(kInspectExamples);
  app.add_option("-m,--model,MODEL.gguf", options->path, "The model, or its first split")
      ->required();
  app.add_flag("--json", options->json, "Print JSON");
  app.callback([options, &environment, &outcome] { outcome = inspect(*options, environment); });
}

}  // namespace sweetspot::cli
