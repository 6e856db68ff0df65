// The workers of these tests pretend: on a loaded machine they would be seen to wait for a
// processor, and that would be held against what a test is about. A root that has nothing of /proc
// but the machine's memory tells nothing of it.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace {

struct CalmKernel {
  CalmKernel() {
    std::string name = std::filesystem::temp_directory_path() / "sweetspot-calm-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return;
    root = name;
    std::filesystem::create_directory(root / "proc", failure);
    // Its size is said to be 0: it has to be read.
    std::ofstream(root / "proc/meminfo") << std::ifstream("/proc/meminfo").rdbuf();
    ::setenv("SWEETSPOT_SYSFS_ROOT", root.c_str(), 0);
  }
  CalmKernel(const CalmKernel&) = delete;
  CalmKernel& operator=(const CalmKernel&) = delete;
  ~CalmKernel() { std::filesystem::remove_all(root, failure); }

  std::filesystem::path root;
  std::error_code failure;
};

[[maybe_unused]] const CalmKernel kCalm;

}  // namespace
