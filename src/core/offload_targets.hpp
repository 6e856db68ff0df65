// Which devices layers go to, as llama.cpp decides it.
#pragma once

#include <string>
#include <vector>

#include "core/device.hpp"

namespace sweetspot {

/// The ids of the devices that layers are shared out to: `named` where the user named some, else
/// those that llama.cpp takes by itself (src/llama.cpp, llama_model_load_from_file_impl): devices
/// behind RPC and cards, of a card that two backends list the first only; integrated ones where
/// there is nothing else.
std::vector<std::string> offload_targets(const std::vector<Device>& devices,
                                         const std::vector<std::string>& named);

/// The reports of those devices, in their order.
std::vector<DeviceReport> targets_of(const std::vector<DeviceReport>& reports,
                                     const std::vector<std::string>& named);

/// The device before `devices[index]` that is the same card by its PCI address; null where there is
/// none.
const Device* same_card_before(const std::vector<Device>& devices, std::size_t index);

}  // namespace sweetspot
