// sweetspot-worker: the only program that includes llama.h. stdout and stderr belong to the
// libraries.
#include <memory>

#include "answering/answerer.hpp"
#include "worker/library_log.hpp"
#include "worker/session.hpp"

int main() {
  sweetspot::answering::answer_supervisor([](const std::atomic<bool>& stopped) {
    sweetspot::worker::library_log::install();
    return std::make_unique<sweetspot::worker::Session>(stopped);
  });
}
