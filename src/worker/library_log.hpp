// What llama.cpp and ggml print, kept so that it can be asked: some facts they tell nowhere else.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sweetspot::worker::library_log {

enum class Level { info, warning, error };

/// A place in the stream of lines.
using Mark = std::uint64_t;

/// Takes over the libraries' log. Lines are also echoed to stderr, whose tail the supervisor keeps.
/// Call once, before any other call into the libraries.
void install();

/// While one lives, lines that are no warning and no error are neither kept nor echoed.
class Quiet {
 public:
  Quiet();
  ~Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
};

/// The place after the last line so far.
Mark mark();

/// Lines of every level since `from`, oldest first, as far as they are still kept (about 4000).
std::vector<std::string> lines_since(Mark from);

/// The last line since `from` of which `wanted` is true, or nothing.
std::string last_matching(Mark from, const std::function<bool(std::string_view)>& wanted);

/// The last error since `from`, else the last warning, else nothing.
std::string last_problem(Mark from);

/// The last 50 warnings and errors since `from`, oldest first.
std::vector<std::string> problems(Mark from);

}  // namespace sweetspot::worker::library_log
