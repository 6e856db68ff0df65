// How long an application waits for its answer: `choose` with telemetry open, and a whole cold
// process (start, open, find and load the set, read the devices, choose, close).
//
//   choose_speed FAKE_NVML SET_TEMPLATE
//
// The GPU is tests/fakes' NVML library, opened as the real one is; the set is a stored one.
#include <sweetspot/sweetspot.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" {
#include "fake_machine.h"
}

namespace {

constexpr int kWarm = 20000;
constexpr int kCold = 100;
constexpr const char* kOnce = "--once";

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void check(sweetspot_status status, char* error, const char* what) {
  if (status == SWEETSPOT_OK) return;
  std::fprintf(stderr, "%s: %s\n", what, error == nullptr ? "failed" : error);
  std::exit(1);
}

sweetspot_library* open_library(const char* data_folder, bool telemetry) {
  sweetspot_options options{};
  options.size = sizeof options;
  options.data_folder = data_folder;
  options.telemetry = telemetry ? 1 : 0;
  options.deadline_ms = 2000;
  sweetspot_library* lib = nullptr;
  char* error = nullptr;
  check(sweetspot_open(&options, &lib, &error), error, "open");
  return lib;
}

sweetspot_set* load_set(sweetspot_library* lib, const char* path) {
  sweetspot_set* set = nullptr;
  char* error = nullptr;
  check(sweetspot_set_of_file(lib, path, nullptr, &set, &error), error, path);
  return set;
}

void choose(sweetspot_library* lib, const sweetspot_set* set) {
  sweetspot_choice* choice = nullptr;
  char* error = nullptr;
  check(sweetspot_choose(lib, set, nullptr, &choice, &error), error, "choose");
  sweetspot_profile profile{};
  profile.size = sizeof profile;
  check(sweetspot_choice_profile(choice, &profile), nullptr, "profile");
  sweetspot_choice_free(choice);
}

void print(const char* name, std::vector<double> times_ms) {
  std::sort(times_ms.begin(), times_ms.end());
  const auto at = [&](double share) {
    return times_ms[static_cast<std::size_t>(share * static_cast<double>(times_ms.size() - 1))];
  };
  std::printf("%-28s %7zu times  median %8.4f ms  99 %% %8.4f ms  longest %8.4f ms\n", name,
              times_ms.size(), at(0.5), at(0.99), times_ms.back());
}

std::vector<double> warm(const fake_machine& machine) {
  sweetspot_library* const lib = open_library(machine.data, true);
  sweetspot_set* const set = load_set(lib, machine.set);
  choose(lib, set);
  std::vector<double> times_ms;
  times_ms.reserve(kWarm);
  for (int i = 0; i < kWarm; ++i) {
    const Clock::time_point start = Clock::now();
    choose(lib, set);
    times_ms.push_back(ms_since(start));
  }
  sweetspot_set_free(set);
  sweetspot_close(lib);
  return times_ms;
}

std::vector<double> cold(const fake_machine& machine, const char* self) {
  std::vector<double> times_ms;
  times_ms.reserve(kCold);
  for (int i = 0; i < kCold; ++i) {
    const Clock::time_point start = Clock::now();
    const pid_t child = fork();
    if (child == 0) {
      execl(self, self, kOnce, machine.data, machine.set, nullptr);
      _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    times_ms.push_back(ms_since(start));
    if (status != 0) {
      std::fprintf(stderr, "the cold process failed\n");
      std::exit(1);
    }
  }
  return times_ms;
}

void once(const char* data_folder, const char* set_path) {
  sweetspot_library* const lib = open_library(data_folder, false);
  sweetspot_set* const set = load_set(lib, set_path);
  choose(lib, set);
  sweetspot_set_free(set);
  sweetspot_close(lib);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == kOnce) {
    once(argv[2], argv[3]);
    return 0;
  }
  if (argc != 3) {
    std::fprintf(stderr, "choose_speed FAKE_NVML SET_TEMPLATE\n");
    return 2;
  }
  fake_machine machine;
  fake_machine_make(&machine, argv[1], argv[2]);
  print("choose, telemetry open", warm(machine));
  print("a whole cold process", cold(machine, "/proc/self/exe"));
  fake_machine_remove(&machine);
  return 0;
}
