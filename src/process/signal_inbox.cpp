#include "process/signal_inbox.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

namespace sweetspot::process {
namespace {

constexpr std::array<int, 4> kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
constexpr unsigned char kFromTerminal = 0x80;

// The write end that the handler uses. A pipe keeps the order and cannot lose one: a full one holds
// thousands.
std::atomic<int> write_end{-1};
int read_end = -1;
std::array<struct sigaction, kSignals.size()> actions_before{};

extern "C" void keep_signal(int signal, siginfo_t* info, void* /*context*/) {
  const int saved_errno = errno;
  auto byte = static_cast<unsigned char>(signal);
  if (info != nullptr && info->si_code == SI_KERNEL) byte |= kFromTerminal;
  [[maybe_unused]] const ssize_t written = write(write_end.load(), &byte, 1);
  errno = saved_errno;
}

}  // namespace

SignalInbox::SignalInbox() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) ends = {-1, -1};
  read_end = ends[0];
  write_end = ends[1];
  struct sigaction action = {};
  action.sa_sigaction = keep_signal;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals.at(i), nullptr, &actions_before.at(i));
    if (actions_before.at(i).sa_handler != SIG_IGN) sigaction(kSignals.at(i), &action, nullptr);
  }
}

SignalInbox::~SignalInbox() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals.at(i), &actions_before.at(i), nullptr);
  }
  const int old = write_end.exchange(-1);
  if (old >= 0) close(old);
  if (read_end >= 0) close(read_end);
  read_end = -1;
}

int SignalInbox::fd() const { return read_end; }

std::optional<CaughtSignal> SignalInbox::next() {
  unsigned char byte = 0;
  if (read(read_end, &byte, 1) != 1) return std::nullopt;
  return CaughtSignal{byte & ~kFromTerminal, (byte & kFromTerminal) != 0};
}

}  // namespace sweetspot::process
