// sweetspot devices: what llama.cpp can use here, and what the drivers say of it.
//
// The drivers are read before a worker is started, so that the worker's own context is not in the
// figures.

#include <fmt/format.h>
#include <poll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>

#include "cli/connection.hpp"
#include "cli/devices_document.hpp"
#include "cli/environment.hpp"
#include "core/json_writer.hpp"
#include "core/offload_targets.hpp"
#include "core/text.hpp"
#include "devices/inventory.hpp"
#include "devices/machine.hpp"
#include "devices/pci.hpp"
#include "devices/sampler.hpp"
#include "devices/slow_hardware.hpp"
#include "devices/sources.hpp"
#include "devices/unused_cards.hpp"
#include "engine/worker.hpp"
#include "report/devices_table.hpp"

namespace sweetspot::cli {
namespace {

constexpr std::chrono::milliseconds kDriverDeadline{
    15000};  // opening eight sleeping cards takes seconds

constexpr const char* kNothingToOffloadTo =
    "llama.cpp finds no device here that layers can be offloaded to";

struct DevicesOptions {
  ConnectionOptions connection;
  bool json = false;
  bool details = false;
  bool watch = false;
  bool wake = false;
  double interval_seconds = 1;
};

constexpr const char* kDevicesExamples = R"(
A value that cannot be read is shown as - and is null in JSON, with the reason beside it.

Examples:
  sweetspot devices
  sweetspot devices --watch --interval 0.5
  sweetspot devices --rpc 192.168.0.7:50052 --json
)";

// What does not change between two looks.
struct Known {
  std::vector<Device> devices;
  std::optional<Engine> engine;  // nothing where the worker was not asked
  std::vector<std::string> notes;
};

// One look, ready to be shown.
struct Look {
  std::vector<DeviceReport> reports;
  std::vector<DeviceStatus> others;  // known to a driver, not to ggml
  std::vector<std::string> notes;
  Reading<std::uint64_t> host_available_bytes;
};

// Returns early when cancelled.
void wait(const Environment& environment, std::chrono::milliseconds time) {
  const process::CancelToken* const token = environment.workplace.cancel;
  pollfd cancel{token == nullptr ? -1 : token->fd(), POLLIN, 0};
  poll(&cancel, 1, static_cast<int>(time.count()));
}

devices::Snapshot first_snapshot(const devices::Sampler& sampler, const Environment& environment) {
  constexpr std::chrono::milliseconds kPoll{20};
  const double end_ms = devices::steady_now_ms() + static_cast<double>(kDriverDeadline.count());
  devices::Snapshot snapshot = sampler.latest();
  while (snapshot.at_ms == 0 && devices::steady_now_ms() < end_ms &&
         !environment.workplace.cancelled()) {
    wait(environment, kPoll);
    snapshot = sampler.latest();
  }
  return snapshot;
}

std::vector<std::string> sleeping_gpus() {
  std::vector<std::string> ids;
  for (const devices::PciDevice& gpu : devices::list_pci_gpus(kernel::default_tree())) {
    if (gpu.suspended) ids.push_back(gpu.id);
  }
  return ids;
}

// Devices that layers could go to and, unless they are named, do not.
std::vector<std::string> passed_over(const std::vector<Device>& devices) {
  const std::vector<std::string> targets = offload_targets(devices, {});
  std::vector<std::string> notes;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const Device& device = devices[i];
    const bool taken = std::find(targets.begin(), targets.end(), device.id) != targets.end();
    if (taken || !device.can_offload()) continue;
    if (const Device* const card = same_card_before(devices, i)) {
      notes.push_back(
          fmt::format("{} is the card that {} is; llama.cpp takes {}, --device {} takes {}",
                      device.id, card->id, card->id, device.id, device.id));
    } else {
      notes.push_back(fmt::format(
          "{} is integrated: llama.cpp takes it where there is no other; --device {} takes it",
          device.id, device.id));
    }
  }
  return notes;
}

// Asks a worker for ggml's devices. A backend wakes every card it finds, so where one sleeps nobody
// asks unless the user wants it.
Result<Known> ask_ggml(const DevicesOptions& options, const Environment& environment) {
  Known known;
  const std::vector<std::string> asleep =
      options.wake ? std::vector<std::string>() : sleeping_gpus();
  if (!asleep.empty()) {
    known.notes.push_back(
        fmt::format("llama.cpp was not asked for its devices: that would wake {}; --wake does it",
                    asleep.front()));
    return known;
  }
  const Result<app::Connection> connection = connection_of(options.connection, environment);
  if (!connection) return tl::unexpected(connection.error());
  Result<engine::Worker> worker = app::start_worker(environment.workplace, *connection);
  if (!worker) return tl::unexpected(worker.error());
  known.devices = worker->hello().devices;
  known.engine = worker->hello().engine;
  worker->end();
  const bool offload = std::any_of(known.devices.begin(), known.devices.end(),
                                   [](const Device& device) { return device.can_offload(); });
  if (!offload) known.notes.emplace_back(kNothingToOffloadTo);
  for (std::string& note : passed_over(known.devices)) known.notes.push_back(std::move(note));
  for (const std::string& problem : worker->hello().backend_problems) {
    known.notes.push_back(problem);
  }
  for (std::string& card :
       devices::unused_cards(kernel::default_tree(), known.devices, known.engine->backends)) {
    known.notes.push_back(std::move(card));
  }
  return known;
}

// Whether no driver tells of a local GPU. Only then it matters which driver interface is missing.
bool driver_missing(const std::vector<DeviceReport>& reports) {
  return std::any_of(reports.begin(), reports.end(), [](const DeviceReport& report) {
    return report.device.can_offload() && report.device.backend != "RPC" && !report.status;
  });
}

// Whether a note is about the card already.
bool is_told(const std::vector<std::string>& notes, const DeviceStatus& card) {
  return card.pci_bus_id && std::any_of(notes.begin(), notes.end(), [&](const std::string& note) {
           return note.starts_with(*card.pci_bus_id);
         });
}

Look look_at(const Known& known, const devices::Snapshot& snapshot) {
  Look look;
  look.reports = devices::join(known.devices, snapshot.devices);
  look.others = devices::unclaimed(known.devices, snapshot.devices);
  look.notes = known.notes;
  for (std::string& slow :
       devices::slow_hardware(kernel::default_tree(), look.reports, snapshot.abilities)) {
    look.notes.push_back(std::move(slow));
  }
  for (const DeviceStatus& other : look.others) {
    if (!known.engine || devices::is_asleep(other) || is_told(look.notes, other)) continue;
    look.notes.push_back(
        fmt::format("{} is known to its driver ({}) but this llama.cpp lists no device there",
                    other.pci_bus_id.value_or("a device"), other.driver));
  }
  look.host_available_bytes = devices::this_machine().memory_available_bytes;
  return look;
}

report::DeviceRow row_of(const DeviceReport& report, const Look& look) {
  const devices::MemoryView memory = devices::memory_of(report, look.host_available_bytes);
  return {report.device.id,      report.device.description, report.device.backend, report.status,
          memory.total_bytes,    memory.used_bytes,         memory.free_bytes,     memory.source,
          /*takes_layers=*/false};
}

report::DeviceRow row_of(const DeviceStatus& status) {
  return {status.pci_bus_id.value_or(status.driver),
          status.name.value_or(""),
          "",
          status,
          status.memory_total_bytes,
          status.memory_used_bytes,
          status.memory_free_bytes,
          status.memory_source,
          /*takes_layers=*/false};
}

std::vector<report::DeviceRow> rows_of(const Known& known, const Look& look) {
  const std::vector<std::string> targets = offload_targets(known.devices, {});
  std::vector<report::DeviceRow> rows;
  for (const DeviceReport& report : look.reports) {
    rows.push_back(row_of(report, look));
    rows.back().takes_layers =
        std::find(targets.begin(), targets.end(), report.device.id) != targets.end();
  }
  for (const DeviceStatus& status : look.others) rows.push_back(row_of(status));
  return rows;
}

// Where layers go, once.
std::string short_text(const Known& known, const Look& look, const report::Style& style) {
  std::vector<std::string> notes = look.notes;
  std::erase(notes, kNothingToOffloadTo);  // the screen's first line says so
  return report::devices_screen(rows_of(known, look), notes, style);
}

// All that is known, as it changes: for --details and --watch.
std::string all_text(const Known& known, const Look& look, const devices::Snapshot& snapshot,
                     const report::Style& style) {
  std::vector<std::string> notes = look.notes;
  if (driver_missing(look.reports)) {
    notes.insert(notes.end(), snapshot.notes.begin(), snapshot.notes.end());
  }
  return report::devices_text(rows_of(known, look), notes, style);
}

DevicesDocument document_of(const Known& known, const Look& look,
                            const devices::Snapshot& snapshot) {
  DevicesDocument document{utc_now(), known.engine, {}, look.others, look.notes};
  for (const DeviceReport& report : look.reports) {
    document.devices.push_back({report, devices::memory_of(report, look.host_available_bytes)});
  }
  document.notes.insert(document.notes.end(), snapshot.notes.begin(), snapshot.notes.end());
  return document;
}

// False where stdout is gone: the reader of a pipe has had enough.
bool write_out(const Environment& environment, const std::string& text) {
  environment.out->write(text);
  return environment.out->problem() == 0;
}

bool show(const DevicesOptions& options, const Environment& environment, const Known& known,
          const devices::Snapshot& snapshot) {
  const Look look = look_at(known, snapshot);
  if (options.json) {
    return write_out(
        environment,
        dump(json_of(document_of(known, look, snapshot)), options.watch ? -1 : 2) + "\n");
  }
  const report::Style style = stdout_style(environment);
  std::string text = options.watch || options.details ? all_text(known, look, snapshot, style)
                                                      : short_text(known, look, style);
  if (options.watch) {
    text = environment.stdout_is_terminal ? "\x1b[H\x1b[2J" + text : text + "\n";
  }
  return write_out(environment, text);
}

devices::SamplerOptions watch_options(std::chrono::milliseconds interval) {
  devices::SamplerOptions options;
  options.interval = interval;
  options.stale_after_intervals = interval.count() >= 1000 ? 3 : 10;
  return options;
}

Result<int> list_devices(const DevicesOptions& options, const Environment& environment) {
  const std::chrono::milliseconds interval{std::llround(options.interval_seconds * 1000)};
  devices::Sampler sampler(devices::system_sources(devices::source_options(options.wake)),
                           watch_options(interval));
  sampler.start();
  devices::Snapshot snapshot = first_snapshot(sampler, environment);
  if (environment.workplace.cancelled()) return error(ErrorKind::interrupted, "interrupted");
  const Result<Known> known = ask_ggml(options, environment);
  if (!known) return tl::unexpected(known.error());
  while (show(options, environment, *known, snapshot) && options.watch &&
         !environment.workplace.cancelled()) {
    wait(environment, interval);
    if (environment.workplace.cancelled()) break;
    snapshot = sampler.latest();
  }
  return 0;
}

}  // namespace

void add_devices(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<DevicesOptions>();
  app.footer(kDevicesExamples);
  app.add_flag("--json", options->json, "Print JSON; with --watch one line per reading");
  app.add_flag("--details", options->details,
               "Show also what the drivers say now: use, temperature, power, clocks");
  CLI::Option* watch = app.add_flag("--watch", options->watch, "Read again until Ctrl-C");
  app.add_option("--interval", options->interval_seconds, "Seconds between two readings")
      ->check(CLI::Range(0.1, 3600.0))
      ->type_name("SECONDS")
      ->capture_default_str()
      ->needs(watch);
  app.add_flag("--wake", options->wake, "Also read devices that sleep, which wakes them");
  app.add_option("--rpc", options->connection.rpc, "ggml RPC servers whose devices to list")
      ->delimiter(',')
      ->type_name("HOST:PORT,...");
  app.callback(
      [options, &environment, &outcome] { outcome = list_devices(*options, environment); });
}

}  // namespace sweetspot::cli
