#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "compare/comparison.hpp"
#include "core/knobs.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::compare {
namespace {

constexpr const char* kUnknown = "-";

// Limits move by a hair between two looks.
constexpr double kSameLimit = 0.01;

/// Collects what differs.
class List {
 public:
  void text(std::string what, std::string a, std::string b) {
    if (a == b) return;
    if (a.empty()) a = kUnknown;
    if (b.empty()) b = kUnknown;
    found_.push_back({std::move(what), std::move(a), std::move(b)});
  }

  void number(std::string what, const Reading<double>& a, const Reading<double>& b,
              std::string_view unit) {
    if (a && b && std::abs(*a - *b) <= kSameLimit * std::max(std::abs(*a), std::abs(*b))) return;
    const auto shown = [&](const Reading<double>& value) {
      return value ? fmt::format("{:.6g}{}{}", *value, unit.empty() ? "" : " ", unit)
                   : std::string();
    };
    text(std::move(what), shown(a), shown(b));
  }

  void bytes(std::string what, const Reading<std::uint64_t>& a, const Reading<std::uint64_t>& b) {
    const auto mib = [](const Reading<std::uint64_t>& value) -> Reading<double> {
      if (!value) return Absence{"unknown"};
      return static_cast<double>(*value) / static_cast<double>(kMiB);
    };
    number(std::move(what), mib(a), mib(b), "MiB");
  }

  std::vector<Difference> take() { return std::move(found_); }

 private:
  std::vector<Difference> found_;
};

void model(List& list, const ModelInfo& a, const ModelInfo& b) {
  if (a.fingerprint == b.fingerprint) return;
  const auto shown = [](const ModelInfo& info) {
    const std::string file = info.path.substr(info.path.rfind('/') + 1);
    return fmt::format("{} ({}, {} MiB)", file, info.quantization, info.size_bytes / kMiB);
  };
  list.text("model", shown(a), shown(b));
  // Files of the same name and size are still others.
  if (shown(a) == shown(b)) list.text("model's contents", a.fingerprint, b.fingerprint);
}

void engine(List& list, const Engine& a, const Engine& b) {
  list.text("llama.cpp", a.llama_version, b.llama_version);
  list.text("llama.cpp build", a.llama_build, b.llama_build);
  list.text("ggml", a.ggml_version, b.ggml_version);
  list.text("ggml commit", a.ggml_commit, b.ggml_commit);
  list.text("backends", fmt::format("{}", fmt::join(a.backends, ", ")),
            fmt::format("{}", fmt::join(b.backends, ", ")));
  list.text("built for", a.system_info, b.system_info);
}

void machine(List& list, const Machine& a, const Machine& b) {
  list.text("operating system", a.os, b.os);
  list.text("kernel", a.kernel, b.kernel);
  list.text("processor", a.cpu, b.cpu);
  list.number("usable threads", Reading<double>(a.usable_threads),
              Reading<double>(b.usable_threads), "");
  list.number("processors allowed", a.cpu_quota, b.cpu_quota, "");
  list.bytes("memory of the machine", a.memory_total_bytes, b.memory_total_bytes);
  list.text("environment", fmt::format("{}", fmt::join(a.environment, " ")),
            fmt::format("{}", fmt::join(b.environment, " ")));
}

void status(List& list, const std::string& id, const DeviceStatus& a, const DeviceStatus& b) {
  const auto text = [](const Reading<std::string>& value) {
    return value ? *value : std::string();
  };
  list.text("driver of " + id, text(a.driver_version), text(b.driver_version));
  list.number("power limit of " + id, a.power_limit_w, b.power_limit_w, "W");
  list.number("highest clock of " + id, a.graphics_clock_limit_mhz, b.graphics_clock_limit_mhz,
              "MHz");
}

void devices(List& list, const std::vector<DeviceReport>& a, const std::vector<DeviceReport>& b) {
  std::map<std::string, std::pair<const DeviceReport*, const DeviceReport*>> both;
  for (const DeviceReport& report : a) both[report.device.id].first = &report;
  for (const DeviceReport& report : b) both[report.device.id].second = &report;
  for (const auto& [id, pair] : both) {
    const auto& [of_a, of_b] = pair;
    const auto shown = [](const DeviceReport* report) {
      return report == nullptr ? std::string("not there") : report->device.description;
    };
    list.text("device " + id, shown(of_a), shown(of_b));
    if (of_a == nullptr || of_b == nullptr) continue;
    list.bytes("memory of " + id, of_a->device.memory_total_bytes, of_b->device.memory_total_bytes);
    if (of_a->status && of_b->status) status(list, id, *of_a->status, *of_b->status);
  }
}

void set_device(List& list, const SetDevice& a, const SetDevice& b) {
  list.text("device " + a.id, a.description, b.description);
  list.text("driver of " + a.id, a.driver_version.value_or(""), b.driver_version.value_or(""));
  list.bytes("memory of " + a.id, a.memory_total_bytes, b.memory_total_bytes);
  list.number("power limit of " + a.id, a.power_limit_w, b.power_limit_w, "W");
}

void settings(List& list, const Run& a, const Run& b) {
  for (const Knob& knob : knobs()) {
    list.text(std::string(knob.name), knob_text(knob.get(a.base_config)),
              knob_text(knob.get(b.base_config)));
  }
  const auto tokens = [](const Workload& workload) {
    return fmt::format("{} prompt, {} generated, {} before", workload.n_prompt, workload.n_gen,
                       workload.n_depth);
  };
  list.text("tokens measured", tokens(a.workload), tokens(b.workload));
  list.bytes("device memory limit", a.settings.vram_limit_bytes, b.settings.vram_limit_bytes);
  list.text("sweetspot", a.tool_version, b.tool_version);
}

}  // namespace

std::vector<Difference> differences(const Run& a, const Run& b) {
  List list;
  model(list, a.model, b.model);
  engine(list, a.engine, b.engine);
  machine(list, a.machine, b.machine);
  devices(list, a.devices, b.devices);
  settings(list, a, b);
  return list.take();
}

std::vector<Difference> differences(const ProfileSet& a, const ProfileSet& b) {
  List list;
  list.text("engine", a.engine, b.engine);
  list.text("llama.cpp build", a.fingerprint.llama_cpp, b.fingerprint.llama_cpp);
  list.text("processor", a.fingerprint.cpu, b.fingerprint.cpu);
  list.text("environment", fmt::format("{}", fmt::join(a.fingerprint.environment, " ")),
            fmt::format("{}", fmt::join(b.fingerprint.environment, " ")));
  for (const SetDevice& device : a.devices) {
    const auto other = std::find_if(b.devices.begin(), b.devices.end(),
                                    [&](const SetDevice& each) { return each.id == device.id; });
    if (other != b.devices.end()) set_device(list, device, *other);
  }
  list.text("sweetspot", a.fingerprint.tool, b.fingerprint.tool);
  return list.take();
}

}  // namespace sweetspot::compare
