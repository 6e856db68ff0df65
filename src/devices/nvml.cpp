// How NVML is asked, and what is made of answers that cannot be true.
//
// NVML wakes a sleeping GPU and keeps it awake, so the kernel's power/runtime_status is looked at
// before every call (R23). nvmlInit_v2 itself opens no GPU; asking for a handle does.
#include "devices/nvml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "core/ranges.hpp"
#include "devices/nvml_abi.hpp"
#include "devices/nvml_asker.hpp"
#include "devices/nvml_counters.hpp"
#include "devices/nvml_library.hpp"
#include "devices/pci.hpp"

namespace sweetspot::devices {
namespace {

using nvml::Asker;
using nvml::Return;
using nvml::why;

constexpr double kMinCelsius = -60;

struct NvmlCard {
  Reading<std::string> pci_bus_id = Absence{"the driver does not tell"};
  nvml::Device handle = nullptr;  // null while asleep or where the driver refused one
  std::string refusal;            // why there is no handle, where that is not sleep
  bool identified = false;        // the fields below were asked for
  Reading<std::string> name;
  Reading<std::string> uuid;
  Reading<double> power_limit_w;
  Reading<double> graphics_clock_limit_mhz;
  CardAbility ability;
  unsigned long long newest_process_us = 0;  // what was seen of processes' work
  bool lost = false;
};

Reading<double> in_range(double value, double low, double high, std::string_view unit) {
  if (value >= low && value <= high) return value;
  return Absence{fmt::format("the driver reports an impossible {:.0f} {}", value, unit)};
}

Reading<double> in_range(const Reading<double>& value, double low, double high,
                         std::string_view unit) {
  return value ? in_range(*value, low, high, unit) : value;
}

// One number that a function of NVML writes behind its other arguments.
template <typename Function, typename... More>
Reading<double> ask_number(Asker& asker, Function* function, const char* symbol, More... more) {
  unsigned value = 0;
  const Return code = asker.call(function, more..., &value);
  if (code != nvml::kSuccess) return why(function, symbol, code);
  return static_cast<double>(value);
}

template <typename Function>
Reading<std::string> ask_text(Asker& asker, Function* function, const char* symbol) {
  std::array<char, 128> buffer{};
  const Return code = asker.call(function, buffer.data(), static_cast<unsigned>(buffer.size() - 1));
  if (code != nvml::kSuccess) return why(function, symbol, code);
  if (buffer[0] == '\0') return Absence{"the driver answers with an empty text"};
  return std::string(buffer.data());
}

// ---- memory
// -----------------------------------------------------------------------------------------

struct MemoryAnswer {
  Return code = nvml::kFunctionNotFound;
  std::uint64_t total = 0;
  std::uint64_t free = 0;
  std::uint64_t used = 0;
  std::optional<std::uint64_t> reserved;
};

MemoryAnswer ask_memory_v2(Asker& asker, const nvml::Symbols& symbols) {
  nvml::MemoryV2 memory{};
  memory.version = nvml::kMemoryV2;
  const Return code = asker.call(symbols.memory_v2, &memory);
  return {code, memory.total, memory.free, memory.used, memory.reserved};
}

MemoryAnswer ask_memory_v1(Asker& asker, const nvml::Symbols& symbols) {
  nvml::Memory memory{};
  const Return code = asker.call(symbols.memory, &memory);
  return {code, memory.total, memory.free, memory.used, std::nullopt};
}

// Seen in the wild where v2 is there in name only: old drivers, WSL.
bool v1_may_know(Return code) {
  return code == nvml::kFunctionNotFound || code == nvml::kArgumentVersionMismatch ||
         code == nvml::kUnknown || code == nvml::kNotSupported || code == nvml::kInvalidArgument;
}

Reading<std::uint64_t> part_of(std::uint64_t value, std::uint64_t total, std::string_view what) {
  if (value == std::numeric_limits<std::uint64_t>::max()) {
    return Absence{fmt::format("the driver answers \"not available\" for {} memory", what)};
  }
  if (value > total) {
    return Absence{fmt::format("the driver reports more {} memory than the device has", what)};
  }
  return value;
}

void set_memory_absent(DeviceStatus& status, const std::string& reason) {
  const Absence absence{reason};
  status.memory_total_bytes = absence;
  status.memory_used_bytes = absence;
  status.memory_free_bytes = absence;
  status.memory_reserved_bytes = absence;
}

void set_memory(DeviceStatus& status, const MemoryAnswer& answer) {
  if (answer.total == 0) {
    set_memory_absent(
        status,
        fmt::format("{}, or a fault of the driver: it reports a total of 0 bytes", kUnifiedPrefix));
    return;
  }
  if (answer.total == std::numeric_limits<std::uint64_t>::max()) {
    set_memory_absent(status, "the driver answers \"not available\" for memory");
    return;
  }
  status.memory_total_bytes = answer.total;
  status.memory_used_bytes = part_of(answer.used, answer.total, "used");
  status.memory_free_bytes = part_of(answer.free, answer.total, "free");
  status.memory_reserved_bytes = answer.reserved
                                     ? part_of(*answer.reserved, answer.total, "reserved")
                                     : Reading<std::uint64_t>(Absence{"NVML v1 counts it as used"});
}

void read_memory(DeviceStatus& status, Asker& asker, const nvml::Symbols& symbols) {
  MemoryAnswer answer = ask_memory_v2(asker, symbols);
  status.memory_source = "nvml v2";
  if (v1_may_know(answer.code)) {
    answer = ask_memory_v1(asker, symbols);
    status.memory_source = "nvml v1";
  }
  if (answer.code == nvml::kSuccess) {
    set_memory(status, answer);
  } else if (answer.code == nvml::kNotSupported) {
    set_memory_absent(status, fmt::format("{}: the driver reports none", kUnifiedPrefix));
  } else {
    set_memory_absent(status, why(symbols.memory, "nvmlDeviceGetMemoryInfo", answer.code).reason);
  }
  if (!status.memory_total_bytes) status.memory_source.clear();
}

// ---- the other metrics
// ------------------------------------------------------------------------------

Reading<double> read_utilisation(Asker& asker, const nvml::Symbols& symbols) {
  nvml::Utilisation utilisation{};
  const Return code = asker.call(symbols.utilisation, &utilisation);
  if (code != nvml::kSuccess) {
    return why(symbols.utilisation, "nvmlDeviceGetUtilizationRates", code);
  }
  return in_range(utilisation.gpu, 0, 100, "%");
}

Reading<double> read_temperature(Asker& asker, const nvml::Symbols& symbols) {
  nvml::TemperatureV1 newer{nvml::kTemperatureV1, nvml::kTemperatureGpu, 0};
  if (asker.call(symbols.temperature_v, &newer) == nvml::kSuccess) {
    return in_range(newer.temperature, kMinCelsius, kMostPlausibleCelsius, "degrees C");
  }
  return in_range(
      ask_number(asker, symbols.temperature, "nvmlDeviceGetTemperature", nvml::kTemperatureGpu),
      kMinCelsius, kMostPlausibleCelsius, "degrees C");
}

Reading<double> watts(double milliwatts) {
  return in_range(milliwatts / 1000.0, 0, kMostPlausibleWatts, "W");
}

Reading<double> watts(const Reading<double>& milliwatts) {
  return milliwatts ? watts(*milliwatts) : milliwatts;
}

// The fields first: they say which of two quantities they are, and a driver that has withdrawn
// nvmlDeviceGetPowerUsage still answers them.
void read_power(DeviceStatus& status, Asker& asker, const nvml::Symbols& symbols,
                const nvml::Fields& fields) {
  if (fields.power_mw) {
    status.power_w = watts(*fields.power_mw);
    status.power_source = fields.power_source;
    return;
  }
  unsigned milliwatts = 0;
  const Return code = asker.call(symbols.power_usage, &milliwatts);
  if (code != nvml::kSuccess) {
    status.power_w = why(symbols.power_usage, "nvmlDeviceGetPowerUsage", code);
    return;
  }
  status.power_w = watts(milliwatts);
  status.power_source = "power-usage";
}

Reading<double> read_power_limit(Asker& asker, const nvml::Symbols& symbols) {
  unsigned milliwatts = 0;
  if (asker.call(symbols.enforced_power_limit, &milliwatts) == nvml::kSuccess) {
    return watts(milliwatts);
  }
  return watts(ask_number(asker, symbols.power_limit, "nvmlDeviceGetPowerManagementLimit"));
}

Reading<double> read_default_power_limit(Asker& asker, const nvml::Symbols& symbols) {
  return watts(
      ask_number(asker, symbols.power_limit_default, "nvmlDeviceGetPowerManagementDefaultLimit"));
}

Reading<double> read_generation(Asker& asker, Return (*function)(nvml::Device, unsigned*),
                                const char* symbol) {
  constexpr double kNewest = 16;
  return in_range(ask_number(asker, function, symbol), 1, kNewest, "as generation of PCIe");
}

Reading<double> read_clock(Asker& asker, const nvml::Symbols& symbols, int clock) {
  return in_range(ask_number(asker, symbols.clock, "nvmlDeviceGetClockInfo", clock), 0,
                  kMostPlausibleMegahertz, "MHz");
}

Reading<double> read_clock_limit(Asker& asker, const nvml::Symbols& symbols) {
  return in_range(
      ask_number(asker, symbols.max_clock, "nvmlDeviceGetMaxClockInfo", nvml::kClockGraphics), 1,
      kMostPlausibleMegahertz, "MHz");
}

std::vector<std::string> throttle_names(unsigned long long mask) {
  constexpr std::array<std::pair<unsigned long long, std::string_view>, 7> kNames{{
      {nvml::kReasonSoftwarePowerCap, "power cap"},
      {nvml::kReasonHardwareSlowdown, "hardware slowdown"},
      {nvml::kReasonSyncBoost, "sync boost"},
      {nvml::kReasonSoftwareThermal, "software thermal slowdown"},
      {nvml::kReasonHardwareThermal, "hardware thermal slowdown"},
      {nvml::kReasonPowerBrake, "power brake"},
      {nvml::kReasonDisplayClock, "display clock"},
  }};
  // An idle GPU and clocks the user chose are not throttling.
  mask &= ~(nvml::kReasonIdle | nvml::kReasonApplicationClocks);
  std::vector<std::string> names;
  for (const auto& [bit, name] : kNames) {
    if ((mask & bit) != 0) names.emplace_back(name);
    mask &= ~bit;
  }
  if (mask != 0) names.push_back(fmt::format("unknown reason {:#x}", mask));
  return names;
}

Reading<std::vector<std::string>> read_throttle(Asker& asker, const nvml::Symbols& symbols) {
  unsigned long long mask = 0;
  if (asker.call(symbols.event_reasons, &mask) == nvml::kSuccess) return throttle_names(mask);
  const Return code = asker.call(symbols.throttle_reasons, &mask);
  if (code != nvml::kSuccess) {
    return why(symbols.throttle_reasons, "nvmlDeviceGetCurrentClocksThrottleReasons", code);
  }
  return throttle_names(mask);
}

// ---- the source
// -------------------------------------------------------------------------------------

class NvmlSource final : public StatusSource {
 public:
  NvmlSource(NvmlOptions options, nvml::Library library)
      : options_(std::move(options)), library_(std::move(library)) {}

  ~NvmlSource() override {
    if (connected_ && library_.symbols.shutdown != nullptr) library_.symbols.shutdown();
  }

  NvmlSource(const NvmlSource&) = delete;
  NvmlSource& operator=(const NvmlSource&) = delete;

  [[nodiscard]] std::string_view name() const override { return "nvml"; }

  std::vector<DeviceStatus> read() override {
    if (!connected_ && problem_.empty() && !all_asleep()) problem_ = connect();
    std::vector<DeviceStatus> statuses;
    statuses.reserve(cards_.size());
    for (NvmlCard& card : cards_) statuses.push_back(read_card(card));
    return statuses;
  }

  [[nodiscard]] CardAbilities abilities() const override {
    CardAbilities known;
    for (const NvmlCard& card : cards_) {
      if (card.pci_bus_id && card.identified) known.emplace(*card.pci_bus_id, card.ability);
    }
    return known;
  }

  /// Initialises the library unless every card sleeps. Empty, or why it cannot be used.
  std::string open() {
    if (!all_asleep()) return connect();
    for (const PciDevice& device : pci_cards()) add_by_address(device.id);
    return {};
  }

 private:
  [[nodiscard]] std::vector<PciDevice> pci_cards() const {
    std::vector<PciDevice> cards = list_pci_gpus(options_.tree);
    std::erase_if(cards, [](const PciDevice& device) { return device.vendor != kVendorNvidia; });
    return cards;
  }

  [[nodiscard]] bool asleep(const NvmlCard& card) const {
    return !options_.wake && card.pci_bus_id && is_suspended(options_.tree, *card.pci_bus_id);
  }

  [[nodiscard]] bool all_asleep() const {
    if (options_.wake) return false;
    const std::vector<PciDevice> cards = pci_cards();
    return !cards.empty() && std::all_of(cards.begin(), cards.end(),
                                         [](const PciDevice& card) { return card.suspended; });
  }

  std::string connect();
  void list_cards();
  void add_by_address(const std::string& pci_bus_id);
  bool add_by_index();
  void open_card(NvmlCard& card);
  void identify(NvmlCard& card);
  DeviceStatus read_card(NvmlCard& card);

  NvmlOptions options_;
  nvml::Library library_;
  bool connected_ = false;
  std::string problem_;  // why the library could not be initialised once a card had woken
  Reading<std::string> driver_version_;
  std::vector<NvmlCard> cards_;
};

std::string NvmlSource::connect() {
  const nvml::Symbols& symbols = library_.symbols;
  if (symbols.init == nullptr && symbols.init_with_flags == nullptr) {
    return nvml::missing("nvmlInit_v2").reason;
  }
  const Return code = symbols.init != nullptr ? symbols.init() : symbols.init_with_flags(0);
  if (code != nvml::kSuccess) return nvml::describe(code);
  connected_ = true;
  std::array<char, 96> version{};
  if (symbols.driver_version == nullptr) {
    driver_version_ = nvml::missing("nvmlSystemGetDriverVersion");
  } else if (const Return result = symbols.driver_version(version.data(), version.size() - 1);
             result != nvml::kSuccess) {
    driver_version_ = Absence{nvml::describe(result)};
  } else {
    driver_version_ = std::string(version.data());
  }
  list_cards();
  return {};
}

// By index where nothing sleeps: the driver's own list holds exactly what we may use. By address
// where something does, because a handle by index wakes whatever lies at that index.
void NvmlSource::list_cards() {
  const std::vector<PciDevice> known = pci_cards();
  const bool some_asleep =
      !options_.wake &&
      std::any_of(known.begin(), known.end(), [](const PciDevice& card) { return card.suspended; });
  cards_.clear();
  const bool can_identify = library_.symbols.pci_info != nullptr || known.empty() ||
                            library_.symbols.device_by_pci == nullptr;
  if (!some_asleep && can_identify && add_by_index()) return;
  for (const PciDevice& device : known) add_by_address(device.id);
}

void NvmlSource::add_by_address(const std::string& pci_bus_id) {
  NvmlCard card;
  card.pci_bus_id = pci_bus_id;
  if (connected_ && !asleep(card)) open_card(card);
  cards_.push_back(std::move(card));
}

// Asks for a handle by address; a null one with a refusal where there is none.
void NvmlSource::open_card(NvmlCard& card) {
  const nvml::Symbols& symbols = library_.symbols;
  if (symbols.device_by_pci == nullptr) {
    card.refusal = nvml::missing("nvmlDeviceGetHandleByPciBusId_v2").reason;
    return;
  }
  const Return code = symbols.device_by_pci(card.pci_bus_id->c_str(), &card.handle);
  if (code == nvml::kSuccess) return;
  card.handle = nullptr;
  card.lost = code == nvml::kGpuIsLost;
  card.refusal = nvml::describe(code);
}

// False where the library cannot enumerate.
bool NvmlSource::add_by_index() {
  const nvml::Symbols& symbols = library_.symbols;
  if (symbols.device_count == nullptr || symbols.device_by_index == nullptr) return false;
  constexpr unsigned kMostCards = 256;
  unsigned count = 0;
  if (symbols.device_count(&count) != nvml::kSuccess) return false;
  for (unsigned index = 0; index < std::min(count, kMostCards); ++index) {
    NvmlCard card;
    const Return code = symbols.device_by_index(index, &card.handle);
    if (code != nvml::kSuccess) {
      card.handle = nullptr;
      card.lost = code == nvml::kGpuIsLost;
      card.refusal = nvml::describe(code);
    }
    identify(card);
    cards_.push_back(std::move(card));
  }
  return true;
}

// What does not change while the program runs is asked for once.
void NvmlSource::identify(NvmlCard& card) {
  if (card.handle == nullptr || card.identified) return;
  card.identified = true;
  const nvml::Symbols& symbols = library_.symbols;
  Asker asker(card.handle, card.lost);
  if (!card.pci_bus_id) {
    nvml::PciInfo pci{};
    const Return code = asker.call(symbols.pci_info, &pci);
    pci.bus_id[sizeof(pci.bus_id) - 1] = '\0';
    if (code != nvml::kSuccess) {
      card.pci_bus_id = why(symbols.pci_info, "nvmlDeviceGetPciInfo_v3", code);
    } else if (const auto id = normalise_pci_id(pci.bus_id)) {
      card.pci_bus_id = *id;
    } else {
      card.pci_bus_id = Absence{"the driver gives no valid PCI address"};
    }
  }
  card.name = ask_text(asker, symbols.name, "nvmlDeviceGetName");
  card.uuid = ask_text(asker, symbols.uuid, "nvmlDeviceGetUUID");
  card.power_limit_w = read_power_limit(asker, symbols);
  card.graphics_clock_limit_mhz = read_clock_limit(asker, symbols);
  card.ability.power_limit_default_w = read_default_power_limit(asker, symbols);
  card.ability.pcie_generation_max =
      read_generation(asker, symbols.link_generation_max, "nvmlDeviceGetMaxPcieLinkGeneration");
}

DeviceStatus NvmlSource::read_card(NvmlCard& card) {
  DeviceStatus status;
  status.driver = "nvml";
  status.pci_bus_id = card.pci_bus_id;
  const bool sleeping = asleep(card);
  if (!sleeping && connected_ && card.handle == nullptr && card.refusal.empty()) open_card(card);
  if (!sleeping) identify(card);
  const std::string& refusal = problem_.empty() ? card.refusal : problem_;
  const Absence unknown{std::string(sleeping ? kAsleepReason : std::string_view(refusal))};
  status.name = card.identified ? card.name : unknown;
  status.uuid = card.identified ? card.uuid : unknown;
  status.driver_version = connected_ ? driver_version_ : unknown;
  if (sleeping || card.lost || card.handle == nullptr) {
    make_absent(status, sleeping ? kAsleepReason : card.lost ? kLostReason : refusal);
    return status;
  }
  const nvml::Symbols& symbols = library_.symbols;
  Asker asker(card.handle, card.lost);
  read_memory(status, asker, symbols);
  status.spilled_bytes = Absence{"NVML does not report it"};
  status.utilisation_percent = read_utilisation(asker, symbols);
  status.temperature_c = read_temperature(asker, symbols);
  const nvml::Fields fields = nvml::read_fields(asker, symbols);
  read_power(status, asker, symbols, fields);
  status.power_limit_w = card.power_limit_w;
  card.ability.pcie_generation =
      read_generation(asker, symbols.link_generation, "nvmlDeviceGetCurrPcieLinkGeneration");
  status.graphics_clock_mhz = read_clock(asker, symbols, nvml::kClockGraphics);
  status.memory_clock_mhz = read_clock(asker, symbols, nvml::kClockMemory);
  status.graphics_clock_limit_mhz = card.graphics_clock_limit_mhz;
  status.throttle_reasons = read_throttle(asker, symbols);
  status.counters.throttle = nvml::read_throttle_counters(asker, symbols, fields);
  status.counters.energy_mj = nvml::read_energy(asker, symbols);
  status.counters.processes = nvml::read_processes(asker, symbols, card.newest_process_us);
  if (card.lost) make_absent(status, kLostReason);
  return status;
}

std::string library_name(const NvmlOptions& options) {
  if (!options.library.empty()) return options.library;
  const char* const named = std::getenv("SWEETSPOT_NVML_LIBRARY");
  return named != nullptr && *named != '\0' ? named : "libnvidia-ml.so.1";
}

}  // namespace

tl::expected<std::unique_ptr<StatusSource>, std::string> open_nvml(const NvmlOptions& options) {
  auto library = nvml::load(library_name(options), options.symbol_filter);
  if (!library) return tl::unexpected<std::string>("nvml: " + library.error());
  auto source = std::make_unique<NvmlSource>(options, std::move(*library));
  if (const std::string problem = source->open(); !problem.empty()) {
    return tl::unexpected<std::string>("nvml: " + problem);
  }
  return source;
}

}  // namespace sweetspot::devices
