#include "http/client.hpp"

#include <httplib.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace sweetspot::http {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kLook{20};
constexpr int kOk = 200;

// What has come so far. Filled by the thread that reads, taken by the one that asked.
class Arrivals {
 public:
  void head(int status, std::string server) {
    const std::lock_guard lock(mutex_);
    answer_.status = status;
    answer_.server = std::move(server);
    there_.notify_one();
  }

  /// False where far more waits than any caller takes in.
  bool piece(const char* bytes, std::size_t size) {
    constexpr std::size_t kMostWaiting = std::size_t{64} * kMiB;
    const std::lock_guard lock(mutex_);
    pieces_.append(bytes, size);
    there_.notify_one();
    return pieces_.size() <= kMostWaiting;
  }

  void end(std::optional<Problem> problem) {
    const std::lock_guard lock(mutex_);
    problem_ = problem;
    over_ = true;
    there_.notify_one();
  }

  struct News {
    Answer head;
    std::string pieces;
    bool over = false;
    std::optional<Problem> problem;
  };

  /// Waits a moment for more.
  News wait() {
    std::unique_lock lock(mutex_);
    there_.wait_for(lock, kLook, [this] { return over_ || !pieces_.empty(); });
    return {answer_, std::exchange(pieces_, {}), over_, problem_};
  }

 private:
  std::mutex mutex_;
  std::condition_variable there_;
  Answer answer_;
  std::string pieces_;
  bool over_ = false;
  std::optional<Problem> problem_;
};

std::optional<Problem> problem_of(httplib::Error error) {
  switch (error) {
    case httplib::Error::Success:
      return std::nullopt;
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
      return Problem::refused;
    default:
      return Problem::broken;
  }
}

httplib::Request library_request(const Request& request, Arrivals& arrivals) {
  httplib::Request made;
  made.method = request.method;
  made.path = request.path;
  made.body = request.body;
  if (!request.body.empty()) made.set_header("Content-Type", "application/json");
  if (!request.api_key.empty()) made.set_header("Authorization", "Bearer " + request.api_key);
  made.response_handler = [&arrivals](const httplib::Response& response) {
    arrivals.head(response.status, response.get_header_value("Server"));
    return true;
  };
  made.content_receiver = [&arrivals](const char* bytes, std::size_t size, std::uint64_t,
                                      std::uint64_t) { return arrivals.piece(bytes, size); };
  return made;
}

// The library waits for one read at a time, and not for a caller who changes his mind: it works on
// a thread of its own, and the caller's closes its connection when the time is over.
class Exchange {
 public:
  Exchange(const Endpoint& server, const Request& request, milliseconds timeout)
      : client_(server.host, server.port), request_(library_request(request, arrivals_)) {
    client_.set_connection_timeout(timeout);
    client_.set_read_timeout(timeout);
    client_.set_write_timeout(timeout);
    client_.set_url_encode(false);
    client_.set_tcp_nodelay(true);
    thread_ = std::thread([this] { work(); });
  }
  ~Exchange() {
    // A connection that is not made yet cannot be closed, so it is told until it has heard.
    while (!arrivals_.wait().over) client_.stop();
    thread_.join();
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Arrivals::News wait() { return arrivals_.wait(); }

 private:
  void work() noexcept {
    // A server that is gone is an error of the write, and not the end of this process.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    try {
      httplib::Response response;
      httplib::Error error = httplib::Error::Success;
      const bool sent = client_.send(request_, response, error);
      arrivals_.end(sent ? std::nullopt : problem_of(error));
    } catch (const std::exception&) {
      arrivals_.end(Problem::broken);
    }
  }

  Arrivals arrivals_;
  httplib::Client client_;
  httplib::Request request_;
  std::thread thread_;
};

// Takes in what comes; a problem ends the exchange.
using OnPieces = std::function<std::optional<Problem>(const Arrivals::News&)>;

Reply exchange(const Endpoint& server, const Request& request, const Patience& patience,
               const OnPieces& take) {
  const Clock::time_point deadline = Clock::now() + patience.timeout;
  if (!patience.go_on()) return tl::unexpected(Problem::interrupted);
  Exchange running(server, request, std::max(patience.timeout, milliseconds(1)));
  for (;;) {
    const Arrivals::News news = running.wait();
    if (const auto problem = take(news)) return tl::unexpected(*problem);
    if (news.over && news.problem) {
      return tl::unexpected(Clock::now() >= deadline ? Problem::timed_out : *news.problem);
    }
    if (news.over) return news.head;
    if (!patience.go_on()) return tl::unexpected(Problem::interrupted);
    if (Clock::now() >= deadline) return tl::unexpected(Problem::timed_out);
  }
}

}  // namespace

Reply send(const Endpoint& server, const Request& request, const Patience& patience) {
  return stream(server, request, patience, {});
}

Reply stream(const Endpoint& server, const Request& request, const Patience& patience,
             const OnEvent& on_event) {
  std::string body;
  ServerEventReader events;
  const auto take = [&](const Arrivals::News& news) -> std::optional<Problem> {
    if (!on_event || news.head.status != kOk) {
      body += news.pieces;
      return body.size() > patience.most_bytes ? std::optional(Problem::broken) : std::nullopt;
    }
    events.add(news.pieces);
    while (const auto event = events.next()) {
      if (!on_event(*event)) return Problem::interrupted;
    }
    return events.waiting() > patience.most_bytes ? std::optional(Problem::broken) : std::nullopt;
  };
  Reply answer = exchange(server, request, patience, take);
  if (answer) answer->body = std::move(body);
  return answer;
}

}  // namespace sweetspot::http
