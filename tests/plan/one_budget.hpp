// Budgets of one device, as the tests of changes and of whole plans ask for them.
#pragma once

#include <cstdint>

#include "plan/budget.hpp"

namespace sweetspot::plan {

inline Budgets budget_of(std::uint64_t bytes) {
  DeviceBudget budget;
  budget.id = "GPU0";
  budget.budget_bytes = bytes;
  return {{budget}, {Absence{"not read"}}};
}

}  // namespace sweetspot::plan
