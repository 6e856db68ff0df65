#include "machine/published_curve.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <regex>
#include <utility>

#include "core/json_reader.hpp"
#include "machine/machine.hpp"
#include "machine/recorded_curve.hpp"

namespace sweetspot::fake {
namespace {

constexpr double kBytesOfMb = 1e6;
constexpr double kGbOfMib = 1024.0 * 1024.0 / kGb;
constexpr double kGbOfGib = 1024.0 * kGbOfMib;

// Of the card, where nobody says: what a desktop takes.
constexpr double kUsedGb = 0.3;
constexpr double kUsualShare = 0.84;

// Experts of a block, where a published table gives the model's size alone.
constexpr double kExpertShare = 0.9;
constexpr int kUsualExperts = 128;
constexpr int kUsualExpertsUsed = 8;

std::map<int, double> rows_of(const Json& json, const char* name) {
  std::map<int, double> rows;
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return rows;
  for (const auto& [layers, value] : found->items()) {
    int count = 0;
    const auto end = std::from_chars(layers.data(), layers.data() + layers.size(), count);
    if (end.ec != std::errc()) refuse(std::string(name) + " counts no layers: " + layers);
    rows[count] = value.get<double>();
  }
  return rows;
}

template <typename T>
T member_or(const Json& json, const char* name, T otherwise) {
  const auto found = json.find(name);
  return found == json.end() || found->is_null() ? otherwise : found->get<T>();
}

PublishedCurve curve_from(const Json& json) {
  PublishedCurve curve;
  curve.id = json.at("id").get<std::string>();
  curve.gpu = member_or<std::string>(json, "gpu", "");
  curve.offloadable = json.at("offloadable").get<int>();
  curve.by_experts = json.at("kind").get<std::string>().find("ncmoe") != std::string::npos;
  curve.tokens_per_second = rows_of(json, "tok_s");
  curve.prompt_tokens_per_second = rows_of(json, "prompt_tok_s");
  curve.vram_mib = rows_of(json, "vram_mib");
  curve.fails_from = member_or(json, "oom_from", 0);
  curve.cliff_at = member_or(json, "cliff_at", 0);
  curve.size_mb = json.at("size_mb").get<double>();
  curve.non_layer_mb = member_or(json, "nonlayer_mb", 0.0);
  curve.n_expert = member_or(json, "n_expert", 0);
  curve.n_expert_used = member_or(json, "n_expert_used", 0);
  const double extrapolated = member_or(json, "zero_extrapolated_tok_s", 0.0);
  if (extrapolated > 0) curve.tokens_per_second.emplace(0, extrapolated);
  if (curve.tokens_per_second.empty() || curve.offloadable < 2) {
    refuse(curve.id + ": no rows, or no layers");
  }
  return curve;
}

std::vector<RecordedPoint> times_of(const std::map<int, double>& tokens_per_second) {
  std::vector<RecordedPoint> points;
  points.reserve(tokens_per_second.size());
  for (const auto& [layers, speed] : tokens_per_second) points.push_back({layers, 1000 / speed});
  return points;
}

// The line through the last two rows before `layers`, at `layers`; no faster than half of the last.
double line_before(const std::vector<RecordedPoint>& before, int layers) {
  const RecordedPoint& last = before.back();
  if (before.size() < 2) return last.value;
  const RecordedPoint& other = before[before.size() - 2];
  const double slope = (last.value - other.value) / (last.layers - other.layers);
  return std::max(last.value / 2, last.value + slope * (layers - last.layers));
}

// Straight lines between rows, but for the two around the cliff.
std::vector<RecordedPoint> with_vertical_cliff(const std::vector<RecordedPoint>& points,
                                               int cliff_at) {
  if (cliff_at <= 0) return points;
  std::vector<RecordedPoint> all;
  for (const RecordedPoint& point : points) {
    const bool crosses = !all.empty() && all.back().layers < cliff_at && point.layers >= cliff_at;
    if (crosses && all.back().layers < cliff_at - 1) {
      all.push_back({cliff_at - 1, line_before(all, cliff_at - 1)});
    }
    if (crosses && point.layers > cliff_at) all.push_back({cliff_at, point.value});
    all.push_back(point);
  }
  return all;
}

std::vector<RecordedPoint> memory_of(const PublishedCurve& curve, double used_gb) {
  std::vector<RecordedPoint> points;
  if (curve.vram_mib.empty()) return points;
  if (curve.vram_mib.begin()->first > 0) points.push_back({0, used_gb});
  for (const auto& [layers, mib] : curve.vram_mib) points.push_back({layers, mib * kGbOfMib});
  return points;
}

// "RTX 4080 16 GB", "4x Tesla P100 16 GB".
std::optional<double> gigabytes_in(const std::string& gpu) {
  static const std::regex kSize(R"((?:(\d+)x )?.*?(\d+) GB)");
  std::smatch found;
  if (!std::regex_search(gpu, found, kSize)) return std::nullopt;
  const double count = found[1].matched ? std::stod(found[1]) : 1;
  return count * std::stod(found[2]);
}

Model model_of(const PublishedCurve& curve, bool by_experts) {
  Model model;
  model.name = curve.id;
  const int blocks = by_experts ? curve.offloadable : curve.offloadable - 1;
  Block block;
  block.bytes =
      static_cast<std::uint64_t>((curve.size_mb - curve.non_layer_mb) * kBytesOfMb / blocks);
  block.kv_bytes_per_token = 2048;
  model.n_expert = curve.n_expert;
  model.n_expert_used = curve.n_expert_used;
  if (by_experts && model.n_expert == 0) {
    model.n_expert = kUsualExperts;
    model.n_expert_used = kUsualExpertsUsed;
  }
  if (model.n_expert > 0) {
    model.architecture = "qwen3moe";
    block.expert_bytes =
        static_cast<std::uint64_t>(kExpertShare * static_cast<double>(block.bytes));
    model.n_embd = 2048;
    model.n_ff = 768;
  } else {
    block.ffn_bytes = block.bytes * 2 / 3;
  }
  model.blocks.assign(static_cast<std::size_t>(blocks), block);
  model.output_bytes = static_cast<std::uint64_t>(curve.non_layer_mb * kBytesOfMb / 2);
  model.embedding_bytes = model.output_bytes;
  return model;
}

Config largest_measured(const PublishedCurve& curve, bool by_experts) {
  Config config;
  const int largest = curve.tokens_per_second.rbegin()->first;
  config.placement.n_gpu_layers = by_experts ? -1 : largest;
  config.placement.n_cpu_moe = by_experts ? curve.offloadable - largest : 0;
  return config;
}

void choose_card(const PublishedCurve& curve, const Card& card, bool by_experts, Parts& parts) {
  const auto named = gigabytes_in(curve.gpu);
  if (card.full_share <= 0 && named) {
    parts.device.memory_total_gb = *named * kGbOfGib;
    return;
  }
  const double share = card.full_share > 0 ? card.full_share : kUsualShare;
  const double ours_gb =
      static_cast<double>(
          Machine(parts).device_need(largest_measured(curve, by_experts)).first_decode_bytes) /
      kGb;
  parts.device.memory_total_gb = (ours_gb + parts.device.memory_used_gb) / share;
}

Disturbance disturbance_of(const Noise& noise) {
  Disturbance disturbance;
  disturbance.sample = noise.sample;
  disturbance.load_offset = noise.between_loads;
  if (noise.stalls) disturbance.stall_probability = 0.02;
  return disturbance;
}

}  // namespace

std::string published_curves_path() { return SWEETSPOT_PUBLISHED_CURVES; }

Result<std::vector<PublishedCurve>> read_curves(const std::string& path) {
  std::ifstream file(path);
  const Json json = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return error(ErrorKind::usage, path + ": no JSON can be read from it");
  auto curves = guard(
      [&] {
        std::vector<PublishedCurve> all;
        for (const Json& one : json) all.push_back(curve_from(one));
        return all;
      },
      path);
  if (curves) return *curves;
  return error(ErrorKind::usage, curves.error().message);
}

const std::vector<Card>& cards() {
  static const std::vector<Card> kCards = {
      {"as published", 0}, {"roomy", 0.6}, {"just right", 0.84}, {"too small", 1.2}};
  return kCards;
}

Parts machine_of(const PublishedCurve& curve, const Card& card, const Noise& noise) {
  const bool by_experts = curve.by_experts && noise.experts_on_cpu;
  Parts parts;
  parts.name = curve.id + ", " + card.name;
  parts.model = model_of(curve, by_experts);
  parts.disturbance = disturbance_of(noise);
  parts.processor.memory_total_gb = 2 * curve.size_mb / 1e3 + 16;
  // What was published is the whole card's; what of it is the driver's nobody says.
  parts.device.driver_share_mb = 0;
  parts.device.pool_kb_per_ubatch_token = 0;
  const auto idle = curve.vram_mib.find(0);
  parts.device.memory_used_gb = idle == curve.vram_mib.end() ? kUsedGb : idle->second * kGbOfMib;
  // A driver that pages never says that it is full.
  if (curve.cliff_at > 0) parts.device.spill_factor = 1.01;
  Recording& recorded = parts.recorded;
  recorded.by_experts = by_experts;
  recorded.ms_per_token = with_vertical_cliff(times_of(curve.tokens_per_second), curve.cliff_at);
  recorded.prompt_ms_per_token =
      with_vertical_cliff(times_of(curve.prompt_tokens_per_second), curve.cliff_at);
  recorded.vram_gb = memory_of(curve, parts.device.memory_used_gb);
  recorded.fails_from = curve.fails_from;
  recorded.spills_from = curve.cliff_at;
  choose_card(curve, card, by_experts, parts);
  return parts;
}

}  // namespace sweetspot::fake
