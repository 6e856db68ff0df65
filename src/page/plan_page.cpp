#include "page/plan_page.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "core/text.hpp"
#include "page/texts.hpp"

namespace sweetspot::page {
namespace {

std::uint64_t device_bytes(const PlannedConfig& config) {
  std::uint64_t sum = 0;
  for (const PlannedDevice& device : config.devices) {
    sum += device.model_bytes + device.context_bytes + device.compute_bytes;
  }
  return sum;
}

std::string verdict_of(const PlannedConfig& config) {
  if (!config.fits) return "no budget known";
  return *config.fits ? "fits" : "does not fit";
}

using Types = std::pair<std::string, std::string>;

std::string types_in_words(const Types& types) {
  return types.first == types.second ? types.first : "K " + types.first + ", V " + types.second;
}

/// One map for each pair of cache types: most layers on top, short contexts left.
Figure map_of(const PlanDocument& plan, const Types& types, std::size_t number) {
  Figure figure;
  figure.id = fmt::format("map-{}", number);
  figure.title =
      fmt::format("GiB on the device by layers and context, {} cache", types_in_words(types));
  figure.caption = "Framed cells fit, what the driver itself takes included.";
  figure.map = HeatMap{"context in tokens", "layers", {}};
  std::map<int, std::map<std::uint32_t, const PlannedConfig*>, std::greater<>> rows;
  std::set<std::uint32_t> contexts;
  for (const PlannedConfig& config : plan.configs) {
    if (Types(config.type_k, config.type_v) != types) continue;
    rows[config.layers][config.n_ctx] = &config;
    contexts.insert(config.n_ctx);
  }
  figure.table.columns = {"layers"};
  for (const std::uint32_t n_ctx : contexts) {
    figure.table.columns.push_back(fmt::format("{} tokens", n_ctx));
  }
  for (const auto& [layers, cells] : rows) {
    std::vector<std::string> row = {fmt::format("{}", layers)};
    for (const std::uint32_t n_ctx : contexts) {
      const auto cell = cells.find(n_ctx);
      if (cell == cells.end()) {
        row.emplace_back(kNothing);
        continue;
      }
      const PlannedConfig& config = *cell->second;
      const double gib = gib_of(device_bytes(config));
      row.push_back(fmt::format("{}, {}", format_bytes(device_bytes(config)), verdict_of(config)));
      figure.map->cells.push_back(
          {fmt::format("{}", n_ctx), row.front(), gib, config.fits.value_or(false),
           fmt::format("{} layers, {} tokens: {}, {}", layers, n_ctx,
                       format_bytes(device_bytes(config)), verdict_of(config))});
    }
    figure.table.rows.push_back(std::move(row));
  }
  return figure;
}

Figure wanted_places(const PlanDocument& plan) {
  Figure figure;
  figure.id = "wanted";
  figure.title = "What was asked for, by place";
  figure.table.columns = {"where", "weights", "cache", "compute", "together"};
  for (const PlannedDevice& device : plan.wanted.devices) {
    figure.table.rows.push_back(
        {device.id, format_bytes(device.model_bytes), format_bytes(device.context_bytes),
         format_bytes(device.compute_bytes),
         format_bytes(device.model_bytes + device.context_bytes + device.compute_bytes)});
  }
  figure.table.rows.push_back({"host", "", "", "", format_bytes(plan.wanted.host_bytes)});
  return figure;
}

}  // namespace

Page page_of(const PlanDocument& plan) {
  Page page;
  page.title = "plan: " + plan.model.name.value_or(plan.model.path);
  page.answer = fmt::format("{} layers with {} tokens of context need {} of device memory: {}",
                            plan.wanted.layers, plan.wanted.n_ctx,
                            format_bytes(device_bytes(plan.wanted)), verdict_of(plan.wanted));
  page.remarks = plan.notices;
  page.remarks.push_back(
      fmt::format("Planned by sweetspot {} at {}; nothing was loaded or measured",
                  plan.tool_version, plan.created_at));
  std::vector<Types> all;
  for (const PlannedConfig& config : plan.configs) {
    const Types types(config.type_k, config.type_v);
    if (std::find(all.begin(), all.end(), types) == all.end()) all.push_back(types);
  }
  for (std::size_t i = 0; i < all.size(); ++i) page.figures.push_back(map_of(plan, all[i], i));
  page.figures.push_back(wanted_places(plan));
  return page;
}

}  // namespace sweetspot::page
