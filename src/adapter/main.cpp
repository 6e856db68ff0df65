// sweetspot-adapter: a worker that links no llama.cpp and drives a llama-server, the one that
// SWEETSPOT_ENGINE names in the words of --engine.
#include <cstdlib>
#include <memory>
#include <string>

#include "adapter/server.hpp"
#include "adapter/session.hpp"
#include "answering/answerer.hpp"
#include "answering/outbox.hpp"

int main() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet
  const char* const named = std::getenv("SWEETSPOT_ENGINE");
  const std::string program = named == nullptr ? "" : named;
  sweetspot::answering::when_leaving(sweetspot::adapter::end_running_server);
  sweetspot::answering::answer_supervisor([&](const std::atomic<bool>& stopped) {
    return std::make_unique<sweetspot::adapter::Session>(program, stopped);
  });
}
