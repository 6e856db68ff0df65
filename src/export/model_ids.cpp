#include "export/model_ids.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "export/quoting.hpp"

namespace sweetspot::exporting {
namespace {

std::string id_beside(const std::vector<std::string>& taken, const std::string& wanted) {
  std::string id = wanted;
  for (int count = 2; std::find(taken.begin(), taken.end(), id) != taken.end(); ++count) {
    id = fmt::format("{}-{}", wanted, count);
  }
  return id;
}

}  // namespace

std::vector<std::string> model_ids(std::span<const ExportJob> jobs, std::string_view host,
                                   std::vector<std::string>& notes) {
  std::vector<std::string> ids;
  ids.reserve(jobs.size());
  for (const ExportJob& job : jobs) {
    ids.push_back(id_beside(ids, plain_id(job.name)));
    if (ids.back() == job.name) continue;
    // Without its path, which a document's comment may have to keep out (llama-swap's ${NAME}).
    const std::string which = jobs.size() == 1 ? "the model" : fmt::format("model {}", ids.size());
    notes.push_back(fmt::format("in {} {} is called {}", host, which, ids.back()));
  }
  return ids;
}

}  // namespace sweetspot::exporting
