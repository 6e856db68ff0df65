#include "process/own_limits.hpp"

#include <sys/resource.h>

namespace sweetspot::process {
namespace {

bool limited = false;
rlimit limit_before = {};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

}  // namespace

void limit_own_memory() {
  // RLIMIT_DATA counts private writable memory (setrlimit(2)); mapped libraries of drivers, which
  // may be large, are not in it.
  if (kSanitized || limited || getrlimit(RLIMIT_DATA, &limit_before) != 0) return;
  if (limit_before.rlim_cur != RLIM_INFINITY && limit_before.rlim_cur <= kOwnMemoryBytes) return;
  const rlimit wanted = {kOwnMemoryBytes, limit_before.rlim_max};
  limited = setrlimit(RLIMIT_DATA, &wanted) == 0;
}

void restore_memory_limit() noexcept {
  if (limited) setrlimit(RLIMIT_DATA, &limit_before);
}

}  // namespace sweetspot::process
