#include <sweetspot/sweetspot.h>

#include <cstdlib>
#include <memory>
#include <sweetspot_version.hpp>

#include "capi/c_values.hpp"
#include "capi/handles.hpp"
#include "store/profile_set_file.hpp"

namespace {

using namespace sweetspot::capi;  // NOLINT(google-build-using-namespace)

std::chrono::milliseconds or_usual(std::uint32_t given_ms) {
  return std::chrono::milliseconds(given_ms == 0 ? 250 : given_ms);
}

sweetspot::devices::ViewOptions view_options(const sweetspot_options& options) {
  return {options.telemetry != 0, options.wake_sleeping_devices != 0, or_usual(options.interval_ms),
          or_usual(options.deadline_ms)};
}

}  // namespace

std::uint32_t sweetspot_abi_version(void) { return SWEETSPOT_ABI_VERSION; }

const char* sweetspot_version(void) { return sweetspot::kVersion; }

sweetspot_status sweetspot_open(const sweetspot_options* options, sweetspot_library** out,
                                char** error) {
  if (out != nullptr) *out = nullptr;
  return guarded(error, [&] {
    require(out, "out");
    const sweetspot_options given = read_in(options);
    std::string folder = text_or_empty(given.data_folder);
    if (folder.empty()) folder = sweetspot::store::user_data_folder();
    *out = std::make_unique<sweetspot_library>(view_options(given), std::move(folder)).release();
    return SWEETSPOT_OK;
  });
}

void sweetspot_close(sweetspot_library* lib) { delete lib; }

void sweetspot_free(char* text) { std::free(text); }
