// A file of amdgpu can exist and still fail or hold a wrong value: on one APU gpu_busy_percent
// answers ENOTSUPP, on others a metric the firmware lacks is 0xFFFF. What is out of range is
// absent.
#include "devices/amdgpu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "core/ranges.hpp"
#include "devices/gpu_metrics.hpp"
#include "devices/pci.hpp"

namespace sweetspot::devices {
namespace {

struct AmdCard {
  std::string pci_bus_id;
  bool identified = false;  // the fields below were read, which needs the card awake
  bool apu = false;
  std::string hwmon;  // folder; empty where there is none
  Reading<std::string> name;
  Reading<std::string> uuid;
};

Reading<double> scaled(const Reading<std::uint64_t>& raw, double divisor, double max,
                       std::string_view file) {
  if (!raw) return Absence{raw.reason()};
  const double value = static_cast<double>(*raw) / divisor;
  if (*raw == std::numeric_limits<std::uint16_t>::max() || value > max) {
    return Absence{fmt::format("{}: the driver reports an impossible {}", file, *raw)};
  }
  return value;
}

// "1: 1200Mhz *": the line with the star is the level in use.
Reading<double> current_level(const Reading<std::string>& levels, std::string_view file) {
  if (!levels) return Absence{levels.reason()};
  const auto star = levels->find('*');
  if (star == std::string::npos) return Absence{fmt::format("{}: no level is marked", file)};
  const auto line = levels->rfind('\n', star);
  const auto colon = levels->find(':', line == std::string::npos ? 0 : line);
  double value = 0;
  if (colon < star) {
    const auto digit = levels->find_first_not_of(' ', colon + 1);
    const auto parsed = std::from_chars(levels->data() + digit, levels->data() + star, value);
    if (parsed.ec == std::errc() && value <= kMostPlausibleMegahertz) return value;
  }
  return Absence{fmt::format("{}: not understood", file)};
}

// The highest of the levels.
Reading<double> top_level(const Reading<std::string>& levels, std::string_view file) {
  if (!levels) return Absence{levels.reason()};
  double top = 0;
  for (std::size_t at = levels->find(':'); at != std::string::npos;
       at = levels->find(':', at + 1)) {
    const auto digit = levels->find_first_not_of(' ', at + 1);
    double value = 0;
    if (digit == std::string::npos) break;
    const auto parsed =
        std::from_chars(levels->data() + digit, levels->data() + levels->size(), value);
    if (parsed.ec == std::errc() && value <= kMostPlausibleMegahertz) top = std::max(top, value);
  }
  if (top > 0) return top;
  return Absence{fmt::format("{}: not understood", file)};
}

// A card at its highest clock names a limiter as well, the one it would meet next. Only one that
// costs speed counts.
Reading<std::vector<std::string>> costly_limiters(Reading<std::vector<std::string>> limiters,
                                                  const DeviceStatus& status) {
  constexpr double kFullSpeed = 0.9;
  const auto& clock = status.graphics_clock_mhz;
  const auto& limit = status.graphics_clock_limit_mhz;
  if (!limiters || limiters->empty()) return limiters;
  if (!clock || !limit) return Absence{"a limiter is named, but the clocks cannot be read"};
  if (*clock >= *limit * kFullSpeed) return std::vector<std::string>{};
  return limiters;
}

class AmdgpuSource final : public StatusSource {
 public:
  AmdgpuSource(AmdgpuOptions options, std::vector<AmdCard> cards)
      : options_(std::move(options)), cards_(std::move(cards)) {}

  [[nodiscard]] std::string_view name() const override { return "amdgpu"; }

  std::vector<DeviceStatus> read() override {
    std::vector<DeviceStatus> statuses;
    statuses.reserve(cards_.size());
    for (AmdCard& card : cards_) statuses.push_back(read_card(card));
    return statuses;
  }

 private:
  [[nodiscard]] static std::string file(const AmdCard& card, std::string_view name) {
    return fmt::format("/sys/bus/pci/devices/{}/{}", card.pci_bus_id, name);
  }
  [[nodiscard]] Reading<std::uint64_t> number(const AmdCard& card, std::string_view name) const {
    return options_.tree.number(file(card, name));
  }
  [[nodiscard]] Reading<double> hwmon(const AmdCard& card, std::string_view name, double divisor,
                                      double max) const;
  [[nodiscard]] Reading<std::string> driver_version() const;
  [[nodiscard]] bool is_apu(const AmdCard& card) const;
  [[nodiscard]] Reading<std::vector<std::string>> limiters(const AmdCard& card) const;
  void identify(AmdCard& card) const;
  void read_memory(DeviceStatus& status, const AmdCard& card) const;
  [[nodiscard]] DeviceStatus read_card(AmdCard& card) const;

  AmdgpuOptions options_;
  std::vector<AmdCard> cards_;
};

Reading<double> AmdgpuSource::hwmon(const AmdCard& card, std::string_view name, double divisor,
                                    double max) const {
  if (card.hwmon.empty()) return Absence{"the driver offers no hwmon folder"};
  return scaled(options_.tree.number(fmt::format("{}/{}", card.hwmon, name)), divisor, max, name);
}

// The module has a version only where it was installed apart from the kernel.
Reading<std::string> AmdgpuSource::driver_version() const {
  auto version = options_.tree.text("/sys/module/amdgpu/version");
  if (version) return version;
  const auto kernel = options_.tree.text("/proc/sys/kernel/osrelease");
  if (!kernel) return Absence{kernel.reason()};
  return "kernel " + *kernel;
}

// The header of gpu_metrics (size, format revision, content revision) says 1 for discrete cards and
// 2 or above for APUs. Where a card has no such table: only discrete ones know their memory's
// vendor.
bool AmdgpuSource::is_apu(const AmdCard& card) const {
  const auto metrics = options_.tree.read(options_.tree.path(file(card, "gpu_metrics")));
  if (metrics && metrics->size() >= 4) return static_cast<unsigned char>((*metrics)[2]) >= 2;
  if (options_.tree.text(file(card, "mem_info_vram_vendor"))) return false;
  const auto vram = number(card, "mem_info_vram_total");
  const auto gtt = number(card, "mem_info_gtt_total");
  return vram && gtt && *vram < *gtt;
}

Reading<std::vector<std::string>> AmdgpuSource::limiters(const AmdCard& card) const {
  const auto metrics = options_.tree.read(options_.tree.path(file(card, "gpu_metrics")));
  if (!metrics) return Absence{"gpu_metrics cannot be read"};
  return active_limiters(*metrics);
}

void AmdgpuSource::identify(AmdCard& card) const {
  if (card.identified) return;
  card.identified = true;
  card.apu = is_apu(card);
  const std::string folder = file(card, "hwmon");
  const auto names = options_.tree.folder(folder);
  if (!names.empty()) card.hwmon = fmt::format("{}/{}", folder, names.front());
  card.name = options_.tree.text(file(card, "product_name"));
  card.uuid = options_.tree.text(file(card, "unique_id"));
}

// a + b, absent where one is or the sum would wrap.
Reading<std::uint64_t> sum(const Reading<std::uint64_t>& a, const Reading<std::uint64_t>& b) {
  if (!a) return a;
  if (!b) return b;
  if (*a > std::numeric_limits<std::uint64_t>::max() - *b) {
    return Absence{"the driver reports impossible memory"};
  }
  return *a + *b;
}

void AmdgpuSource::read_memory(DeviceStatus& status, const AmdCard& card) const {
  const auto gtt_used = number(card, "mem_info_gtt_used");
  status.memory_total_bytes = number(card, "mem_info_vram_total");
  status.memory_used_bytes = number(card, "mem_info_vram_used");
  status.spilled_bytes = gtt_used;
  if (card.apu) {
    status.memory_total_bytes = sum(status.memory_total_bytes, number(card, "mem_info_gtt_total"));
    status.memory_used_bytes = sum(status.memory_used_bytes, gtt_used);
    status.spilled_bytes = Absence{"an APU uses system memory by design"};
  }
  status.memory_reserved_bytes = Absence{"amdgpu does not report it"};
  if (status.memory_total_bytes && *status.memory_total_bytes == 0) {
    status.memory_total_bytes = Absence{"the driver reports a total of 0 bytes"};
  }
  const auto& total = status.memory_total_bytes;
  if (total && status.memory_used_bytes && *status.memory_used_bytes > *total) {
    status.memory_used_bytes = Absence{"the driver reports more used memory than the device has"};
  }
  const auto& used = status.memory_used_bytes;
  // amdgpu has no file for free memory; total and used are one allocator's counters.
  if (!total || !used) {
    status.memory_free_bytes = Absence{total ? used.reason() : total.reason()};
  } else {
    status.memory_free_bytes = *total - *used;
  }
  if (total) status.memory_source = card.apu ? "amdgpu sysfs, VRAM + GTT" : "amdgpu sysfs";
}

DeviceStatus AmdgpuSource::read_card(AmdCard& card) const {
  DeviceStatus status;
  status.driver = "amdgpu";
  status.pci_bus_id = card.pci_bus_id;
  status.driver_version = driver_version();
  const bool sleeping = !options_.wake && is_suspended(options_.tree, card.pci_bus_id);
  if (!sleeping) identify(card);
  const Absence asleep{std::string(kAsleepReason)};
  status.name = card.identified ? card.name : asleep;
  status.uuid = card.identified ? card.uuid : asleep;
  if (sleeping) {
    make_absent(status, kAsleepReason);
    return status;
  }
  constexpr double kMicro = 1e6;
  constexpr double kMilli = 1e3;
  read_memory(status, card);
  status.utilisation_percent = scaled(number(card, "gpu_busy_percent"), 1, 100, "gpu_busy_percent");
  status.temperature_c = hwmon(card, "temp1_input", kMilli, kMostPlausibleCelsius);
  // Two different quantities: the average the firmware keeps, else the moment (kernel 6.6 and
  // later). On an APU either includes the CPU.
  status.power_w = hwmon(card, "power1_average", kMicro, kMostPlausibleWatts);
  status.power_source = status.power_w ? "power-average" : "power-instant";
  if (!status.power_w) status.power_w = hwmon(card, "power1_input", kMicro, kMostPlausibleWatts);
  status.power_limit_w = hwmon(card, "power1_cap", kMicro, kMostPlausibleWatts);
  const Reading<std::string> levels = options_.tree.text(file(card, "pp_dpm_sclk"));
  status.graphics_clock_mhz = current_level(levels, "pp_dpm_sclk");
  status.graphics_clock_limit_mhz = top_level(levels, "pp_dpm_sclk");
  status.memory_clock_mhz =
      current_level(options_.tree.text(file(card, "pp_dpm_mclk")), "pp_dpm_mclk");
  status.throttle_reasons = costly_limiters(limiters(card), status);
  status.counters.energy_mj = Absence{"amdgpu has no file for it"};
  status.counters.throttle = Absence{"amdgpu counts no time of throttling"};
  status.counters.processes = Absence{"amdgpu has no file for it"};
  return status;
}

bool driven_by_amdgpu(const kernel::FileTree& tree, const std::string& pci_bus_id) {
  const auto uevent = tree.text(fmt::format("/sys/bus/pci/devices/{}/uevent", pci_bus_id));
  return uevent && uevent->find("DRIVER=amdgpu") != std::string::npos;
}

}  // namespace

tl::expected<std::unique_ptr<StatusSource>, std::string> open_amdgpu(const AmdgpuOptions& options) {
  std::vector<AmdCard> cards;
  for (const PciDevice& device : list_pci_gpus(options.tree)) {
    if (device.vendor != kVendorAmd || !driven_by_amdgpu(options.tree, device.id)) continue;
    AmdCard card;
    card.pci_bus_id = device.id;
    cards.push_back(std::move(card));
  }
  if (cards.empty()) return tl::unexpected<std::string>("amdgpu: no device uses this driver");
  return std::make_unique<AmdgpuSource>(options, std::move(cards));
}

}  // namespace sweetspot::devices
