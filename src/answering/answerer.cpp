#include "answering/answerer.hpp"

#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <thread>
#include <utility>
#include <variant>

#include "answering/inbox.hpp"

namespace sweetspot::answering {
namespace {

constexpr auto kHeartbeatInterval = std::chrono::milliseconds(500);

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

/// The phase a fault belongs to where the function that failed could not say (an exception).
Phase phase_of(const protocol::Request& request) {
  return std::visit(Overloaded{
                        [](const protocol::HelloRequest&) { return Phase::hello; },
                        [](const protocol::InspectRequest&) { return Phase::inspect; },
                        [](const protocol::MapRequest&) { return Phase::plan; },
                        [](const protocol::LoadRequest&) { return Phase::load; },
                        [](const protocol::ContextRequest&) { return Phase::context; },
                        [](const protocol::MeasureRequest& r) { return protocol::phase_of(r); },
                        [](const protocol::CheckRequest&) { return Phase::warm_up; },
                        [](const protocol::DivergenceRequest&) { return Phase::warm_up; },
                        [](const protocol::FullDepthRequest&) { return Phase::full_depth; },
                        [](const protocol::UnloadRequest&) { return Phase::unload; },
                        [](const protocol::SynthRequest&) { return Phase::synth; },
                        [](const protocol::ServeRequest&) { return Phase::serve; },
                        [](const protocol::StopRequest&) { return Phase::start; },
                    },
                    request);
}

Answer<protocol::ResultBody> perform(Answerer& answerer, const protocol::Request& request,
                                     Reply& reply) {
  return std::visit(Overloaded{
                        [&](const protocol::ServeRequest& r) -> Answer<protocol::ResultBody> {
                          return tl::unexpected(answerer.serve(r, reply));
                        },
                        [](const protocol::StopRequest&) -> Answer<protocol::ResultBody> {
                          return fault(FaultCode::bad_request, Phase::start,
                                       "there is nothing to stop");
                        },
                        [&](const auto& r) -> Answer<protocol::ResultBody> {
                          auto result = answerer.run(r, reply);
                          if (!result) return tl::unexpected(result.error());
                          return protocol::ResultBody{*std::move(result)};
                        },
                    },
                    request);
}

Answer<protocol::ResultBody> perform_guarded(Answerer& answerer, const protocol::Request& request,
                                             Reply& reply) {
  try {
    return perform(answerer, request, reply);
  } catch (const std::exception& e) {
    return fault(FaultCode::exception, phase_of(request), e.what());
  } catch (...) {
    return fault(FaultCode::exception, phase_of(request), "an exception of unknown type");
  }
}

/// Only what the libraries said during this request: older lines would point to the wrong cause.
void send_fault(Answerer& answerer, Reply& reply, protocol::Fault fault) {
  fault.log = answerer.problems();
  reply.send(std::move(fault));
}

[[noreturn]] void work(Inbox& inbox, Outbox& outbox, Answerer& answerer) {
  for (;;) {
    const auto message = inbox.next();
    answerer.begin_request();
    Reply reply(outbox, message ? message->id : 0);
    if (!message) {
      send_fault(answerer, reply,
                 {FaultCode::bad_request, Phase::start, message.error().message, {}});
      continue;
    }
    auto result = perform_guarded(answerer, message->request, reply);
    if (result) {
      reply.send(protocol::Done{*std::move(result)});
    } else {
      send_fault(answerer, reply, std::move(result.error()));
    }
  }
}

/// What must hold before any library does anything.
void prepare_process() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::setenv("GGML_NO_BACKTRACE", "1", 1);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
#ifdef __linux__
  // The supervisor ends a worker before memory runs out; if it comes to that all the same, this
  // process is the one for the kernel to end, not its neighbours.
  if (std::FILE* file = std::fopen("/proc/self/oom_score_adj", "we")) {
    std::fputs("1000", file);
    std::fclose(file);
  }
#endif
}

}  // namespace

void answer_supervisor(const MakeAnswerer& make) {
  prepare_process();
  // Never destroyed: the detached threads use them until the process ends.
  auto* const outbox = new Outbox(protocol::kEventFd);
  auto* const inbox = new Inbox(protocol::kRequestFd);
  std::thread([inbox] { inbox->run(); }).detach();
  std::thread([outbox] {
    for (;;) {
      outbox->send(0, protocol::Heartbeat{});
      std::this_thread::sleep_for(kHeartbeatInterval);
    }
  }).detach();
  work(*inbox, *outbox, *make(inbox->stopped()));
}

}  // namespace sweetspot::answering
