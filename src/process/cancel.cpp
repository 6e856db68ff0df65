#include "process/cancel.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

namespace sweetspot::process {
namespace {

// The token that signals cancel. Lock-free, so that a handler may read it.
std::atomic<CancelToken*> signal_token{nullptr};
static_assert(std::atomic<CancelToken*>::is_always_lock_free);

extern "C" void cancel_from_signal(int /*signal*/) {
  const int saved_errno = errno;
  if (CancelToken* token = signal_token.load()) token->cancel();
  errno = saved_errno;
}

}  // namespace

CancelToken::CancelToken() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

CancelToken::~CancelToken() {
  CancelToken* self = this;
  signal_token.compare_exchange_strong(self, nullptr);
  if (fd_ >= 0) close(fd_);
}

void CancelToken::cancel() noexcept {
  cancelled_.store(true);
  const std::uint64_t one = 1;
  // A full counter is already readable, which is all that matters.
  [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
}

void cancel_on_signals(CancelToken& token) {
  signal_token.store(&token);
  struct sigaction action = {};
  action.sa_handler = cancel_from_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    struct sigaction before = {};
    const bool kept = (signal == SIGHUP || signal == SIGQUIT) &&
                      sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN;
    if (!kept) sigaction(signal, &action, nullptr);
  }
  ignore_broken_pipes();
}

void ignore_broken_pipes() {
  struct sigaction current = {};
  // A handler that somebody installed on purpose also keeps us alive.
  if (sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler != SIG_DFL) return;
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  sigemptyset(&action.sa_mask);
  sigaction(SIGPIPE, &action, nullptr);
}

}  // namespace sweetspot::process
