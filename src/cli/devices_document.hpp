// What `sweetspot devices --json` prints: sweetspot.devices/1, docs/formats/devices-1.schema.json.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/fields.hpp"
#include "core/run.hpp"
#include "devices/inventory.hpp"

namespace sweetspot::cli {

struct ShownDevice {
  DeviceReport report;
  devices::MemoryView memory;
};

void fields(auto& f, Is<ShownDevice> auto& device) {
  fields(f, device.report);
  f("memory", device.memory);
}

struct DevicesDocument {
  std::string read_at;           ///< UTC, ISO 8601
  std::optional<Engine> engine;  ///< nothing where the worker was not asked
  std::vector<ShownDevice> devices;
  std::vector<DeviceStatus> others;  ///< known to a driver, not to ggml
  std::vector<std::string> notes;
};

void fields(auto& f, Is<DevicesDocument> auto& document) {
  f.constant("schema", "sweetspot.devices/1");
  f("read_at", document.read_at);
  f("engine", document.engine);
  f("devices", document.devices);
  f("other_devices", document.others);
  f("notes", document.notes);
}

}  // namespace sweetspot::cli
