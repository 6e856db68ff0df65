// How NVML is asked.
//
// NVML wakes a sleeping GPU and keeps it awake, so the kernel's power/runtime_status is looked at
// before every call (R23). nvmlInit_v2 itself opens no GPU; asking for a handle does.
#include "devices/nvml.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "devices/nvml_abi.hpp"
#include "devices/nvml_asker.hpp"
#include "devices/nvml_counters.hpp"
#include "devices/nvml_library.hpp"
#include "devices/nvml_metrics.hpp"
#include "devices/pci.hpp"

namespace sweetspot::devices {
namespace {

using nvml::Asker;
using nvml::Return;
using nvml::why;

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

template <typename Function>
Reading<std::string> ask_text(Asker& asker, Function* function, const char* symbol) {
  std::array<char, 128> buffer{};
  const Return code = asker.call(function, buffer.data(), static_cast<unsigned>(buffer.size() - 1));
  if (code != nvml::kSuccess) return why(function, symbol, code);
  if (buffer[0] == '\0') return Absence{"the driver answers with an empty text"};
  return std::string(buffer.data());
}

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
  card.power_limit_w = nvml::read_power_limit(asker, symbols);
  card.graphics_clock_limit_mhz = nvml::read_clock_limit(asker, symbols);
  card.ability.power_limit_default_w = nvml::read_default_power_limit(asker, symbols);
  card.ability.pcie_generation_max = nvml::read_link_generation_max(asker, symbols);
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
  nvml::read_memory(status, asker, symbols);
  status.spilled_bytes = Absence{"NVML does not report it"};
  status.utilisation_percent = nvml::read_utilisation(asker, symbols);
  status.temperature_c = nvml::read_temperature(asker, symbols);
  const nvml::Fields fields = nvml::read_fields(asker, symbols);
  nvml::read_power(status, asker, symbols, fields);
  status.power_limit_w = card.power_limit_w;
  card.ability.pcie_generation = nvml::read_link_generation(asker, symbols);
  status.graphics_clock_mhz = nvml::read_clock(asker, symbols, nvml::kClockGraphics);
  status.memory_clock_mhz = nvml::read_clock(asker, symbols, nvml::kClockMemory);
  status.graphics_clock_limit_mhz = card.graphics_clock_limit_mhz;
  status.throttle_reasons = nvml::read_throttle(asker, symbols);
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
