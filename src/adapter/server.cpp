#include "adapter/server.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "adapter/server_facts.hpp"
#include "dialect/spelling.hpp"
#include "os/new_file.hpp"
#include "os/socket.hpp"
#include "servers/ask.hpp"
#include "servers/command.hpp"

namespace sweetspot::adapter {
namespace {

using std::chrono::milliseconds;

constexpr const char* kLoopback = "127.0.0.1";
constexpr int kPortsTried = 3;
constexpr std::size_t kLogBytes = std::size_t{4} << 20U;
constexpr milliseconds kHealthPoll{10};
constexpr milliseconds kQuickAnswer{5000};
/// The supervisor has deadlines of its own; this one only ends what it has forgotten.
constexpr milliseconds kAnyAnswer = std::chrono::hours(24);
constexpr milliseconds kToEnd{5000};
/// Logarithms of the probabilities of a whole vocabulary are 80 bytes for each token.
constexpr std::size_t kMostAnswerBytes = std::size_t{64} << 20U;

/// An old server counts no tokens, and not every event of its stream is one.
constexpr std::uint32_t kSpareEvents = 8;
constexpr const char* kEndless = "it generates more tokens than it was asked for";

std::string random_key() {
  std::array<unsigned char, 16> bytes{};
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t count = ::getrandom(bytes.data() + got, bytes.size() - got, 0);
    if (count > 0) got += static_cast<std::size_t>(count);
  }
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

Answer<void> say_address(std::vector<std::string>& argv, const dialect::Abilities& abilities,
                         int port, const std::string& key) {
  using dialect::Extra;
  const std::array<std::pair<Extra, std::string>, 3> address = {
      {{Extra::host, kLoopback}, {Extra::port, std::to_string(port)}, {Extra::api_key, key}}};
  for (const auto& [extra, value] : address) {
    const dialect::Spelling spelling = dialect::spell(abilities, extra, value);
    if (!spelling.lacks.empty()) {
      return fault(FaultCode::config_rejected, Phase::load,
                   fmt::format("this llama-server cannot be measured: {}", spelling.lacks));
    }
    argv.insert(argv.end(), spelling.words.begin(), spelling.words.end());
  }
  return {};
}

/// The process of the server that runs, for the thread that ends this one.
class Running {
 public:
  Result<process::Child> spawn(const process::SpawnOptions& options) {
    const std::lock_guard lock(mutex_);
    if (over_) return error(ErrorKind::interrupted, "this process ends");
    auto child = process::Child::spawn(options);
    if (child) pid_ = child->pid();
    return child;
  }

  /// Before it is reaped: its number may be another's afterwards.
  void forget() {
    const std::lock_guard lock(mutex_);
    pid_ = 0;
  }

  void end() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    if (pid_ == 0) return;
    ::kill(pid_, SIGTERM);
    const double until = now_ms() + static_cast<double>(kToEnd.count());
    while (!has_ended() && now_ms() < until) std::this_thread::sleep_for(kHealthPoll);
  }

 private:
  [[nodiscard]] bool has_ended() const {
    siginfo_t info{};
    const auto id = static_cast<id_t>(pid_);
    return ::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid_;
  }

  std::mutex mutex_;
  pid_t pid_ = 0;
  bool over_ = false;
};

Running& running() {
  static auto* const only = new Running;  // never destroyed: asked while the process ends
  return *only;
}

/// A container that is ended may keep its name for a while: each start has one of its own.
Answer<std::vector<std::string>> words_to_start(const ServerStart& wanted, int port,
                                                const std::string& key) {
  auto words = servers::filled(wanted.engine->command,
                               {os::folder_of(wanted.model_path), std::to_string(port),
                                fmt::format("sweetspot-{}-{}", ::getpid(), port)});
  if (!words) return fault(FaultCode::config_rejected, Phase::load, words.error().message);
  words->insert(words->end(), wanted.arguments.begin(), wanted.arguments.end());
  if (auto said = say_address(*words, wanted.engine->abilities, port, key); !said) {
    return tl::unexpected(said.error());
  }
  return *std::move(words);
}

/// Words of llama.cpp and ik_llama.cpp before any load, where an argument is none of theirs.
bool refuses_arguments(std::string_view log) {
  constexpr std::array<std::string_view, 5> kWords = {
      "error: invalid argument", "error while handling argument", "error: unknown argument",
      "error: invalid parameter for argument", "the argument has been removed"};
  return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view words) {
    return log.find(words) != std::string_view::npos;
  });
}

tl::unexpected<protocol::Fault> refused(const http::Answer& answer, Phase phase) {
  return fault(FaultCode::decode_failed, phase,
               fmt::format("llama-server refused the request (HTTP status {}): {}", answer.status,
                           error_of(answer.body)));
}

bool says_port_is_taken(std::string_view log) {
  return log.find("couldn't bind") != std::string_view::npos ||
         log.find("Address already in use") != std::string_view::npos;
}

}  // namespace

std::string how_it_ended(const process::ExitStatus& status) {
  if (status.signal) {
    const char* name = ::sigabbrev_np(*status.signal);
    return fmt::format("it was ended by signal {}{}", *status.signal,
                       name == nullptr ? "" : fmt::format(" (SIG{})", name));
  }
  return fmt::format("it ended with exit code {}", status.code.value_or(0));
}

Answer<Server> Server::start(const ServerStart& wanted, Reply& reply) {
  reply.send(protocol::Progress{Phase::load, -1});
  for (int i = 0; i < kPortsTried; ++i) {
    const auto port = os::free_loopback_port();
    if (!port) break;
    std::string key = random_key();
    auto argv = words_to_start(wanted, *port, key);
    if (!argv) return tl::unexpected(argv.error());
    process::SpawnOptions spawn = servers::plain_start(*std::move(argv));
    spawn.kept_bytes = kLogBytes;
    auto child = running().spawn(spawn);
    if (!child) return fault(FaultCode::exception, Phase::load, child.error().message);
    Server server(*std::move(child), Endpoint{kLoopback, *port}, std::move(key));
    const auto started = server.wait_until_ours(reply);
    if (!started) return tl::unexpected(started.error());
    if (*started == Start::ready) return server;
  }
  return fault(FaultCode::exception, Phase::load,
               fmt::format("llama-server was not alone on any of {} ports: another program "
                           "answers there, or it answers without asking for its key",
                           kPortsTried));
}

Server::~Server() {
  if (!over_) end();
}

Server::Server(Server&& other) noexcept
    : child_(std::move(other.child_)),
      address_(std::move(other.address_)),
      api_key_(std::move(other.api_key_)),
      over_(std::exchange(other.over_, true)) {}

Server& Server::operator=(Server&& other) noexcept {
  if (this == &other) return *this;
  if (!over_) end();
  child_ = std::move(other.child_);
  address_ = std::move(other.address_);
  api_key_ = std::move(other.api_key_);
  over_ = std::exchange(other.over_, true);
  return *this;
}

// Its death is looked for before and after each question, so that an answer is never another
// program's that took the port of a dead one.
Answer<Server::Start> Server::wait_until_ours(Reply& reply) const {
  for (;;) {
    const auto health = ask({"GET", "/health"}, {kQuickAnswer});
    if (child_.exit_status()) {
      child_.output().settle(milliseconds(200));
      if (says_port_is_taken(log())) return Start::elsewhere;
      return ended(Phase::load);
    }
    if (health && health->status == 200) {
      auto ours = is_ours();
      if (!ours || *ours != Start::unanswered) return ours;
    }
    if (health && health->status == 401) return Start::elsewhere;
    reply.progress(Phase::load, -1);
    std::this_thread::sleep_for(kHealthPoll);
  }
}

// A port can be shared in silence: before build 8560 llama-server binds one that is taken. Nobody
// else knows the key.
Answer<Server::Start> Server::is_ours() const {
  const auto with_key = ask({"GET", "/props"}, {kQuickAnswer});
  const auto without_key = http::send(address_, {"GET", "/props"}, {kQuickAnswer});
  if (child_.exit_status()) return ended(Phase::load);
  const auto is_slow = [](const http::Reply& reply) {
    return !reply && reply.error() == http::Problem::timed_out;
  };
  // The machine is busy: how long a start may take is the supervisor's to say.
  if (is_slow(with_key) || is_slow(without_key)) return Start::unanswered;
  if (!with_key || !without_key) {
    return lost(with_key ? without_key.error() : with_key.error(), Phase::load);
  }
  const bool refuses_strangers = without_key->status == 401 || without_key->status == 403;
  const bool knows_us = with_key->status != 401 && with_key->status != 403;
  return refuses_strangers && knows_us ? Start::ready : Start::elsewhere;
}

http::Reply Server::ask(const http::Request& request, const http::Patience& patience) const {
  http::Request with_key = request;
  with_key.api_key = api_key_;
  return http::send(address_, with_key, patience);
}

tl::unexpected<protocol::Fault> Server::ended(Phase phase) const {
  child_.output().settle(milliseconds(200));
  const auto status = child_.exit_status().value_or(process::ExitStatus{});
  const std::string printed = log();
  const std::string words = last_problem(printed);
  const bool refused = phase == Phase::load && refuses_arguments(printed);
  protocol::Fault fault{refused ? FaultCode::config_rejected : FaultCode::engine_ended,
                        phase,
                        {},
                        problem_lines(printed)};
  fault.message = refused ? fmt::format("llama-server refuses what it is told: {}", words)
                          : fmt::format("llama-server is gone: {}{}{}", how_it_ended(status),
                                        words.empty() ? "" : ": ", words);
  return tl::unexpected<protocol::Fault>(std::move(fault));
}

tl::unexpected<protocol::Fault> Server::lost(http::Problem problem, Phase phase) const {
  // A process that dies closes its connections first: its end may follow in a moment.
  if (child_.wait_exit(milliseconds(500))) return ended(phase);
  const auto why = [&] {
    switch (problem) {
      case http::Problem::refused:
        return "it takes no more connections";
      case http::Problem::timed_out:
        return "it does not answer";
      case http::Problem::interrupted:
        return "the request was given up";
      case http::Problem::broken:
        break;
    }
    return "what it answers is not what llama-server answers, or ends early";
  }();
  return fault(FaultCode::engine_ended, phase, fmt::format("llama-server failed: {}", why));
}

// How long it may take to answer is the supervisor's to say.
http::Patience Server::while_it_lives() const {
  return {kAnyAnswer, [this] { return !child_.exit_status().has_value(); }, kMostAnswerBytes};
}

Answer<std::string> Server::get(const char* path, Phase phase) const {
  const auto reply = ask({"GET", path}, while_it_lives());
  if (!reply) return lost(reply.error(), phase);
  return reply->status == 200 ? reply->body : std::string();
}

Answer<std::string> Server::post(const char* path, std::string body, Phase phase) const {
  return read(ask({"POST", path, std::move(body)}, {kQuickAnswer}), phase);
}

Answer<std::string> Server::read(const http::Reply& reply, Phase phase) const {
  if (!reply) return lost(reply.error(), phase);
  if (reply->status == 200) return reply->body;
  return refused(*reply, phase);
}

Answer<std::string> Server::complete(const CompletionAsk& ask, Phase phase) const {
  return read(this->ask({"POST", "/completion", completion_body(ask)}, while_it_lives()), phase);
}

Answer<void> Server::stream(const CompletionAsk& ask, Phase phase, const GoOn& go_on,
                            const std::function<bool(const CompletionEvent&)>& on_event) const {
  http::Request request{"POST", "/completion", completion_body(ask), api_key_};
  const auto alive = [&] { return go_on() && !child_.exit_status(); };
  std::string problem;
  bool last = false;
  bool enough = false;
  std::uint32_t tokens = 0;
  const auto reply = http::stream(address_, request, {kAnyAnswer, alive, kMostAnswerBytes},
                                  [&](const http::ServerEvent& said) {
                                    if (said.value == "[DONE]") return true;
                                    const auto event = parse_completion(said.value);
                                    if (!event) problem = "an event of its stream makes no sense";
                                    if (event && !event->error.empty()) problem = event->error;
                                    if (said.field == "error" && problem.empty())
                                      problem = said.value;
                                    if (!problem.empty()) return false;
                                    last = last || event->last;
                                    enough = !on_event(*event);
                                    tokens = tokens_by_now(*event, tokens);
                                    if (tokens > ask.n_predict + kSpareEvents) problem = kEndless;
                                    return !enough && problem.empty();
                                  });
  if (enough || (last && reply)) return {};
  if (!problem.empty()) {
    return fault(FaultCode::engine_ended, phase, fmt::format("llama-server failed: {}", problem));
  }
  if (!reply) {
    if (reply.error() == http::Problem::interrupted && !child_.exit_status()) return {};
    return lost(reply.error(), phase);
  }
  if (reply->status != 200) {
    return refused(*reply, phase);
  }
  return lost(http::Problem::broken, phase);
}

void Server::settle() const {
  constexpr milliseconds kPoll{2};
  const double until = now_ms() + 1000;
  while (now_ms() < until) {
    const auto reply = ask({"GET", "/slots"}, {kQuickAnswer});
    if (!reply) return;
    if (reply->status != 200) {  // it does not tell: give it the time of a step or two
      std::this_thread::sleep_for(milliseconds(50));
      return;
    }
    if (!any_slot_works(reply->body)) return;
    std::this_thread::sleep_for(kPoll);
  }
}

std::string Server::log() const { return log_since(0); }

std::string Server::log_since(std::uint64_t offset) const {
  child_.output().settle(milliseconds(50));
  return child_.output().text(offset);
}

void Server::end() {
  over_ = true;
  child_.send(SIGTERM);
  static_cast<void>(child_.wait_exit(kToEnd));
  running().forget();
  child_.kill_tree();
}

void end_running_server() { running().end(); }

}  // namespace sweetspot::adapter
