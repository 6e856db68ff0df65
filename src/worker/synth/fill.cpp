#include "worker/synth/fill.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <numbers>
#include <utility>

namespace sweetspot::worker {
namespace {

constexpr std::int64_t kPoolValues = std::int64_t{1} << 19;
constexpr std::int64_t kRow = 1024;  ///< a multiple of every type's block
constexpr float kSmallDeviation = 0.02F;

/// Values copied together: one block of a quantized type, more where a block is one value.
std::size_t chunk_bytes(ggml_type type) {
  constexpr std::int64_t kMinValues = 32;
  const std::int64_t blocks = std::max<std::int64_t>(1, kMinValues / ggml_blck_size(type));
  return ggml_type_size(type) * static_cast<std::size_t>(blocks);
}

bool contains_any(std::string_view name, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return name.find(part) != std::string_view::npos;
  });
}

}  // namespace

Filling filling_of(std::string_view name, ggml_type type, std::size_t dimensions) {
  const bool plain = !ggml_is_quantized(type);
  // Factors that divide or scale must not be near zero.
  if (plain && contains_any(name, {"norm", "rope_f", "scale"}) && !name.ends_with(".bias")) {
    return Filling::ones;
  }
  return dimensions == 1 ? Filling::small : Filling::weights;
}

float deviation_for(double width) {
  return static_cast<float>(1 / std::sqrt(std::max(1.0, width)));
}

bool can_fill(ggml_type type) {
  switch (type) {
    case GGML_TYPE_F32:
    case GGML_TYPE_F16:
    case GGML_TYPE_BF16:
    case GGML_TYPE_Q4_0:
    case GGML_TYPE_Q4_1:
    case GGML_TYPE_Q5_0:
    case GGML_TYPE_Q5_1:
    case GGML_TYPE_Q8_0:
    case GGML_TYPE_Q2_K:
    case GGML_TYPE_Q3_K:
    case GGML_TYPE_Q4_K:
    case GGML_TYPE_Q5_K:
    case GGML_TYPE_Q6_K:
    case GGML_TYPE_IQ4_NL:
    case GGML_TYPE_IQ4_XS:
    case GGML_TYPE_IQ3_S:
    case GGML_TYPE_IQ3_XXS:
    case GGML_TYPE_IQ2_S:
    case GGML_TYPE_TQ1_0:
    case GGML_TYPE_TQ2_0:
    case GGML_TYPE_MXFP4:
      return !ggml_quantize_requires_imatrix(type);
    default:
      return false;
  }
}

std::uint64_t WeightFiller::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t x = state_;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

const std::vector<std::uint8_t>& WeightFiller::pool(ggml_type type, Filling filling) {
  std::vector<std::uint8_t>& bytes = pools_[{type, filling}];
  if (!bytes.empty()) return bytes;
  std::vector<float> values(static_cast<std::size_t>(kPoolValues), 1.0F);
  if (filling != Filling::ones) {
    const double deviation = filling == Filling::small ? kSmallDeviation : deviation_;
    constexpr double kScale = 1.0 / 9007199254740992.0;  // 2^-53
    for (float& value : values) {
      // Box-Muller; 1 - u keeps the logarithm's argument above 0.
      const double u = static_cast<double>(next() >> 11U) * kScale;
      const double v = static_cast<double>(next() >> 11U) * kScale;
      value = static_cast<float>(deviation * std::sqrt(-2 * std::log(1 - u)) *
                                 std::cos(2 * std::numbers::pi * v));
    }
  }
  bytes.resize(ggml_row_size(type, kPoolValues));
  ggml_quantize_chunk(type, values.data(), bytes.data(), 0, kPoolValues / kRow, kRow, nullptr);
  return bytes;
}

void WeightFiller::fill(ggml_type type, Filling filling, std::span<std::uint8_t> out) {
  const auto& source = pool(type, filling);
  const std::size_t chunk = chunk_bytes(type);
  const std::size_t choices = source.size() / chunk;
  while (!out.empty()) {
    const std::size_t n = std::min(chunk, out.size());
    std::memcpy(out.data(), source.data() + (next() >> 16U) % choices * chunk, n);
    out = out.subspan(n);
  }
}

}  // namespace sweetspot::worker
