#include "core/profile_set.hpp"

#include "core/enum_names.hpp"
#include "core/no_device.hpp"

namespace sweetspot {
namespace {

constexpr EnumNames<Origin, 3> kOrigins = {
    {{Origin::measured, "measured"}, {Origin::planned, "planned"}, {Origin::defaults, "defaults"}}};

constexpr EnumNames<LoadResult, 4> kLoadResults = {{{LoadResult::loaded, "loaded"},
                                                    {LoadResult::out_of_memory, "out-of-memory"},
                                                    {LoadResult::crashed, "crashed"},
                                                    {LoadResult::timed_out, "timed-out"}}};

}  // namespace

bool SavedProfile::is_cpu_only() const { return uses_no_device(config.placement); }

std::string_view to_string(Origin origin) { return name_of(kOrigins, origin); }
std::optional<Origin> origin_from_string(std::string_view text) { return value_of(kOrigins, text); }

std::string_view to_string(LoadResult result) { return name_of(kLoadResults, result); }
std::optional<LoadResult> load_result_from_string(std::string_view text) {
  return value_of(kLoadResults, text);
}

}  // namespace sweetspot
