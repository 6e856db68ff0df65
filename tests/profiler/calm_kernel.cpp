// The workers of these tests pretend: on a loaded machine they would be seen to wait for a
// processor, and that would be held against what a test is about. A root without /proc tells
// nothing of it.
#include <cstdlib>

namespace {

[[maybe_unused]] const int kCalm = ::setenv("SWEETSPOT_SYSFS_ROOT", "/nowhere", 0);

}  // namespace
