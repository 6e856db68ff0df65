#include "profiler/planner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "core/no_device.hpp"
#include "core/offload_targets.hpp"
#include "core/text.hpp"
#include "devices/inventory.hpp"
#include "engine/oracle.hpp"
#include "engine/stand_in.hpp"
#include "ground/bytes.hpp"
#include "ground/clock.hpp"
#include "kernel/memory.hpp"
#include "profiler/constants.hpp"
#include "profiler/driver_share.hpp"
#include "profiler/setup.hpp"
#include "store/driver_share_file.hpp"
#include "sweetspot_version.hpp"

namespace sweetspot::profiler {
namespace {

struct Opened {
  std::vector<engine::StandIn> stand_ins;
  std::optional<engine::Oracle> oracle;
};

bool any_offload_device(const std::vector<Device>& devices) {
  return std::any_of(devices.begin(), devices.end(),
                     [](const Device& device) { return device.can_offload(); });
}

std::size_t targets_among(const std::vector<Device>& devices, const PlanJob& job) {
  return offload_targets(devices, job.base.placement.devices).size();
}

// Where no device is here: whether there is somebody to stand in for a card, and a need to.
bool is_for_cards(const PlanJob& job) {
  if (uses_no_device(job.base.placement)) return false;
  return !job.rules.limits_bytes.empty() || engine::StandIn::can_start(job.start);
}

// How many cards that are not here the user speaks of; 0 = the devices here are meant.
Result<std::size_t> cards_not_here(const PlanJob& job, const std::vector<Device>& devices) {
  const std::size_t cards = std::max<std::size_t>(job.rules.limits_bytes.size(), 1);
  const std::size_t here = targets_among(devices, job);
  if (!any_offload_device(devices)) return is_for_cards(job) ? cards : std::size_t{0};
  if (cards == 1 || cards == here) return std::size_t{0};
  const bool named = !job.base.placement.devices.empty() || !job.start.rpc.empty();
  if (!named) return cards;
  return error(ErrorKind::usage,
               fmt::format("--vram-limit gives {} sizes for {} {}", cards, here,
                           here == 1 ? "device" : "devices"),
               "give one size for each device, or one for all of them");
}

// Where nothing takes layers, this machine's CPU behind RPC does, once for each card, so that
// llama.cpp has devices to plan for.
Result<Opened> open_oracle(const PlanJob& job) {
  Opened opened;
  auto oracle = engine::Oracle::open(job.start, job.model_path);
  if (!oracle) return tl::unexpected(oracle.error());
  const std::vector<Device>& devices = oracle->hello().devices;
  if (auto known = check_devices(job.base.placement.devices, devices); !known) {
    return tl::unexpected(known.error());
  }
  const auto cards = cards_not_here(job, devices);
  if (!cards) return tl::unexpected(cards.error());
  if (*cards == 0) {
    opened.oracle.emplace(*std::move(oracle));
    return opened;
  }
  engine::StartOptions start = job.start;
  start.rpc.clear();
  for (std::size_t i = 0; i < *cards; ++i) {
    auto stand_in = engine::StandIn::start(job.start);
    if (!stand_in) return tl::unexpected(stand_in.error());
    start.rpc.push_back(stand_in->endpoint());
    opened.stand_ins.push_back(*std::move(stand_in));
  }
  auto second = engine::Oracle::open(start, job.model_path);
  if (!second) return tl::unexpected(second.error());
  opened.oracle.emplace(*std::move(second));
  return opened;
}

// Integrated and unified devices use host memory, of which ggml does not know how much is left.
DeviceReport capped_by_host(DeviceReport report, const Reading<std::uint64_t>& host_available) {
  if (!devices::uses_host_memory(report)) return report;
  const devices::MemoryView view = devices::memory_of(report, host_available);
  report.device.memory_total_bytes = view.total_bytes;
  report.device.memory_free_bytes = view.free_bytes;
  report.status = Absence{"its memory is the host's"};
  return report;
}

// Measured once for a device, backend, driver and llama.cpp; kept for later plans.
Result<MeasuredShare> measured_share(const PlanJob& job, const DeviceReport& target,
                                     engine::Oracle& oracle) {
  const MeasuredShare wanted = share_conditions(target, oracle.hello().engine);
  const auto kept = store::load_driver_shares(job.driver_shares_path);
  if (!kept) return tl::unexpected(kept.error());
  for (const MeasuredShare& share : *kept) {
    if (share.same_conditions(wanted)) return share;
  }
  oracle.end();  // its worker holds the device; the next question starts another
  if (job.on_measuring) job.on_measuring(target.device.id);
  auto share =
      measure_driver_share(job.start, job.sources, target, oracle.hello().engine, job.observer);
  if (!share) return share;
  if (auto saved = store::keep_driver_share(job.driver_shares_path, *share); !saved) {
    return tl::unexpected(saved.error());
  }
  return share;
}

struct Shares {
  std::vector<plan::DriverShare> of_target;
  std::vector<std::string> notices;  ///< why one could not be measured
};

Result<Shares> find_shares(const PlanJob& job, const plan::PlanRecord& record,
                           engine::Oracle& oracle) {
  Shares shares;
  for (const DeviceReport& target : record.targets) {
    shares.of_target.push_back(plan::default_driver_share(target.device));
    plan::DriverShare& share = shares.of_target.back();
    if (job.driver_share_bytes) {
      share = {*job.driver_share_bytes, *job.driver_share_bytes, false, "given (--driver-share)"};
      continue;
    }
    if (job.driver_shares_path.empty() || !can_measure_share(target)) continue;
    const auto measured = measured_share(job, target, oracle);
    if (measured) {
      share = {measured->low_bytes, measured->high_bytes, true,
               "measured " + measured->measured_at};
    } else if (measured.error().kind == ErrorKind::interrupted) {
      return tl::unexpected(measured.error());
    } else {
      shares.notices.push_back(measured.error().message);
    }
  }
  return shares;
}

plan::HostBudget host_budget(const PlanJob& job) {
  if (!job.host) {
    return {kernel::host_memory().available_bytes, job.start.host_reserve_bytes, "available now"};
  }
  const DescribedHost& host = *job.host;
  return {minus(host.total_bytes, host.reserve_bytes), 0,
          fmt::format("of {}, {} left to the system", format_bytes(host.total_bytes),
                      format_bytes(host.reserve_bytes))};
}

// The memory of a stand-in is not a card's: without a size from the user nothing can be held
// against it.
Result<std::optional<plan::Budgets>> budgets_for(const PlanJob& job, bool stand_in,
                                                 const std::vector<DeviceReport>& targets,
                                                 const std::vector<plan::DriverShare>& shares) {
  if (stand_in && job.rules.limits_bytes.empty()) return std::optional<plan::Budgets>();
  plan::Budgets budgets;
  budgets.host = host_budget(job);
  if (stand_in) {
    for (std::size_t i = 0; i < targets.size(); ++i) {
      budgets.devices.push_back(plan::card_budget(targets[i].device.id, *job.rules.limit_of(i),
                                                  job.rules.percent, job.rules.reserve_bytes,
                                                  shares[i]));
    }
    return budgets;
  }
  auto made = plan::make_budgets(targets, job.rules, shares);
  if (!made) return tl::unexpected(made.error());
  budgets.devices = *std::move(made);
  return budgets;
}

std::string stand_in_notice(std::size_t cards) {
  const bool one = cards == 1;
  return fmt::format(
      "Planned for {} not here, with {} in {} place. Weights and cache are the same on any card; "
      "compute buffers differ a little between backends.",
      one ? "a card that is" : fmt::format("{} cards that are", cards),
      one ? "ggml's RPC device" : "ggml's RPC devices", one ? "its" : "their");
}

const char* const kCpuAloneNotice =
    "llama.cpp has no device here: planned for the processor alone. For a card that is not here "
    "sweetspot's own worker is needed.";
const char* const kThisHostNotice =
    "Host memory is judged by this machine's: give --host-memory for another one.";
const char* const kGuessedShareNotice =
    "What the driver itself takes was not measured here: a default is counted (see driver's "
    "share).";
const char* const kLiveSplitNotice =
    "Without --tensor-split llama.cpp shares the layers out by the memory that is free on each "
    "device now: another moment may give another split.";

bool any_guess_counts(const std::vector<plan::DriverShare>& shares) {
  return std::any_of(shares.begin(), shares.end(),
                     [](const auto& share) { return !share.measured && share.high_bytes > 0; });
}

bool is_split_by_free_memory(const Placement& placement, std::size_t devices) {
  return devices > 1 && placement.split_mode != SplitMode::none && placement.tensor_split.empty();
}

// Of the blocks' weights, what at least is on no device although all layers are. llama.cpp leaves a
// tensor on the host where the device has no buffer large enough for it or cannot compute with it.
// Counted from what is on the devices: on the host a mapped file counts with its gaps.
std::uint64_t left_on_host_bytes(const plan::Plan& plan, const ModelInfo& model) {
  const Placement& placement = plan.request.base.placement;
  const bool asked_for = placement.n_cpu_moe > 0 || placement.n_cpu_ffn > 0 ||
                         !placement.override_tensor.empty() || uses_no_device(placement);
  const PlannedMemory& all = plan.cell(0, 0, plan.offloadable);
  if (asked_for || !all.problem.empty()) return 0;
  std::uint64_t on_devices = 0;
  for (const DeviceMemory& device : all.memory) {
    if (device.id != kHostDeviceId) on_devices = plus(on_devices, device.model_bytes);
  }
  // Embeddings belong on the host, and nobody tells them from the output here.
  return minus(minus(model.size_bytes, on_devices), model.non_layer_bytes);
}

std::vector<std::string> notices_for(const PlanJob& job, const plan::PlanRecord& record,
                                     const std::vector<plan::DriverShare>& shares) {
  std::vector<std::string> notices;
  if (record.stand_in) {
    notices.push_back(stand_in_notice(record.targets.size()));
    if (record.plan.request.budgets && !job.host) notices.emplace_back(kThisHostNotice);
  }
  if (record.plan.request.budgets && any_guess_counts(shares)) {
    notices.emplace_back(kGuessedShareNotice);
  }
  if (is_split_by_free_memory(record.plan.request.base.placement, record.targets.size())) {
    notices.emplace_back(kLiveSplitNotice);
  }
  if (const std::uint64_t left = left_on_host_bytes(record.plan, record.model); left > 0) {
    notices.push_back(fmt::format(
        "Even with all layers on the device llama.cpp keeps at least {} of the blocks' weights on "
        "the host, as it does where a tensor is larger than the device's largest buffer.",
        format_bytes(left)));
  }
  return notices;
}

// A card that is not here: "card (8 GiB)", "card 2 (24 GiB)".
DeviceReport card_report(const PlanJob& job, std::size_t index, std::size_t cards) {
  const Reading<std::uint64_t> size = job.rules.limit_of(index);
  DeviceReport report;
  report.device.id = cards == 1 ? "card" : fmt::format("card {}", index + 1);
  if (size && *size % kGiB == 0) {
    report.device.id += fmt::format(" ({} GiB)", *size / kGiB);
  } else if (size) {
    report.device.id += fmt::format(" ({})", format_bytes(*size));
  }
  report.device.description = "not here";
  report.device.backend = "RPC";
  report.device.type = DeviceType::gpu;
  const Absence absence{"the card is not on this machine"};
  report.device.pci_bus_id = absence;
  report.device.memory_total_bytes = size ? size : Reading<std::uint64_t>(absence);
  report.device.memory_free_bytes = report.device.memory_total_bytes;
  report.status = absence;
  return report;
}

// What is known before anything is planned: who answers, of which model, for which devices.
plan::PlanRecord begin_record(const PlanJob& job, const Opened& opened,
                              const devices::Snapshot& drivers) {
  plan::PlanRecord record;
  record.tool_version = kVersion;
  record.created_at = utc_now();
  record.engine = opened.oracle->hello().engine;
  record.model = opened.oracle->model();
  record.stand_in = !opened.stand_ins.empty();
  if (record.stand_in) {
    for (std::size_t i = 0; i < opened.stand_ins.size(); ++i) {
      record.targets.push_back(card_report(job, i, opened.stand_ins.size()));
    }
    return record;
  }
  const auto host_available = kernel::host_memory().available_bytes;
  const auto reports = devices::join(opened.oracle->hello().devices, drivers.devices);
  for (const DeviceReport& report : targets_of(reports, job.base.placement.devices)) {
    record.targets.push_back(capped_by_host(report, host_available));
  }
  return record;
}

// ggml's names of the stand-ins, in order.
std::vector<std::string> stand_in_ids(std::size_t cards) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < cards; ++i) ids.push_back(fmt::format("RPC{}", i));
  return ids;
}

// Asks llama.cpp of the stand-ins alone, and gives what lies on them the names of the cards.
plan::MapSource source_of(engine::Oracle& oracle, const plan::PlanRecord& record) {
  if (!record.stand_in) {
    return [&oracle](const std::vector<Config>& configs) { return oracle.ask(configs); };
  }
  return [&oracle, &targets = record.targets](
             std::vector<Config> configs) -> Result<std::vector<PlannedMemory>> {
    const std::vector<std::string> ids = stand_in_ids(targets.size());
    for (Config& config : configs) {
      // "none" is the CPU alone, and stays so.
      if (config.placement.devices.empty()) config.placement.devices = ids;
    }
    auto answers = oracle.ask(configs);
    if (!answers) return answers;
    for (PlannedMemory& planned : *answers) {
      for (DeviceMemory& device : planned.memory) {
        const auto id = std::find(ids.begin(), ids.end(), device.id);
        if (id == ids.end()) continue;
        device.id = targets[static_cast<std::size_t>(id - ids.begin())].device.id;
      }
    }
    return answers;
  };
}

// llama.cpp shares the layers out by free memory. Cards that are not here are empty, so that is
// their sizes; said in the config, so that another moment gives no other split.
void split_by_size(const PlanJob& job, const plan::PlanRecord& record, Placement& placement) {
  const bool several = record.stand_in && record.targets.size() > 1;
  if (!several || placement.split_mode == SplitMode::none || !placement.tensor_split.empty()) {
    return;
  }
  constexpr double kMilliGiB = 1024.0 * 1024.0 * 1.024;
  for (std::size_t i = 0; i < record.targets.size(); ++i) {
    const auto bytes = static_cast<double>(job.rules.limit_of(i).value_or(kGiB));
    placement.tensor_split.push_back(std::max(std::round(bytes / kMilliGiB), 1.0) / 1000);
  }
}

Status check_contexts(const PlanJob& job, const Config& base, const ModelInfo& model) {
  const bool allowed = job.allow_beyond_trained_context;
  if (auto possible = check_sequences(base.context); !possible) return possible;
  for (const std::uint32_t n_ctx : job.contexts) {
    ContextSettings column = base.context;
    column.n_ctx = n_ctx;
    auto trained = check_trained_context(column, model, allowed, "--contexts");
    if (!trained) return trained;
  }
  return check_trained_context(base.context, model, allowed);
}

Result<plan::PlanRequest> request_for(const PlanJob& job, const plan::PlanRecord& record,
                                      const std::vector<plan::DriverShare>& shares) {
  plan::PlanRequest request;
  request.base = job.base;
  split_by_size(job, record, request.base.placement);
  request.cache_ram_is_default = job.cache_ram_is_default;
  request.checkpoints_are_default = job.checkpoints_are_default;
  request.layers_are_auto = job.layers_are_auto;
  if (auto settled = settle(request.base, record.model, job.n_ctx_is_default); !settled) {
    return tl::unexpected(settled.error());
  }
  settle_embeddings(request.base.context, record.model, job.n_ctx_is_default);
  if (auto possible = check_contexts(job, request.base, record.model); !possible) {
    return tl::unexpected(possible.error());
  }
  request.contexts = job.contexts;
  request.cache_types = job.cache_types;
  request.reserve_bytes = job.rules.reserve_bytes;
  if (!shares.empty()) request.class_share = shares.front();
  auto budgets = budgets_for(job, record.stand_in, record.targets, shares);
  if (!budgets) return tl::unexpected(budgets.error());
  request.budgets = *std::move(budgets);
  return request;
}

}  // namespace

Result<plan::PlanRecord> make_plan(PlanJob job) {
  const auto begin = std::chrono::steady_clock::now();
  // The drivers are asked first: a worker that only lists its devices already takes memory.
  devices::Sampler sampler(job.sources);
  sampler.start();
  const devices::Snapshot drivers = sampler.fresh(kFirstSampleDeadline);
  auto opened = open_oracle(job);
  if (!opened) return tl::unexpected(opened.error());
  engine::Oracle& oracle = *opened->oracle;
  if (job.on_progress) {
    oracle.on_progress(
        [&](const protocol::Progress& progress) { job.on_progress(progress.fraction); });
  }

  plan::PlanRecord record = begin_record(job, *opened, drivers);
  const bool no_device_here = record.targets.empty() && !uses_no_device(job.base.placement);
  if (no_device_here) job.base.placement = cpu_alone(job.base.placement);
  const auto shares = find_shares(job, record, oracle);
  if (!shares) return tl::unexpected(shares.error());
  auto request = request_for(job, record, shares->of_target);
  if (!request) return tl::unexpected(request.error());
  const protocol::Abilities& abilities = oracle.hello().abilities;
  if (auto reads = check_reads(request->base.context, abilities); !reads) {
    return tl::unexpected(reads.error());
  }
  auto made = plan::make_plan(*std::move(request), record.model, source_of(oracle, record));
  if (!made) return tl::unexpected(made.error());
  record.plan = *std::move(made);
  record.asked = oracle.asked();
  record.loads = oracle.loads();
  record.notices = notices_for(job, record, shares->of_target);
  record.notices.insert(record.notices.end(), shares->notices.begin(), shares->notices.end());
  if (no_device_here) record.notices.emplace_back(kCpuAloneNotice);
  record.seconds = seconds_since(begin);
  return record;
}

}  // namespace sweetspot::profiler
