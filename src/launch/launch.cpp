#include "launch/launch.hpp"

#include <chrono>
#include <utility>

#include "core/text.hpp"
#include "ground/clock.hpp"
#include "launch/attempt.hpp"
#include "launch/relay.hpp"

namespace sweetspot::launch {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSignalBase = 128;

class Run {
 public:
  Run(const Job& job, const Surroundings& surroundings, process::SignalInbox& signals)
      : job_(job),
        around_(surroundings),
        relay_(signals, job.limits.stop_seconds, !has_port(job.program)),
        fallback_(job.rungs.size(), job.first, rules_of(job)),
        watcher_(job.watch),
        adapt_(job.adapt.value_or(AdaptRules{})) {}

  int go() {
    for (;;) {
      relay_.take();
      if (relay_.stopping()) return finish({{}, false, kSignalBase + relay_.last_signal(), {}});
      const Share share = next_share(job_.limits, job_.rungs.size() - job_.first,
                                     now() - stepping_since_, fallback_.rungs_left());
      if (share.load_seconds <= 0) {
        return finish(Fallback::out_of_time(
            last_end_, total_seconds(job_.limits, job_.rungs.size() - job_.first)));
      }
      const Next next = after(attempt(share));
      if (!next.rung) return finish(next);
    }
  }

 private:
  static FallbackRules rules_of(const Job& job) {
    FallbackRules rules = job.fallback;
    rules.restart_after_healthy = has_port(job.program);
    return rules;
  }

  [[nodiscard]] double now() const { return seconds_since(begin_); }

  [[nodiscard]] const SavedProfile& profile() const { return job_.rungs[fallback_.rung()]; }

  void tell(const Event& event) const {
    if (around_.on_event) around_.on_event(event);
  }

  int finish(const Next& next) const {
    tell(Finished{next.exit_code, next.error});
    return next.exit_code;
  }

  AttemptEnd attempt(Share share) {
    const auto command =
        command_for(job_.program, profile(), job_.model_path, job_.rpc, job_.address.listen);
    if (!command) {
      return {AttemptEnd::What::ended,
              {EndKind::hopeless, command.error().message, {}, command.error().kind}};
    }
    free_before_ = free_bytes();
    tell(Starting{profile().name, *command});
    Attempt attempt(job_, profile(), share, relay_);
    if (auto end = attempt.start(*command)) return {AttemptEnd::What::ended, *std::move(end)};
    Healthy healthy;
    if (auto over = attempt.wait_healthy(healthy)) return *std::move(over);
    tell(healthy);
    report(LoadResult::loaded);
    return attempt.wait_end([this] { return look(); });
  }

  // Where to go from there. Also tells of it.
  Next after(const AttemptEnd& over) {
    if (over.what == AttemptEnd::What::stopped) {
      return {{}, false, process::shell_code(*over.end.status), {}};
    }
    if (over.healthy) stepping_since_ = now();
    if (over.what == AttemptEnd::What::moved) return move_to(over.to);
    last_end_ = over.end;
    report_failure(over);
    const std::string before = profile().name;
    Next next = fallback_.after(over.end, over.healthy, now());
    if (next.rung && next.again) {
      tell(Restarting{before, over.end.message});
    } else if (next.rung) {
      tell(Failed{before, over.end.message, profile().name});
      adapt_.moved(*next.rung - 1, *next.rung, now());
    }
    return next;
  }

  Next move_to(std::size_t rung) {
    const std::size_t from = fallback_.rung();
    tell(Moving{job_.rungs[from].name, job_.rungs[rung].name, rung > from});
    fallback_.move_to(rung);
    adapt_.moved(from, rung, now());
    return {rung, false, 0, {}};
  }

  // While it runs: warnings, and whether another profile is called for.
  std::optional<std::size_t> look() {
    if (around_.devices) {
      for (std::string& text : watcher_.look(around_.devices(), now()))
        tell(Warned{std::move(text)});
    }
    if (!job_.adapt || !around_.wanted_rung) return std::nullopt;
    return adapt_.look(fallback_.rung(), around_.wanted_rung(fallback_.rung()), now());
  }

  [[nodiscard]] std::string device() const {
    const auto& needs = profile().needs;
    return needs && !needs->empty() ? needs->front().device : std::string();
  }

  [[nodiscard]] Reading<std::uint64_t> free_bytes() const {
    if (!around_.free_bytes || device().empty()) return Absence{"not asked"};
    return around_.free_bytes(device());
  }

  void report(LoadResult result) const {
    if (!around_.on_report) return;
    LoadReport report;
    report.profile = profile().name;
    report.result = result;
    report.device = device();
    report.free_bytes = free_before_;
    report.at = utc_now();
    report.loader = job_.loader;
    around_.on_report(report);
  }

  void report_failure(const AttemptEnd& over) const {
    switch (over.end.kind) {
      case EndKind::out_of_memory:
        return report(LoadResult::out_of_memory);
      case EndKind::crashed:
        if (!over.healthy) report(LoadResult::crashed);
        return;
      case EndKind::timed_out:
        if (!over.healthy) report(LoadResult::timed_out);
        return;
      case EndKind::exited:
      case EndKind::hopeless:
        return;
    }
  }

  const Job& job_;
  const Surroundings& around_;
  Relay relay_;
  Fallback fallback_;
  Watcher watcher_;
  Adapt adapt_;
  Clock::time_point begin_ = Clock::now();
  double stepping_since_ = 0;  // when the search for something that works began
  End last_end_;
  Reading<std::uint64_t> free_before_;
};

}  // namespace

int run(const Job& job, const Surroundings& surroundings, process::SignalInbox& signals) {
  return Run(job, surroundings, signals).go();
}

}  // namespace sweetspot::launch
