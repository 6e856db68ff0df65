#include "launch/fallback.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "process/foreground.hpp"

namespace sweetspot::launch {
namespace {

Next over(int code) { return {std::nullopt, false, code, std::nullopt}; }

Next failed(ErrorKind kind, std::string message, std::string remedy) {
  return {std::nullopt, false, exit_code(kind), Error{kind, std::move(message), std::move(remedy)}};
}

int code_of(const End& end) {
  return end.status ? process::shell_code(*end.status) : exit_code(ErrorKind::nothing_measurable);
}

std::string remedy_for(const End& end) {
  if (!end.remedy.empty()) return end.remedy;
  switch (end.error) {
    case ErrorKind::usage:
      return "look at what follows `--`; `--dry-run` shows the whole command";
    case ErrorKind::model:
      return "check the file with `sweetspot inspect`";
    default:
      return {};
  }
}

}  // namespace

bool Fallback::may_restart(double now_seconds) {
  while (!restarts_.empty() && now_seconds - restarts_.front() > rules_.restart_window_seconds) {
    restarts_.pop_front();
  }
  if (restarts_.size() >= static_cast<std::size_t>(rules_.restarts)) return false;
  restarts_.push_back(now_seconds);
  return true;
}

void Fallback::move_to(std::size_t rung) {
  if (rung != rung_) restarts_.clear();
  rung_ = rung;
}

Next Fallback::step_down(const End& end) {
  if (rung_ + 1 < rungs_) {
    move_to(rung_ + 1);
    return {rung_, false, 0, std::nullopt};
  }
  return failed(ErrorKind::nothing_measurable,
                fmt::format("no profile could be started; the last one: {}", end.message),
                end.kind == EndKind::out_of_memory
                    ? "free memory, or see what the program printed above"
                    : "see what the program printed above");
}

Next Fallback::after(const End& end, bool healthy, double now_seconds) {
  switch (end.kind) {
    case EndKind::exited:
      return over(0);
    case EndKind::hopeless:
      return failed(end.error, end.message, remedy_for(end));
    case EndKind::out_of_memory:
    case EndKind::timed_out:
    case EndKind::crashed:
      break;
  }
  // For a program that only answers, an exit code that means neither memory nor a crash is its
  // answer.
  const bool said_no = end.kind == EndKind::crashed && end.status && end.status->code;
  if (!rules_.restart_after_healthy && said_no) return over(code_of(end));
  if (!healthy) return step_down(end);
  if (!rules_.restart_after_healthy) return over(code_of(end));
  // With the same memory it would run out of it again.
  if (end.kind != EndKind::out_of_memory && may_restart(now_seconds)) {
    return {rung_, true, 0, std::nullopt};
  }
  if (rung_ + 1 < rungs_) return step_down(end);
  Next next = failed(
      ErrorKind::nothing_measurable,
      fmt::format("it ended too often with its last profile; the last time: {}", end.message),
      "see what the program printed above");
  next.exit_code = code_of(end);
  return next;
}

Next Fallback::out_of_time(const End& last, double seconds) {
  return failed(ErrorKind::nothing_measurable,
                fmt::format("nothing was healthy within {}; the last one: {}",
                            format_seconds(seconds), last.message),
                "allow more with --max-seconds, or start further down with --profile");
}

}  // namespace sweetspot::launch
