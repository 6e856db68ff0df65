// A pretended machine described in JSON.
//
//   {"seed": 7}                      random_pair(7)
//   {"seed": 7, "linear": false}     with a quirk; true: without
//   {"recorded": "rtx4050"}          recorded_curve()
//   {"recorded": "mx230-gemma-e2b"}  a published curve, on the card it was measured on
// Without either, the plain parts of parts.hpp with a model of 32 blocks. On top of that single
// parameters by the names of parts.hpp:
//   "processor": {"bandwidth_gb_s": 60, ...}, "device": {"memory_total_gb": 12, "id": "GPU0",
//   "quirk": "kink", ...}, "disturbance": {"sample": 0, ...},
//   "model": {"blocks": 22, "bytes": 200000000, "expert_bytes": 0, "ffn_bytes": 0,
//             "kv_bytes_per_token": 4096, "output_bytes": 100000000, "n_expert": 0, ...}
#pragma once

#include "core/json.hpp"
#include "machine/parts.hpp"

namespace sweetspot::fake {

/// Errors are of kind usage and name the parameter that is not known or of the wrong type.
Result<Parts> parts_from_json(const Json& json);

/// The parameters as `parts_from_json` reads them, for reports; blocks are summed up.
Json to_json(const Parts& parts);

}  // namespace sweetspot::fake
