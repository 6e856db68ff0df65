#include "adapter/fit_params.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <utility>

#include "adapter/command_line.hpp"
#include "adapter/server_facts.hpp"
#include "core/ranges.hpp"
#include "ground/bytes.hpp"
#include "ground/pieces.hpp"
#include "servers/ask.hpp"

namespace sweetspot::adapter {
namespace {

constexpr const char* kName = "llama-fit-params";
constexpr const char* kPrint = "--fit-print";
constexpr std::chrono::seconds kToEstimate{60};

std::optional<std::uint64_t> mebibytes(std::string_view text) {
  const auto value = number_of<std::uint64_t>(text);
  if (!value || *value > kPlausibleBytes.high / kMiB) return std::nullopt;
  return *value * kMiB;
}

std::optional<DeviceMemory> device_in(std::string_view line) {
  const auto words = words_of(line);
  if (words.size() != 4) return std::nullopt;
  const auto model = mebibytes(words[1]);
  const auto context = mebibytes(words[2]);
  const auto compute = mebibytes(words[3]);
  if (!model || !context || !compute) return std::nullopt;
  DeviceMemory device;
  device.id = words[0] == "Host" ? kHostDeviceId : std::string(words[0]);
  device.model_bytes = *model;
  device.context_bytes = *context;
  device.compute_bytes = *compute;
  return device;
}

}  // namespace

MemoryMap read_estimate(std::string_view printed) {
  MemoryMap map;
  for (const std::string_view line : lines_of(printed)) {
    if (auto device = device_in(line)) map.push_back(*std::move(device));
  }
  return map;
}

std::optional<FitParams> FitParams::beside(const servers::ServerCommand& server) {
  if (server.wrapped) return std::nullopt;
  const std::filesystem::path beside = server.argv.front();
  const std::string program = (beside.parent_path() / kName).string();
  if (::access(program.c_str(), X_OK) != 0) return std::nullopt;
  const auto help = servers::printed_by({program, "--help"}, kToEstimate);
  if (!help) return std::nullopt;
  dialect::Abilities abilities = dialect::read_abilities({help->text, {}, {}});
  if (!abilities.knows(kPrint)) return std::nullopt;
  return FitParams(program, std::move(abilities));
}

protocol::MapResult FitParams::map(const protocol::MapRequest& request,
                                   const std::vector<std::string>& rpc, int threads,
                                   Reply& reply) const {
  const double start = now_ms();
  protocol::MapResult result;
  for (const Config& config : request.configs) {
    reply.progress(Phase::plan, static_cast<double>(result.maps.size()) /
                                    static_cast<double>(request.configs.size()));
    result.maps.push_back(ask(in_words(config, threads), request.path, rpc));
    ++result.loads;
  }
  result.seconds = (now_ms() - start) / 1000;
  return result;
}

PlannedMemory FitParams::ask(const Config& config, const std::string& model_path,
                             const std::vector<std::string>& rpc) const {
  const auto refused = [](std::string why) { return PlannedMemory{{}, 0, std::move(why)}; };
  auto arguments = server_arguments(abilities_, config, model_path, rpc);
  if (!arguments) return refused(arguments.error());
  std::vector<std::string> argv = {program_};
  argv.insert(argv.end(), arguments->begin(), arguments->end());
  argv.insert(argv.end(), {kPrint, "on"});
  const auto printed = servers::printed_by(std::move(argv), kToEstimate);
  if (!printed) return refused(printed.error().message);
  MemoryMap map = read_estimate(printed->text);
  if (map.empty()) return refused(last_problem(printed->text));
  return {std::move(map), config.context.n_ctx, {}};
}

}  // namespace sweetspot::adapter
