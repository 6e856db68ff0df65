// Which llama.cpp a command works with: the linked worker, or a llama-server of the user's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/workplace.hpp"
#include "core/config.hpp"
#include "core/error.hpp"
#include "servers/find.hpp"
#include "servers/read.hpp"

namespace sweetspot::app {

/// What `--engine` takes for the linked worker, whatever `engine use` named.
inline constexpr const char* kLinkedEngine = "linked";

/// The llama-server that is measured, planned and launched with; nothing where it is the linked
/// worker. It is what --engine or SWEETSPOT_ENGINE says, else what `engine use` named, else the
/// linked worker, else the first llama-server that is found on this machine. Errors: those of
/// command_of() and read_server(); of the worker where there is neither it nor a llama-server.
Result<std::optional<servers::ServerCard>> engine_of(const Workplace& workplace);

/// For what only the linked worker can do, whatever engine is wanted.
Workplace with_linked_worker(Workplace workplace);

/// The same for what `text` names, with its devices where `devices`.
Result<servers::ServerCard> read_engine(const std::string& text, const Workplace& workplace,
                                        bool devices = false);

/// Error (usage): the engine cannot be told of a value in `config`.
Status check_can_be_told(const Workplace& workplace, const Config& config);

/// The knobs that the engine lacks, by their names: nothing is searched over them. Empty of the
/// linked worker.
std::vector<std::string> lacked_knobs(const Workplace& workplace);

/// The command that starts an engine with a config, to be seen and copied: in its words, each an
/// option with its value, quoted for a shell. llama-server's where there is none.
std::vector<std::string> words_to_start(const servers::ServerCard* engine, const Config& config,
                                        const std::string& model_path,
                                        const std::vector<std::string>& rpc);

/// The arguments alone, of the engine that is meant.
std::string arguments_to_start(const Workplace& workplace, const Config& config,
                               const std::string& model_path, const std::vector<std::string>& rpc);

/// A llama-server of this machine, or why it is none.
struct ListedEngine {
  servers::Found found;
  Result<servers::ServerCard> card;
};

/// All that are found, each asked what it is. What only has the name of one is left out.
std::vector<ListedEngine> list_engines(const Workplace& workplace);

}  // namespace sweetspot::app
