// Tensors of synthetic models that read with an encoder: BERT's kin, and T5. Pure.
#pragma once

#include <string>
#include <vector>

#include "worker/synth/plan.hpp"

namespace sweetspot::worker {

/// Of an architecture whose family is not `decoder`.
std::vector<TensorPlan> plan_reader(const Geometry& geometry);

/// Why such a model cannot have this geometry; empty where it can.
std::string reader_problem(const protocol::SynthRequest& request, const Architecture& architecture);

}  // namespace sweetspot::worker
