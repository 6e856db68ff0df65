#include "profiler/planner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "core/text.hpp"
#include "devices/inventory.hpp"
#include "devices/machine.hpp"
#include "engine/oracle.hpp"
#include "engine/stand_in.hpp"
#include "profiler/setup.hpp"
#include "sweetspot_version.hpp"

namespace sweetspot::profiler {
namespace {

constexpr std::chrono::milliseconds kFirstSampleDeadline{2000};

struct Opened {
  std::optional<engine::StandIn> stand_in;
  std::optional<engine::Oracle> oracle;
};

bool any_offload_device(const std::vector<Device>& devices) {
  return std::any_of(devices.begin(), devices.end(),
                     [](const Device& device) { return device.can_offload(); });
}

// Where nothing takes layers, this machine's CPU behind RPC does, so that llama.cpp has a device to
// plan for.
Result<Opened> open_oracle(const PlanJob& job) {
  Opened opened;
  auto oracle = engine::Oracle::open(job.start, job.model_path);
  if (!oracle) return tl::unexpected(oracle.error());
  const std::vector<Device>& devices = oracle->hello().devices;
  if (auto known = check_devices(job.base.placement.devices, devices); !known) {
    return tl::unexpected(known.error());
  }
  if (any_offload_device(devices)) {
    opened.oracle.emplace(*std::move(oracle));
    return opened;
  }
  auto stand_in = engine::StandIn::start(job.start);
  if (!stand_in) return tl::unexpected(stand_in.error());
  engine::StartOptions start = job.start;
  start.rpc = {stand_in->endpoint()};
  opened.stand_in.emplace(*std::move(stand_in));
  auto second = engine::Oracle::open(start, job.model_path);
  if (!second) return tl::unexpected(second.error());
  opened.oracle.emplace(*std::move(second));
  return opened;
}

// Integrated and unified devices use host memory, of which ggml does not know how much is left.
DeviceReport capped_by_host(DeviceReport report, const Reading<std::uint64_t>& host_available) {
  if (report.device.type != DeviceType::igpu) return report;
  const devices::MemoryView view = devices::memory_of(report, host_available);
  report.device.memory_total_bytes = view.total_bytes;
  report.device.memory_free_bytes = view.free_bytes;
  report.status = Absence{"its memory is the host's"};
  return report;
}

std::vector<plan::DriverShare> shares_of(const PlanJob& job,
                                         const std::vector<DeviceReport>& targets) {
  std::vector<plan::DriverShare> shares;
  for (const DeviceReport& target : targets) {
    plan::DriverShare share = plan::default_driver_share(target.device);
    if (job.driver_share_bytes) {
      share = {*job.driver_share_bytes, *job.driver_share_bytes, false, "given (--driver-share)"};
    }
    shares.push_back(std::move(share));
  }
  return shares;
}

// A stand-in's memory is no card's: without a size from the user there is nothing to judge by.
Result<std::optional<plan::Budgets>> budgets_for(const PlanJob& job, bool stand_in,
                                                 const std::vector<DeviceReport>& targets,
                                                 const std::vector<plan::DriverShare>& shares) {
  if (stand_in && !job.rules.limit_bytes) return std::optional<plan::Budgets>();
  plan::Budgets budgets;
  budgets.host.available_bytes = devices::this_machine().memory_available_bytes;
  if (stand_in) {
    // The card is not here, and neither is the memory of the machine it is in.
    budgets.host.available_bytes = Absence{"the card is not on this machine"};
    for (std::size_t i = 0; i < targets.size(); ++i) {
      budgets.devices.push_back(plan::card_budget(targets[i].device.id, *job.rules.limit_bytes,
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

std::vector<std::string> notices_for(const plan::PlanRecord& record,
                                     const std::vector<plan::DriverShare>& shares) {
  std::vector<std::string> notices;
  if (record.stand_in) {
    notices.emplace_back(
        "No device here takes layers: planned for a card that is not here, with ggml's RPC device "
        "in its place. Weights and cache are the same on any card; compute buffers differ a little "
        "between backends.");
  }
  const bool guessed = std::any_of(shares.begin(), shares.end(), [](const auto& share) {
    return !share.measured && share.high_bytes > 0;
  });
  if (guessed && record.plan.request.budgets) {
    notices.emplace_back(
        "What the driver itself takes was not measured here: a default is counted (see driver's "
        "share).");
  }
  return notices;
}

}  // namespace

Result<plan::PlanRecord> make_plan(const PlanJob& job) {
  const auto begin = std::chrono::steady_clock::now();
  // The drivers are asked while the worker starts.
  devices::Sampler sampler(job.sources);
  sampler.start();
  auto opened = open_oracle(job);
  if (!opened) return tl::unexpected(opened.error());
  engine::Oracle& oracle = *opened->oracle;
  if (job.on_progress) {
    oracle.on_progress(
        [&](const protocol::Progress& progress) { job.on_progress(progress.fraction); });
  }

  plan::PlanRecord record;
  record.tool_version = kVersion;
  record.created_at = utc_now();
  record.engine = oracle.hello().engine;
  record.model = oracle.model();
  record.stand_in = opened->stand_in.has_value();
  const auto host_available = devices::this_machine().memory_available_bytes;
  for (const DeviceReport& report : targets_of(
           devices::join(oracle.hello().devices, sampler.fresh(kFirstSampleDeadline).devices),
           job.base.placement.devices)) {
    record.targets.push_back(capped_by_host(report, host_available));
  }

  plan::PlanRequest request;
  request.base = job.base;
  if (job.n_ctx_is_default) shorten_default_context(request.base.context, record.model);
  for (const std::uint32_t n_ctx : job.contexts) {
    if (auto trained = check_trained_context(n_ctx, record.model, job.allow_beyond_trained_context);
        !trained) {
      return tl::unexpected(trained.error());
    }
  }
  if (auto trained = check_trained_context(request.base.context.n_ctx, record.model,
                                           job.allow_beyond_trained_context);
      !trained) {
    return tl::unexpected(trained.error());
  }
  request.contexts = job.contexts;
  request.cache_types = job.cache_types;
  request.reserve_bytes = job.rules.reserve_bytes;
  const std::vector<plan::DriverShare> shares = shares_of(job, record.targets);
  request.class_share = shares.front();
  auto budgets = budgets_for(job, record.stand_in, record.targets, shares);
  if (!budgets) return tl::unexpected(budgets.error());
  request.budgets = *std::move(budgets);

  auto made =
      plan::make_plan(std::move(request), record.model,
                      [&](const std::vector<Config>& configs) { return oracle.ask(configs); });
  if (!made) return tl::unexpected(made.error());
  record.plan = *std::move(made);
  record.asked = oracle.asked();
  record.loads = oracle.loads();
  record.notices = notices_for(record, shares);
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return record;
}

}  // namespace sweetspot::profiler
