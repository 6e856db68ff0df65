#include "page/source.hpp"

#include <fmt/format.h>

#include "core/json_reader.hpp"
#include "core/text.hpp"
#include "page/run_page.hpp"

namespace sweetspot::page {
namespace {

constexpr const char* kPlanSchema = "sweetspot.plan/1";

tl::unexpected<Error> no_source(std::string_view name, const std::string& why) {
  return error(ErrorKind::usage, fmt::format("{} is no run or plan: {}", printable(name), why),
               "give a file that profile or tune wrote, or `sweetspot plan --json`");
}

}  // namespace

Result<Source> parse_source(std::string_view text, std::string_view name) {
  const Result<Json> json = parse_json(text);
  if (!json) return no_source(name, "it is no JSON");
  const std::string schema = schema_of(*json);
  if (schema != kRunSchema && schema != kPlanSchema) {
    return no_source(name,
                     schema.empty() ? "it names no schema" : "its schema is " + printable(schema));
  }
  Result<Source> source = guard(
      [&]() -> Source {
        if (schema == kRunSchema) return value_from<Run>(*json);
        return value_from<PlanDocument>(*json);
      },
      "it cannot be read");
  if (!source) return no_source(name, printable(source.error().message));
  return source;
}

Page page_of(const Source& source) {
  return std::visit([](const auto& of) { return page_of(of); }, source);
}

}  // namespace sweetspot::page
