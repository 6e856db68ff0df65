// Internal to this room: failures after which nothing more is to be had of a device.
#pragma once

#include "core/error.hpp"

namespace sweetspot::search {

/// The device or its driver no longer answers, or never will: what else is tried on it comes to
/// the same.
constexpr bool is_hang(FailureClass failure) {
  return failure == FailureClass::timed_out || failure == FailureClass::device_lost ||
         failure == FailureClass::driver_unfit;
}

}  // namespace sweetspot::search
