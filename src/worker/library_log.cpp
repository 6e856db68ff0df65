#include "worker/library_log.hpp"

#include <llama.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>

namespace sweetspot::worker::library_log {
namespace {

constexpr std::size_t kKeptLines = 4000;
constexpr std::size_t kKeptProblems = 50;
constexpr std::size_t kMaxLineChars = 2000;

struct Line {
  Level level = Level::info;
  std::string text;
};

struct State {
  std::mutex mutex;
  std::deque<Line> lines;
  Mark first = 0;  ///< place of lines.front()
  Line open;       ///< a line without its end yet

  void finish() {
    if (open.text.empty()) return;
    lines.push_back(std::move(open));
    if (lines.size() > kKeptLines) {
      lines.pop_front();
      ++first;
    }
    open = {};
  }

  void add(Level level, std::string_view text) {
    for (;;) {
      const std::size_t end = text.find('\n');
      if (open.text.empty()) open.level = level;
      if (open.text.size() < kMaxLineChars) open.text += text.substr(0, end);
      if (end == std::string_view::npos) return;
      finish();
      text.remove_prefix(end + 1);
    }
  }
};

std::atomic<int> quiet_scopes{0};

State& state() {
  // Never destroyed: backends log from threads that outlive main.
  static auto* const kState = new State;
  return *kState;
}

void echo(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void on_log(ggml_log_level level, const char* text, void* /*user_data*/) {
  if (text == nullptr) return;
  // A continuation keeps the level of the line it belongs to; debug lines are too many to keep.
  static thread_local Level last = Level::info;
  static thread_local bool dropped = false;
  if (level != GGML_LOG_LEVEL_CONT) {
    dropped = level == GGML_LOG_LEVEL_DEBUG ||
              (quiet_scopes > 0 && level != GGML_LOG_LEVEL_ERROR && level != GGML_LOG_LEVEL_WARN);
    last = level == GGML_LOG_LEVEL_ERROR  ? Level::error
           : level == GGML_LOG_LEVEL_WARN ? Level::warning
                                          : Level::info;
  }
  if (dropped) return;
  echo(text);
  State& s = state();
  const std::lock_guard lock(s.mutex);
  s.add(last, text);
}

template <typename Visit>
void each_since(State& s, Mark from, Visit visit) {
  const Mark skip = from > s.first ? from - s.first : 0;
  for (std::size_t i = skip; i < s.lines.size(); ++i) visit(s.lines[i]);
}

}  // namespace

void install() {
  llama_log_set(on_log, nullptr);
  ggml_log_set(on_log, nullptr);
}

Quiet::Quiet() { ++quiet_scopes; }
Quiet::~Quiet() { --quiet_scopes; }

Mark mark() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  return s.first + s.lines.size();
}

std::vector<std::string> lines_since(Mark from) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  std::vector<std::string> out;
  each_since(s, from, [&](const Line& line) { out.push_back(line.text); });
  return out;
}

std::string last_matching(Mark from, const std::function<bool(std::string_view)>& wanted) {
  std::string found;
  for (const std::string& line : lines_since(from)) {
    if (wanted(line)) found = line;
  }
  return found;
}

std::string last_problem(Mark from) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  std::string error;
  std::string warning;
  each_since(s, from, [&](const Line& line) {
    if (line.level == Level::error) error = line.text;
    if (line.level == Level::warning) warning = line.text;
  });
  return error.empty() ? warning : error;
}

std::vector<std::string> problems(Mark from) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  std::vector<std::string> out;
  each_since(s, from, [&](const Line& line) {
    if (line.level != Level::info) out.push_back(line.text);
  });
  if (out.size() > kKeptProblems) {
    out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(kKeptProblems));
  }
  return out;
}

}  // namespace sweetspot::worker::library_log
