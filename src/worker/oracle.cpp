#include "worker/oracle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include "worker/answer.hpp"
#include "worker/context.hpp"
#include "worker/exact_reserve.hpp"
#include "worker/header_reader.hpp"
#include "worker/loading.hpp"
#include "worker/model_params.hpp"

namespace sweetspot::worker {
namespace {

constexpr Phase kPlanPhase = Phase::plan;

/// Positions of `configs` with equal placements side by side, first come first.
std::vector<std::size_t> by_placement(const std::vector<Config>& configs) {
  std::vector<std::size_t> group(configs.size());
  for (std::size_t i = 0; i < configs.size(); ++i) {
    group[i] = i;
    for (std::size_t back = i; back-- > 0;) {
      if (configs[back].placement == configs[i].placement) {
        group[i] = group[back];
        break;
      }
    }
  }
  std::vector<std::size_t> order(configs.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return group[a] < group[b]; });
  return order;
}

bool maps_weights(LoadMode mode) {
  // mlock pins what is mapped: the kernel cannot drop it.
  return mode == LoadMode::automatic || mode == LoadMode::mmap;
}

/// "llama_init_from_model: quantized V cache ..." -> "quantized V cache ...": where llama.cpp
/// printed it says nothing to a user.
std::string reason_in(std::string line) {
  constexpr std::string_view kLoading = "error loading model: ";
  if (const std::size_t at = line.rfind(kLoading); at != std::string::npos) {
    line.erase(0, at + kLoading.size());
  }
  constexpr std::string_view kInit = "llama_init_from_model: ";
  return line.starts_with(kInit) ? line.substr(kInit.size()) : line;
}

PlannedMemory refused(const std::string& why) { return {{}, 0, reason_in(why)}; }

}  // namespace

Answer<Oracle> Oracle::open(const std::string& path) {
  if (!can_read_memory()) {
    return fault(FaultCode::unsupported, kPlanPhase,
                 "this llama.cpp does not export its memory breakdown, so nothing can be planned");
  }
  auto files = open_model_files(path, kPlanPhase, read_header);
  if (!files) return tl::unexpected(files.error());
  auto header = HeaderFile::make(*files, Vocabulary::left_out, kPlanPhase);
  if (!header) return tl::unexpected(header.error());
  return Oracle(path, *std::move(files), *std::move(header));
}

Answer<protocol::MapResult> Oracle::map(const std::vector<Config>& configs, Reply& reply) {
  const library_log::Quiet quiet;  // thousands of lines that only matter for a real load
  const double start = now_ms();
  const std::uint32_t loads_before = loads_;
  protocol::MapResult result;
  result.maps.resize(configs.size());
  std::size_t done = 0;
  for (const std::size_t i : by_placement(configs)) {
    auto planned = answer(configs[i]);
    if (!planned) return tl::unexpected(planned.error());
    result.maps[i] = *std::move(planned);
    ++done;
    reply.progress(kPlanPhase, static_cast<double>(done) / static_cast<double>(configs.size()));
  }
  result.loads = loads_ - loads_before;
  result.seconds = (now_ms() - start) / 1000;
  return result;
}

Answer<PlannedMemory> Oracle::answer(const Config& config) {
  const auto ready = prepare(config);
  if (ready) return ask(*model_, config);
  // llama.cpp gives no code for why it does not load. A model that loads on the CPU is fine: then
  // it is the placement that this device or architecture does not have (split modes row, tensor).
  const bool unexplained = ready.error().code == FaultCode::model_null;
  if (unexplained && loads_on_cpu()) return refused(ready.error().message);
  return tl::unexpected(ready.error());
}

bool Oracle::loads_on_cpu() {
  Placement cpu;
  cpu.n_gpu_layers = 0;
  if (loads_on_cpu_) return *loads_on_cpu_;
  // With its vocabulary, which may be what is broken.
  const auto whole = HeaderFile::make(files_, Vocabulary::kept, kPlanPhase);
  loads_on_cpu_ = whole && load_from(whole->path(), cpu);
  return *loads_on_cpu_;
}

// The vocabulary should not change the memory. This is checked: the first config is asked with and
// without it, and where the answers differ the vocabulary stays.
Answer<void> Oracle::prepare(const Config& config) {
  if (placement_ == config.placement) return {};
  if (checked_) return load(config.placement);
  auto whole = HeaderFile::make(files_, Vocabulary::kept, kPlanPhase);
  if (!whole) return tl::unexpected(whole.error());
  auto model = load_from(whole->path(), config.placement);
  if (!model) return tl::unexpected(model.error());
  const auto expected = ask(**model, config);
  model->reset();
  checked_ = true;
  const auto loaded = load(config.placement);
  const auto got = loaded ? ask(*model_, config) : tl::unexpected(loaded.error());
  if (expected && got && *expected == *got) return {};
  whole_header_.emplace(*std::move(whole));
  return load(config.placement);
}

Answer<void> Oracle::load(const Placement& placement) {
  model_.reset();
  placement_.reset();
  auto model = load_from(whole_header_ ? whole_header_->path() : header_.path(), placement);
  if (!model) return tl::unexpected(model.error());
  model_ = *std::move(model);
  placement_ = placement;
  ++loads_;
  return {};
}

Answer<ModelHandle> Oracle::load_from(const std::string& header_path,
                                      const Placement& placement) const {
  const auto params = ModelParams::from(placement, kPlanPhase);
  if (!params) return tl::unexpected(params.error());
  llama_model_params raw = params->get();
  raw.no_alloc = true;
  raw.load_mode = LLAMA_LOAD_MODE_NONE;  // mapping and pretending exclude each other
  const auto mark = library_log::mark();
  ModelHandle model(llama_model_load_from_file(header_path.c_str(), raw));
  if (!model) return tl::unexpected(explain_failed_load(path_, mark, kPlanPhase));
  return model;
}

Answer<PlannedMemory> Oracle::ask(llama_model& model, const Config& config) const {
  const auto params = context_params(config.context);
  if (!params) return tl::unexpected(params.error());
  const auto mark = library_log::mark();
  const ExactReserve exact;
  const ContextHandle context(llama_init_from_model(&model, *params));
  if (!context) {
    const std::string reason = library_log::last_problem(mark);
    return refused(reason.empty() ? "llama.cpp makes no such context and gives no reason" : reason);
  }
  const bool mapped = maps_weights(config.placement.load_mode);
  return PlannedMemory{
      read_memory(context.get(), mapped ? Allocation::pretended_mapped : Allocation::pretended)
          .memory,
      llama_n_ctx(context.get()),
      {}};
}

}  // namespace sweetspot::worker
