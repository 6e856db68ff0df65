// One llama-server under measurement: started, known to be ours, asked, ended.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/completion.hpp"
#include "adapter/words.hpp"
#include "core/endpoint.hpp"
#include "http/client.hpp"
#include "process/child.hpp"
#include "servers/read.hpp"

namespace sweetspot::adapter {

/// What is started, without the address and the key.
struct ServerStart {
  const servers::ServerCard* engine = nullptr;
  std::vector<std::string> arguments;
  std::string model_path;
};

/// False ends the wait for an answer.
using GoOn = std::function<bool()>;

/// A server that answers on a port and with a key that only we know. Move only, not thread safe but
/// for stream(), which may be called from several threads at once.
class Server {
 public:
  /// Waits until it is healthy; how long is for the supervisor to decide, which sees progress. A
  /// port that somebody else takes meanwhile is left for another one. Faults are of `phase` load.
  static Answer<Server> start(const ServerStart& wanted, Reply& reply);

  ~Server();
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;

  /// GET, of what answers at once. Nothing where it is not told (404, 501).
  Answer<std::string> get(const char* path, Phase phase) const;

  /// A completion as one answer.
  Answer<std::string> complete(const CompletionAsk& ask, Phase phase) const;

  /// A completion as a stream of events. `on_event` says false when it has enough, and `go_on`,
  /// which is asked while nothing comes, too: neither is a fault.
  Answer<void> stream(const CompletionAsk& ask, Phase phase, const GoOn& go_on,
                      const std::function<bool(const CompletionEvent&)>& on_event) const;

  /// Any other request with a body, of what answers at once.
  Answer<std::string> post(const char* path, std::string body, Phase phase) const;

  /// Waits until no slot works, after a stream was left. At most a second.
  void settle() const;

  /// All that it printed, up to the last 4 MiB.
  [[nodiscard]] std::string log() const;
  [[nodiscard]] std::uint64_t log_size() const { return child_.output().total_bytes(); }
  /// What it printed after the first `offset` bytes.
  [[nodiscard]] std::string log_since(std::uint64_t offset) const;

  [[nodiscard]] pid_t pid() const { return child_.pid(); }

  /// Asks it to end, then sees to it. What it printed at the end is in log().
  void end();

 private:
  Server(process::Child child, Endpoint address, std::string api_key)
      : child_(std::move(child)), address_(std::move(address)), api_key_(std::move(api_key)) {}

  enum class Start { ready, elsewhere, unanswered };
  Answer<Start> wait_until_ours(Reply& reply) const;
  Answer<Start> is_ours() const;
  [[nodiscard]] tl::unexpected<protocol::Fault> ended(Phase phase) const;
  [[nodiscard]] tl::unexpected<protocol::Fault> lost(http::Problem problem, Phase phase) const;
  [[nodiscard]] http::Patience while_it_lives() const;
  [[nodiscard]] Answer<std::string> read(const http::Reply& reply, Phase phase) const;
  [[nodiscard]] http::Reply ask(const http::Request& request, const http::Patience& patience) const;

  process::Child child_;
  Endpoint address_;
  std::string api_key_;
  bool over_ = false;
};

/// Asks the server that runs to end and waits until it has, 5 s at most; none is started any more.
/// For the end of this process: a container lives on when the client that started it is killed.
/// Thread safe.
void end_running_server();

/// How a program ended, as a clause: "it ended with exit code 1", "it crashed (SIGSEGV)".
std::string how_it_ended(const process::ExitStatus& status);

}  // namespace sweetspot::adapter
