#include "kernel/cpu_list.hpp"

#include <algorithm>
#include <cstdint>

#include "ground/pieces.hpp"

namespace sweetspot::kernel {
namespace {

// More processors than any machine has: a list beyond it is not one.
constexpr std::uint64_t kMostCpus = 65536;

}  // namespace

std::vector<int> cpu_list(std::string_view text) {
  std::vector<int> cpus;
  for (const std::string_view part : split(text, ',')) {
    const auto dash = part.find('-');
    const auto first = number_of(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_of(part.substr(dash + 1));
    if (!first || !last || *first > *last || *last >= kMostCpus) return {};
    for (std::uint64_t cpu = *first; cpu <= *last; ++cpu) cpus.push_back(static_cast<int>(cpu));
  }
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

}  // namespace sweetspot::kernel
