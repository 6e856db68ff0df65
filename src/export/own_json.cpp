// sweetspot.export/1: docs/formats/export-1.schema.json.
#include "core/json_writer.hpp"
#include "export/host_formats.hpp"

namespace sweetspot::exporting {

Result<Exported> to_own_json(const ExportJob& job) {
  return Exported{dump(json_of(job), 2) + "\n", {}};
}

}  // namespace sweetspot::exporting
