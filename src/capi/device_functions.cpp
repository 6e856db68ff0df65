#include <sweetspot/sweetspot.h>

#include <memory>

#include "capi/c_values.hpp"
#include "capi/handles.hpp"

namespace {

using namespace sweetspot::capi;  // NOLINT(google-build-using-namespace)
using sweetspot::DeviceStatus;
using sweetspot::LiveDevice;

// Everything a live device says by itself. Of a card that no driver knows there is nothing else.
sweetspot_device basics(const LiveDevice& live) {
  sweetspot_device device{};
  device.name = {live.description.c_str(), nullptr};
  device.pci_bus_id = text_of(live.pci_bus_id);
  device.uuid = text_of(live.uuid);
  device.driver_version = text_of(live.driver_version);
  device.memory_total_bytes = bytes_of(live.memory_total_bytes);
  device.memory_free_bytes = bytes_of(live.memory_free_bytes);
  device.power_limit_w = number_of(live.power_limit_w);
  device.asleep = live.asleep ? 1 : 0;
  device.shares_host_memory = live.shares_host_memory ? 1 : 0;
  return device;
}

void add_status(sweetspot_device& device, const DeviceStatus& status) {
  device.name = text_of(status.name);
  device.driver = {status.driver.c_str(), nullptr};
  device.memory_used_bytes = bytes_of(status.memory_used_bytes);
  device.utilisation_percent = number_of(status.utilisation_percent);
  device.temperature_c = number_of(status.temperature_c);
  device.power_w = number_of(status.power_w);
  device.graphics_clock_mhz = number_of(status.graphics_clock_mhz);
}

void nobody_knows(sweetspot_device& device, const LiveDevice& live) {
  const char* const why = live.memory_total_bytes ? "not available for this device"
                                                  : live.memory_total_bytes.reason().c_str();
  const sweetspot_number absent = {std::numeric_limits<double>::quiet_NaN(), why};
  device.driver = {nullptr, why};
  device.memory_used_bytes = {SWEETSPOT_UNKNOWN, why};
  device.utilisation_percent = absent;
  device.temperature_c = absent;
  device.power_w = absent;
  device.graphics_clock_mhz = absent;
}

}  // namespace

sweetspot_status sweetspot_devices_read(sweetspot_library* lib, sweetspot_devices** out,
                                        char** error) {
  if (out != nullptr) *out = nullptr;
  return guarded(error, [&] {
    require(lib, "lib");
    require(out, "out");
    *out = std::make_unique<sweetspot_devices>(lib->view.look()).release();
    return SWEETSPOT_OK;
  });
}

size_t sweetspot_devices_count(const sweetspot_devices* devices) {
  return devices == nullptr ? 0 : devices->live.devices.size();
}

// The live devices are the statuses in their order, and then the cards that no driver knows.
sweetspot_status sweetspot_devices_get(const sweetspot_devices* devices, size_t index,
                                       sweetspot_device* out) {
  if (index >= sweetspot_devices_count(devices)) return SWEETSPOT_ERROR_ARGUMENT;
  const LiveDevice& live = devices->live.devices[index];
  sweetspot_device device = basics(live);
  if (index < devices->seen.statuses.size()) {
    add_status(device, devices->seen.statuses[index]);
  } else {
    nobody_knows(device, live);
  }
  return copy_out(out, device);
}

sweetspot_bytes sweetspot_devices_host_available(const sweetspot_devices* devices) {
  if (devices == nullptr) return {SWEETSPOT_UNKNOWN, "devices is NULL"};
  return bytes_of(devices->live.host_available_bytes);
}

const char* sweetspot_devices_note(const sweetspot_devices* devices, size_t index) {
  if (devices == nullptr || index >= devices->seen.notes.size()) return nullptr;
  return devices->seen.notes[index].c_str();
}

void sweetspot_devices_free(sweetspot_devices* devices) { delete devices; }
