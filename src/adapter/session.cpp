#include "adapter/session.hpp"

#include <fmt/format.h>

#include <utility>

#include "adapter/command_line.hpp"
#include "adapter/engine.hpp"
#include "adapter/load_log.hpp"
#include "adapter/server_facts.hpp"
#include "answering/greeting.hpp"
#include "core/no_device.hpp"
#include "gguf/header.hpp"
#include "kernel/processors.hpp"
#include "servers/command.hpp"

namespace sweetspot::adapter {
namespace {

constexpr const char* kListsNoDevices =
    "this llama-server does not list its devices (it has no --list-devices), so that it is used on "
    "the processor alone";

/// What this worker cannot do; the linked one can.
tl::unexpected<protocol::Fault> not_here(Phase phase, const char* what) {
  return fault(FaultCode::bad_request, phase,
               fmt::format("{} is done by sweetspot-worker, not with a llama-server", what));
}

Tokens tokens_of(const ModelInfo& model) {
  const auto header = gguf::Header::read(model.path, gguf::Extents::may_be_missing);
  const auto vocabulary = static_cast<std::uint64_t>(std::max(model.n_vocab, 0));
  return {vocabulary, header ? header->array("tokenizer.ggml.token_type") : nullptr};
}

EffectiveConfig effective_of(const ContextSettings& asked, const LoadedSettings& loaded,
                             const ServerProps& props, int threads) {
  EffectiveConfig effective;
  effective.n_gpu_layers = loaded.n_gpu_layers;
  effective.n_ctx = loaded.n_ctx.value_or(props.n_ctx_slot * context_parts(asked));
  effective.n_batch = loaded.n_batch.value_or(asked.n_batch);
  effective.n_ubatch = loaded.n_ubatch.value_or(asked.n_ubatch);
  const int asked_threads = asked.n_threads > 0 ? asked.n_threads : threads;
  effective.n_threads = loaded.n_threads.value_or(asked_threads);
  effective.n_threads_batch = loaded.n_threads_batch.value_or(
      asked.n_threads_batch > 0 ? asked.n_threads_batch : asked_threads);
  effective.flash_attn = loaded.flash_attn;
  effective.type_k = loaded.type_k;
  effective.type_v = loaded.type_v;
  return effective;
}

}  // namespace

Answer<protocol::HelloResult> Session::run(const protocol::HelloRequest& request, Reply& reply) {
  if (auto same = answering::check_version(request); !same) return tl::unexpected(same.error());
  for (const std::string& server : request.rpc) {
    if (auto reached = answering::reach_rpc_server(server, reply); !reached) {
      return tl::unexpected(reached.error());
    }
  }
  auto looked = look_at_engine(program_, request.rpc);
  if (!looked) return tl::unexpected(looked.error());
  engine_ = *std::move(looked);
  rpc_ = request.rpc;
  protocol::HelloResult hello;
  hello.engine = engine_of(engine_->abilities);
  hello.devices = engine_->abilities.devices;
  hello.devices.push_back(host_device());
  if (!engine_->abilities.lists_devices) hello.backend_problems.emplace_back(kListsNoDevices);
  hello.threads = kernel::usable_processors().threads();
  fit_params_ = FitParams::beside(engine_->command);
  hello.abilities = {fit_params_.has_value(), /*keeps_weights=*/false, /*slices=*/false,
                     /*copies_depth=*/false};
  return hello;
}

Answer<protocol::InspectResult> Session::run(const protocol::InspectRequest& request,
                                             Reply& /*reply*/) {
  return inspected_.inspect(request);
}

Answer<protocol::MapResult> Session::run(const protocol::MapRequest& request, Reply& reply) {
  if (!fit_params_) return not_here(Phase::plan, "planning");
  return fit_params_->map(request, rpc_, kernel::usable_processors().threads(), reply);
}

Answer<protocol::LoadResult> Session::run(const protocol::LoadRequest& request, Reply& /*reply*/) {
  if (!engine_) return fault(FaultCode::bad_request, Phase::load, "hello comes first");
  if (loaded_) {
    return fault(FaultCode::bad_request, Phase::load, "this worker already holds a model");
  }
  if (request.slice) return not_here(Phase::load, "loading a slice");
  auto model = inspected_.before_load(request.path, false);
  if (!model) return tl::unexpected(model.error());
  Tokens tokens = tokens_of(*model);
  loaded_ = Loaded{*std::move(model), request.placement, std::move(tokens)};
  const Absence later{"llama-server loads a model with its context"};
  return protocol::LoadResult{0, later, later, {}};
}

Answer<protocol::ContextResult> Session::run(const protocol::ContextRequest& request,
                                             Reply& reply) {
  if (!loaded_) return fault(FaultCode::bad_request, Phase::context, "no model is loaded");
  server_.reset();
  log_mark_ = 0;
  if (request.context.embeddings) {
    return fault(FaultCode::not_measurable, Phase::context,
                 "models that only read are timed by sweetspot-worker alone");
  }
  const int threads = kernel::usable_processors().threads();
  const Config config = in_words({loaded_->placement, request.context, {}}, threads);
  const std::string told = servers::told_path(engine_->command, loaded_->model.path);
  auto arguments = server_arguments(engine_->abilities, config, told, rpc_);
  if (!arguments) {
    return fault(FaultCode::config_rejected, Phase::context,
                 fmt::format("{} cannot be told this: {}", program_, arguments.error()));
  }
  const double start = now_ms();
  auto server = Server::start({&*engine_, *std::move(arguments), told}, reply);
  if (!server) {
    last_log_ = std::move(server.error().log);
    return tl::unexpected(server.error());
  }
  if (auto same = answering::check_unchanged(loaded_->model); !same) {
    return tl::unexpected(same.error());
  }
  protocol::ContextResult result;
  result.seconds = (now_ms() - start) / 1000;
  server_ = *std::move(server);
  reply.progress(Phase::context, -1);
  const auto body = server_->get("/props", Phase::context);
  if (!body) return tl::unexpected(body.error());
  const auto props = parse_props(*body);
  if (!props) {
    return fault(FaultCode::exception, Phase::context,
                 "llama-server does not say how many slots it has (/props)");
  }
  if (props->slots != request.context.n_parallel) {
    return fault(FaultCode::config_rejected, Phase::context,
                 fmt::format("llama-server has {} slots where {} were asked for", props->slots,
                             request.context.n_parallel));
  }
  const std::string log = server_->log();
  const LoadedSettings loaded = loaded_settings(log);
  result.effective = effective_of(request.context, loaded, *props, threads);
  result.memory = loaded_memory(log);
  if (result.memory.empty()) result.memory_note = "llama-server prints no sizes of its buffers";
  if (const std::string passed_over = devices_passed_over(result.memory); !passed_over.empty()) {
    return fault(FaultCode::device_unknown, Phase::context, passed_over);
  }
  const auto token = server_->post("/tokenize", R"({"content":"a"})", Phase::context);
  whole_token_ = token ? parse_last_token(*token) : std::nullopt;
  result.pid = server_->pid();
  n_slots_ = props->slots;
  // Slots that share a context could each have all of it, but not side by side.
  slot_tokens_ = std::min(result.effective.n_ctx / n_slots_, props->n_ctx_slot);
  return result;
}

// Why what is loaded is not what was asked for; empty = it is, or nobody can tell.
std::string Session::devices_passed_over(const MemoryMap& memory) const {
  const Placement& asked = loaded_->placement;
  const bool wants_one = asked.n_gpu_layers != 0 && !uses_no_device(asked);
  const auto& devices = engine_->abilities.devices;
  if (!wants_one || devices.empty() || memory.empty() || uses_a_device(memory)) return {};
  return fmt::format(
      "llama-server put nothing on {}, although {} layers were asked for: its log has no buffer "
      "there; start it by hand to see why",
      devices.front().id, asked.n_gpu_layers < 0 ? "all" : std::to_string(asked.n_gpu_layers));
}

Answer<protocol::MeasureResult> Session::run(const protocol::MeasureRequest& request,
                                             Reply& reply) {
  const auto ready = slots(protocol::phase_of(request));
  if (!ready) return tl::unexpected(ready.error());
  return measure(*ready, request, stopped_, reply);
}

Answer<protocol::CheckResult> Session::run(const protocol::CheckRequest& /*request*/,
                                           Reply& /*reply*/) {
  const auto ready = slots(Phase::warm_up);
  if (!ready) return tl::unexpected(ready.error());
  return check(*ready);
}

Answer<protocol::DivergenceResult> Session::run(const protocol::DivergenceRequest& request,
                                                Reply& reply) {
  const auto ready = slots(Phase::warm_up);
  if (!ready) return tl::unexpected(ready.error());
  return divergence(*ready, request, reference_, reply);
}

Answer<protocol::FullDepthResult> Session::run(const protocol::FullDepthRequest& /*request*/,
                                               Reply& reply) {
  const auto ready = slots(Phase::full_depth);
  if (!ready) return tl::unexpected(ready.error());
  return full_depth(*ready, reply);
}

Answer<protocol::UnloadResult> Session::run(const protocol::UnloadRequest& /*request*/,
                                            Reply& /*reply*/) {
  server_.reset();
  loaded_.reset();
  log_mark_ = 0;
  return protocol::UnloadResult{};
}

Answer<protocol::SynthResult> Session::run(const protocol::SynthRequest& /*request*/,
                                           Reply& /*reply*/) {
  return not_here(Phase::synth, "writing a model");
}

protocol::Fault Session::serve(const protocol::ServeRequest& /*request*/, Reply& /*reply*/) {
  return not_here(Phase::serve, "serving devices").value();
}

std::vector<std::string> Session::problems() {
  if (!server_) return std::exchange(last_log_, {});
  return problem_lines(server_->log_since(log_mark_));
}

Answer<Slots> Session::slots(Phase phase) const {
  if (!server_) return fault(FaultCode::bad_request, phase, "no context has been made");
  return Slots{&*server_, &loaded_->tokens, n_slots_, slot_tokens_, whole_token_};
}

}  // namespace sweetspot::adapter
