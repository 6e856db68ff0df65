#include "worker/exact_reserve.hpp"

#include <ggml-backend.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#ifdef SWEETSPOT_GGML_IS_SHARED
#include <dlfcn.h>
#endif

namespace sweetspot::worker {
namespace {

// Of the one thread that plans.
struct State {
  bool active = false;
  bool sizing = false;                   ///< inside a call of the real reserve_size
  ggml_backend_sched_t sched = nullptr;  ///< whose first graph was sized
  std::size_t* sizes = nullptr;          ///< llama.cpp's own array, one for each backend
};

State& state() {
  static thread_local State the_state;
  return the_state;
}

}  // namespace

ExactReserve::ExactReserve() { state() = {.active = true}; }
ExactReserve::~ExactReserve() { state() = {}; }

#ifdef SWEETSPOT_GGML_IS_SHARED

namespace {

/// ggml's own function of that name, which the one below hides.
template <typename Function>
Function ggml_own(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

void size_graph(ggml_backend_sched_t sched, ggml_cgraph* graph, std::size_t* sizes) {
  static const auto own =
      ggml_own<decltype(&ggml_backend_sched_reserve_size)>("ggml_backend_sched_reserve_size");
  state().sizing = true;
  own(sched, graph, sizes);
  state().sizing = false;
}

/// What a buffer that grows from graph to graph ends up with.
void size_further_graph(ggml_backend_sched_t sched, ggml_cgraph* graph) {
  const auto n = static_cast<std::size_t>(ggml_backend_sched_get_n_backends(sched));
  std::vector<std::size_t> sizes(n);
  size_graph(sched, graph, sizes.data());
  std::size_t* const largest = state().sizes;
  for (std::size_t i = 0; i < n; ++i) largest[i] = std::max(largest[i], sizes[i]);
}

}  // namespace

#endif

}  // namespace sweetspot::worker

#ifdef SWEETSPOT_GGML_IS_SHARED

// The dynamic linker finds a program's own functions before those of its libraries.
using sweetspot::worker::ggml_own;
using sweetspot::worker::size_further_graph;
using sweetspot::worker::size_graph;
using sweetspot::worker::state;

extern "C" {

__attribute__((visibility("default"))) void ggml_backend_sched_reset(ggml_backend_sched_t sched) {
  static const auto own = ggml_own<decltype(&ggml_backend_sched_reset)>("ggml_backend_sched_reset");
  if (!state().sizing) own(sched);
}

__attribute__((visibility("default"))) void ggml_backend_sched_reserve_size(
    ggml_backend_sched_t sched, ggml_cgraph* measure_graph, std::size_t* sizes) {
  if (state().active) {
    state().sched = sched;
    state().sizes = sizes;
    size_graph(sched, measure_graph, sizes);
    return;
  }
  static const auto own =
      ggml_own<decltype(&ggml_backend_sched_reserve_size)>("ggml_backend_sched_reserve_size");
  own(sched, measure_graph, sizes);
}

__attribute__((visibility("default"))) void ggml_backend_sched_split_graph(
    ggml_backend_sched_t sched, ggml_cgraph* graph) {
  const bool further = state().active && !state().sizing && state().sched == sched;
  if (further) {
    size_further_graph(sched, graph);
    return;
  }
  static const auto own =
      ggml_own<decltype(&ggml_backend_sched_split_graph)>("ggml_backend_sched_split_graph");
  own(sched, graph);
}

}  // extern "C"

#endif
