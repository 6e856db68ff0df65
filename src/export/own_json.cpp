// sweetspot.export/1: everything, in our own words.
#include "core/json.hpp"
#include "export/host_formats.hpp"

namespace sweetspot::exporting {

Result<Exported> to_own_json(const ExportJob& job) {
  Json document = {{"schema", "sweetspot.export/1"},
                   {"name", job.name},
                   {"model_path", job.model_path},
                   {"rpc", job.rpc},
                   {"config", to_json(job.config)}};
  return Exported{dump(document, 2) + "\n", {}};
}

}  // namespace sweetspot::exporting
