// sweetspot synth: a model of any geometry with random weights. Speed and memory do not depend on
// what the weights say, so such a model stands in for one that is not on the disk.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "app/engines.hpp"
#include "cli/connection.hpp"
#include "cli/print.hpp"
#include "core/text.hpp"
#include "engine/failure.hpp"
#include "report/live_line.hpp"
#include "report/table.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kSynthExamples = R"(
Examples:
  sweetspot synth tiny.gguf --blocks 4 --embd 256 --ff 512 --heads 4 --kv-heads 2 --vocab 1000
  sweetspot synth qwen.gguf --arch qwen2 --attention-bias --tied-output --type q8_0
  sweetspot synth mixtral-like.gguf --experts 8 --experts-used 2 --blocks 8
  sweetspot synth gemma.gguf --arch gemma3 --blocks 6 --head-dim 256 --sliding-window 1024
  sweetspot synth reranker.gguf --arch bert --kv-heads 32 --pooling rank --ctx-train 512
  sweetspot synth copy.gguf --like model.gguf
  sweetspot synth slice.gguf --like model.gguf --blocks 4
  sweetspot synth header.gguf --like model.gguf --header-only --no-vocab
)";

Result<int> synth(const protocol::SynthRequest& request, const Environment& environment) {
  if (const Status path = check_path(request.out_path); !path) return tl::unexpected(path.error());
  Result<engine::Worker> worker = app::start_worker(app::with_linked_worker(environment.workplace));
  if (!worker) return tl::unexpected(worker.error());
  report::LiveLine line(sink_to(environment.err));
  const auto made = worker->synth(request, [&](const protocol::Progress& progress) {
    if (!environment.stderr_is_terminal) return;
    const std::string text = fmt::format("writing {} {:3.0f} %", printable(request.out_path),
                                         100 * std::max(progress.fraction, 0.0));
    line.show(report::cut_to_width(text, environment.width - 1));
  });
  line.clear();
  if (!made) {
    return tl::unexpected(engine::as_error(made.error()));
  }
  say(environment.out, "{}: {}, {:.2f} B parameters, {} tensors\n", printable(request.out_path),
      format_bytes(made->bytes), static_cast<double>(made->n_params) / 1e9, made->tensors);
  return 0;
}

CLI::Option* add_count(CLI::App& app, const char* flag, std::uint32_t& value, const char* help) {
  return app.add_option(flag, value, help)->type_name("N")->capture_default_str();
}

}  // namespace

void add_synth(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto request = std::make_shared<protocol::SynthRequest>();
  auto like = std::make_shared<std::string>();
  app.footer(kSynthExamples);
  app.add_option("OUT.gguf", request->out_path, "File to write")->required();
  app.add_option("--like", *like, "Copy metadata and tensors of this header instead of a geometry")
      ->type_name("HEADER.gguf");
  app.add_option("--arch", request->architecture,
                 "llama, qwen2, qwen3, qwen3moe, gemma3, lfm2, bert, nomic-bert, t5 or t5encoder")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--name", request->name, "Name of the model (default: made from the geometry)")
      ->type_name("NAME");
  CLI::Option* blocks =
      add_count(app, "--blocks", request->blocks, "Blocks; with --like, only its first N");
  add_count(app, "--embd", request->embd, "Width");
  add_count(app, "--ff", request->ff, "Feed-forward width");
  add_count(app, "--heads", request->heads, "Attention heads");
  add_count(app, "--kv-heads", request->kv_heads, "K/V heads");
  add_count(app, "--head-dim", request->head_dim, "Width of a head, 0 = embd / heads");
  add_count(app, "--vocab", request->vocab, "Tokens in the vocabulary");
  add_count(app, "--ctx-train", request->ctx_train, "Context the model says it was trained for");
  add_count(app, "--experts", request->experts, "Experts, 0 = dense");
  add_count(app, "--experts-used", request->experts_used, "Experts used per token");
  add_count(app, "--expert-ff", request->expert_ff, "Feed-forward width of an expert, 0 = --ff");
  app.add_option("--type", request->type, "ggml type of the matrices")
      ->type_name("TYPE")
      ->capture_default_str();
  app.add_flag("--attention-bias", request->attention_bias, "Biases on Q, K and V");
  app.add_flag("--tied-output", request->tied_output, "Use the embeddings as output weights");
  add_count(app, "--sliding-window", request->sliding_window,
            "Tokens that a window of gemma3 holds, 0 = 1024");
  app.add_option("--attention-blocks", request->attention_blocks,
                 "Blocks of lfm2 with attention (default: every third)")
      ->type_name("N,N...")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--pooling", request->pooling,
                 "Of a model that only reads: none, mean, cls, last or rank (default: mean)")
      ->type_name("TYPE");
  app.add_flag("--no-vocab", request->no_vocab, "Write the vocabulary's size instead of one");
  app.add_flag("--header-only", request->header_only,
               "Write metadata and the list of tensors, but no data");
  app.add_option("--seed", request->seed, "Seed of the weights")
      ->type_name("N")
      ->capture_default_str();
  app.callback([request, like, blocks, &environment, &outcome] {
    if (!like->empty()) {
      request->like_path = *like;
      if (blocks->count() > 0) request->like_blocks = request->blocks;
    }
    // Of a header, 0 would mean all blocks.
    outcome = request->blocks == 0
                  ? error(ErrorKind::usage, "--blocks is 0, but a model has at least one block")
                  : synth(*request, environment);
  });
}

}  // namespace sweetspot::cli
