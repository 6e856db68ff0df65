// Headers read by ggml, with what it printed where it could not.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "worker/gguf/file.hpp"

namespace sweetspot::worker {

/// A HeaderReader. The last that library_log heard is the reason.
tl::expected<GgufHandle, std::string> read_header(const std::string& path);

}  // namespace sweetspot::worker
