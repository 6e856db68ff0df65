// The workers of these tests pretend: on a loaded machine they would be seen to wait for a
// processor, and that would be held against what a test is about. A root that has nothing of /proc
// but the machine's memory tells nothing of it.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "temporary_folder.hpp"

namespace {

struct CalmKernel {
  CalmKernel() {
    std::filesystem::create_directory(root / "proc");
    // Its size is said to be 0: it has to be read.
    std::ofstream(root / "proc/meminfo") << std::ifstream("/proc/meminfo").rdbuf();
    ::setenv("SWEETSPOT_SYSFS_ROOT", root.path().c_str(), 0);
  }

  sweetspot::tests::TemporaryFolder root;
};

[[maybe_unused]] const CalmKernel kCalm;

}  // namespace
