// Devices behind which the processor computes.
#pragma once

#include <string_view>

namespace sweetspot {

/// Whether a graphics device of that description is a driver that computes on the processor: Mesa's
/// llvmpipe (lavapipe) and softpipe, SwiftShader, or one that says so.
bool is_software_renderer(std::string_view description);

}  // namespace sweetspot
