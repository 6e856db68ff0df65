// Signs beyond ASCII, and what stands for them where the locale has none. Internal to this room.
#pragma once

#include "core/charset.hpp"

namespace sweetspot::report {

inline const char* plus_minus() { return text_is_ascii() ? "+-" : "±"; }
inline const char* degrees_celsius() { return text_is_ascii() ? "C" : "°C"; }
inline const char* ellipsis() { return text_is_ascii() ? "..." : "…"; }

}  // namespace sweetspot::report
