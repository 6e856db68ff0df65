// Internal to this room: failures after which nothing more is to be had of a device, or of its
// memory.
#pragma once

#include "core/error.hpp"

namespace sweetspot::search {

/// The device or its driver no longer answers, or never will: what else is tried on it comes to
/// the same.
constexpr bool is_hang(FailureClass failure) {
  return failure == FailureClass::timed_out || failure == FailureClass::device_lost ||
         failure == FailureClass::driver_unfit;
}

/// There is no room for so much, and for more neither.
constexpr bool is_memory(FailureClass failure) {
  return failure == FailureClass::out_of_device_memory || failure == FailureClass::does_not_fit;
}

}  // namespace sweetspot::search
