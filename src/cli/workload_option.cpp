#include "cli/workload_option.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <utility>

#include "core/text.hpp"
#include "profiles/pick_set.hpp"

namespace sweetspot::cli {
namespace {

struct Named {
  std::string_view name;
  Workload workload;
};

/// What one request of each kind looks like: tokens of prompt, generation, and already there.
constexpr std::array<Named, 4> kNamed = {{
    {"chat", {256, 256, 1024}},   // a turn of a conversation that has gone on for a while
    {"rag", {2048, 256, 0}},      // a question with the documents that may answer it
    {"code", {1024, 512, 2048}},  // a file, a request, and the change
    {"agent", {512, 256, 6144}},  // the result of a tool after many steps
}};

// The number before the next comma, which is taken off `text`; false where there is none.
bool take_number(std::string_view& text, std::uint32_t& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty()) return true;
  if (text.front() != ',' || text.size() == 1) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  names.reserve(kNamed.size());
  for (const Named& one : kNamed) names.emplace_back(one.name);
  return names;
}

Result<Workload> parse_workload(std::string_view text) {
  for (const Named& one : kNamed) {
    if (one.name == text) return one.workload;
  }
  Workload workload;
  workload.n_depth = 0;
  std::string_view rest = text;
  bool good =
      take_number(rest, workload.n_prompt) && !rest.empty() && take_number(rest, workload.n_gen);
  if (good && !rest.empty()) good = take_number(rest, workload.n_depth) && rest.empty();
  if (good) return workload;
  return error(ErrorKind::usage, fmt::format("--workload does not take '{}'", printable(text)),
               fmt::format("give {}, or tokens of prompt, generated and before them, as in "
                           "512,128,0",
                           fmt::join(workload_names(), ", ")));
}

std::string workload_in_words(const Workload& workload) {
  std::string figures = fmt::format("{} prompt and {} generated tokens, {} before them",
                                    workload.n_prompt, workload.n_gen, workload.n_depth);
  for (const Named& one : kNamed) {
    if (profiles::same_requests(one.workload, workload)) {
      return fmt::format("{} ({})", one.name, figures);
    }
  }
  return figures;
}

}  // namespace sweetspot::cli
