#include "worker/session.hpp"

#include <fmt/format.h>

#include <utility>

#include "answering/greeting.hpp"
#include "kernel/processors.hpp"
#include "worker/context.hpp"
#include "worker/devices.hpp"
#include "worker/divergence.hpp"
#include "worker/full_depth.hpp"
#include "worker/header_reader.hpp"
#include "worker/loading.hpp"
#include "worker/measure.hpp"
#include "worker/measure_inputs.hpp"
#include "worker/serve.hpp"
#include "worker/synth/synthesize.hpp"

namespace sweetspot::worker {

Answer<protocol::HelloResult> Session::run(const protocol::HelloRequest& request, Reply& reply) {
  if (auto same = answering::check_version(request); !same) return tl::unexpected(same.error());
  if (!backends_loaded_) {
    if (auto loaded = load_backends(); !loaded) return tl::unexpected(loaded.error());
    backends_loaded_ = true;
  }
  if (auto connected = connect_rpc_servers(request.rpc, reply); !connected) {
    return tl::unexpected(connected.error());
  }
  return protocol::HelloResult{protocol::kVersion, describe_engine(), list_devices(),
                               kernel::usable_processors().threads(), backend_problems()};
}

Answer<protocol::InspectResult> Session::run(const protocol::InspectRequest& request,
                                             Reply& /*reply*/) {
  return inspected_.inspect(request);
}

Answer<protocol::MapResult> Session::run(const protocol::MapRequest& request, Reply& reply) {
  if (!backends_loaded_) return fault(FaultCode::bad_request, Phase::plan, "hello comes first");
  auto oracle = oracles_.find(request.path);
  if (oracle == oracles_.end()) {
    auto opened = Oracle::open(request.path);
    if (!opened) return tl::unexpected(opened.error());
    oracle = oracles_.emplace(request.path, *std::move(opened)).first;
  }
  return oracle->second.map(request.configs, reply);
}

Answer<protocol::LoadResult> Session::run(const protocol::LoadRequest& request, Reply& reply) {
  if (!backends_loaded_) return fault(FaultCode::bad_request, Phase::load, "hello comes first");
  if (model_) {
    return fault(FaultCode::bad_request, Phase::load, "this worker already holds a model");
  }
  auto loaded = load_model(request, inspected_, reply);
  if (!loaded) return tl::unexpected(loaded.error());
  model_ = std::move(loaded->model);
  offloaded_ = loaded->offloaded;
  return protocol::LoadResult{loaded->seconds, offloaded_.layers, offloaded_.offloadable,
                              loaded->slice};
}

Answer<protocol::ContextResult> Session::run(const protocol::ContextRequest& request,
                                             Reply& /*reply*/) {
  if (!model_) return fault(FaultCode::bad_request, Phase::context, "no model is loaded");
  drop_context();
  auto made = make_context(*model_, request.context, threads_);
  if (!made) return tl::unexpected(made.error());
  context_ = std::move(made->context);
  if (request.context.embeddings) {
    encoder_.emplace(*context_);
  } else {
    decoder_.emplace(*context_);
  }
  outputs_max_ = outputs_max(request.context);
  made->result.effective.n_gpu_layers = offloaded_.layers;
  on_device_ = offloaded_bytes(made->result.memory) > 0;
  return std::move(made->result);
}

Answer<protocol::MeasureResult> Session::run(const protocol::MeasureRequest& request,
                                             Reply& reply) {
  if (auto ready = need_context(protocol::phase_of(request)); !ready) {
    return tl::unexpected(ready.error());
  }
  if (encoder_) return measure(*encoder_, request, stopped_, reply);
  return measure(*decoder_, request, stopped_, reply);
}

Answer<protocol::CheckResult> Session::run(const protocol::CheckRequest& /*request*/,
                                           Reply& /*reply*/) {
  if (auto ready = need_context(Phase::warm_up); !ready) return tl::unexpected(ready.error());
  return encoder_ ? check(*encoder_) : check(*decoder_);
}

Answer<protocol::DivergenceResult> Session::run(const protocol::DivergenceRequest& request,
                                                Reply& /*reply*/) {
  if (auto ready = need_context(Phase::warm_up); !ready) return tl::unexpected(ready.error());
  if (encoder_) {
    return fault(FaultCode::bad_request, Phase::warm_up,
                 "a context for embeddings has no next token");
  }
  if (outputs_max_ > 0) {  // llama.cpp aborts where more logits are asked for than it reserved
    return fault(FaultCode::bad_request, Phase::warm_up,
                 "probabilities are compared in a context with libllama's defaults, which has room "
                 "for the logits of a whole batch");
  }
  return divergence(*decoder_, request, reference_);
}

Answer<protocol::FullDepthResult> Session::run(const protocol::FullDepthRequest& /*request*/,
                                               Reply& reply) {
  if (auto ready = need_context(Phase::full_depth); !ready) return tl::unexpected(ready.error());
  if (encoder_) return full_depth(*encoder_, reply);
  return full_depth(*decoder_, reply, on_device_);
}

Answer<protocol::UnloadResult> Session::run(const protocol::UnloadRequest& /*request*/,
                                            Reply& /*reply*/) {
  drop_context();
  model_.reset();
  offloaded_ = {};
  return protocol::UnloadResult{};
}

Answer<protocol::SynthResult> Session::run(const protocol::SynthRequest& request, Reply& reply) {
  inspected_.forget(request.out_path);
  return synthesize(request, read_header, reply);
}

protocol::Fault Session::serve(const protocol::ServeRequest& request, Reply& reply) {
  return worker::serve(request, backends_loaded_, reply);
}

void Session::drop_context() {
  decoder_.reset();
  encoder_.reset();
  context_.reset();
  threads_.release();
}

Answer<void> Session::need_context(Phase phase) const {
  if (!context_) return fault(FaultCode::bad_request, phase, "no context has been made");
  return {};
}

}  // namespace sweetspot::worker
