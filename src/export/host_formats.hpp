// One function per format, behind export_together(): name and path of each job are UTF-8 without
// NUL, the name is not empty.
#pragma once

#include <span>

#include "export/export.hpp"

namespace sweetspot::exporting {

Result<Exported> to_llama_server(const ExportJob& job);
Result<Exported> to_environment(const ExportJob& job);
Result<Exported> to_preset_ini(std::span<const ExportJob> jobs);
Result<Exported> to_llama_swap(std::span<const ExportJob> jobs);
Result<Exported> to_modelfile(const ExportJob& job);
Result<Exported> to_lm_studio(const ExportJob& job);
Result<Exported> to_kcpps(const ExportJob& job);
Result<Exported> to_webui_yaml(const ExportJob& job);
Result<Exported> to_python_kwargs(const ExportJob& job);
Result<Exported> to_own_json(const ExportJob& job);

}  // namespace sweetspot::exporting
