// supervisor_probe WORKER: starts a worker, says so on stdout, and measures until it is killed
// (R5).
#include <cstdio>

#include "engine/worker.hpp"

int main(int argc, char** argv) {
  using namespace sweetspot;  // NOLINT(google-build-using-namespace): a program, not a header
  if (argc != 2) return 2;
  engine::StartOptions options;
  options.program.path = argv[1];
  for (;;) {
    auto worker = engine::Worker::start(options);
    if (!worker) return 3;
    std::puts("started");
    std::fflush(stdout);
    if (!worker->load({"/a.gguf", {}}, 1) || !worker->context({})) return 4;
    const protocol::MeasureRequest request{protocol::MeasureKind::generation, 0, 1, 20};
    if (!worker->measure(request, Phase::generation, [](const Sample&) { return true; })) return 5;
  }
}
