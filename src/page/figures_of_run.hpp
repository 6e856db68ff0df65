// The pictures that a run is shown in. Internal to this room. A figure without rows is left out.
#pragma once

#include "core/run.hpp"
#include "page/figure.hpp"

namespace sweetspot::page {

// By layers.
Figure generation_speed(const Run& run);
Figure prompt_speed(const Run& run);
Figure memory_in_use(const Run& run);
Figure memory_accounts(const Run& run);  ///< predicted, allocated, observed

Figure speed_at_depth(const Run& run);
Figure profiles_of(const Run& run);
Figure decisions_of(const Run& run);
Figure trials_of(const Run& run);
Figure surroundings_of(const Run& run);  ///< machine, engine, devices, model, workload

// What the driver said while trials ran, by the time of day.
Figure clocks_over_time(const Run& run);
Figure power_over_time(const Run& run);
Figure temperature_over_time(const Run& run);
Figure use_over_time(const Run& run);

// Of a tune.
Figure front_of(const Run& run);
Figure search_of(const Run& run);
Figure finals_of(const Run& run);

}  // namespace sweetspot::page
