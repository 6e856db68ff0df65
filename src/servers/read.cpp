#include "servers/read.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include "core/clues.hpp"
#include "core/json_reader.hpp"
#include "core/json_writer.hpp"
#include "core/text.hpp"
#include "ground/pieces.hpp"
#include "servers/ask.hpp"
#include "servers/stamp.hpp"
#include "store/durable_file.hpp"

namespace sweetspot::servers {
namespace {

constexpr const char* kSchema = "sweetspot.engine-reading/1";
constexpr const char* kFilePrefix = "engine-";
constexpr std::size_t kMostLineChars = 400;

// What is kept of one program.
struct KeptReading {
  std::string schema = kSchema;
  std::string stamp;
  std::string hash;
  std::string help;
  std::string version;
};

void fields(auto& f, Is<KeptReading> auto& kept) {
  f("schema", kept.schema);
  f("stamp", kept.stamp);
  f("hash", kept.hash);
  f("help", kept.help);
  f("version", kept.version);
}

std::string shown(const ServerCommand& command) { return shortened(line_of(command.argv)); }

// The last line, but for what only says where to read on, as docker does.
std::string telling_line(std::string_view text) {
  std::string told;
  for (const std::string_view line : lines_of(text)) {
    const bool elsewhere = line.starts_with("Run '") || line.starts_with("See '");
    if (!trimmed(line).empty() && !elsewhere) told = printable(trimmed(line), kMostLineChars);
  }
  return told;
}

// Why a program that answered nothing of use ended.
Error unable(const ServerCommand& command, std::string_view flag, const Printed& asked) {
  const std::string line = telling_line(asked.text);
  const bool library = asked.text.find("error while loading shared libraries") != std::string::npos;
  const std::string how =
      asked.status.signal ? fmt::format("ended with signal {}", *asked.status.signal)
                          : fmt::format("ended with exit code {}", asked.status.code.value_or(0));
  return {ErrorKind::device,
          fmt::format("{} {} {}{}{}", shown(command), flag, how, line.empty() ? "" : ": ", line),
          library ? "install that library, or take a llama-server that has its libraries beside it"
                  : "start it by hand to see what it says"};
}

// All that it prints for these flags.
Result<Printed> ask(const ServerCommand& command, const std::vector<std::string>& flags,
                    const ReadOptions& options) {
  std::error_code problem;
  // Several may ask at once, and no two containers can have one name.
  const Placeholders nothing = {std::filesystem::temp_directory_path(problem).string(), "0",
                                fmt::format("sweetspot-{}{}", getpid(), flags.back())};
  Result<std::vector<std::string>> argv = filled(command, nothing);
  if (!argv) return tl::unexpected(argv.error());
  argv->insert(argv->end(), flags.begin(), flags.end());
  return printed_by(*std::move(argv), options.patience, options.cancel);
}

Status check_family(const ServerCommand& command, const Printed& help) {
  const dialect::Abilities abilities = dialect::read_abilities({help.text, {}, {}});
  if (abilities.family != dialect::Family::other) return {};
  if (abilities.knows("--usecublas")) {
    return error(
        ErrorKind::usage,
        fmt::format("{} is KoboldCpp, which has flags and an interface of its own", shown(command)),
        "name a llama-server; choose --format koboldcpp writes its settings");
  }
  // ik_llama.cpp's help ends with exit code 1; a crash is no answer.
  const bool crashed = help.status.signal.has_value();
  if (crashed || (help.status.code.value_or(1) != 0 && abilities.help.flags.empty())) {
    return tl::unexpected(unable(command, "--help", help));
  }
  return error(
      ErrorKind::usage,
      fmt::format("{} is no llama-server: its --help has no --model, --port and --ctx-size",
                  shown(command)),
      "name a llama-server, a folder with one, or a command line that starts one");
}

Result<KeptReading> asked_afresh(const ServerCommand& command, const ReadOptions& options) {
  KeptReading reading;
  const Result<Printed> help = ask(command, {"--help"}, options);
  if (!help) return tl::unexpected(help.error());
  if (const Status known = check_family(command, *help); !known) {
    return tl::unexpected(known.error());
  }
  reading.help = help->text;
  const Result<Printed> version = ask(command, {"--version"}, options);
  if (!version) return tl::unexpected(version.error());
  reading.version = version->text;
  return reading;
}

std::string kept_path(const std::string& folder, const std::string& command) {
  return fmt::format("{}/{}{}.json", folder, kFilePrefix, hash_of_text(command));
}

std::optional<KeptReading> kept_reading(const std::string& path, const std::string& stamp) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  const Result<Json> json = parse_json(text.str());
  if (!file || !json) return std::nullopt;
  const auto kept = guard([&] { return value_from<KeptReading>(*json); }, "engine reading");
  if (!kept || kept->schema != kSchema || kept->stamp != stamp) return std::nullopt;
  return *kept;
}

// What cannot be kept is asked again the next time: no reason to stop.
void keep(const std::string& folder, const std::string& path, const KeptReading& reading) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) return;
  (void)store::write_atomically(path, dump(json_of(reading)) + "\n");
}

// Changes when the reading has to be made again. What a wrapper or script starts cannot be seen:
// that is asked again after a while, but not by each step of one command.
std::string stamp_of_command(const ServerCommand& command, const std::vector<std::string>& parts) {
  using std::chrono::system_clock;
  constexpr std::chrono::minutes kBelieved{10};
  std::string stamp = stamp_of(parts);
  if (!hides_its_server(command)) return stamp;
  return fmt::format("{} asked {}", stamp, system_clock::now().time_since_epoch() / kBelieved);
}

Result<KeptReading> reading_of(const ServerCommand& command, const ReadOptions& options) {
  const std::string text = text_of(command);
  const std::vector<std::string> parts =
      command.wrapped ? std::vector<std::string>() : parts_of(command.argv.front());
  const std::string stamp = stamp_of_command(command, parts);
  const std::string path = kept_path(options.cache_folder, text);
  if (!options.cache_folder.empty()) {
    if (auto kept = kept_reading(path, stamp)) return *std::move(kept);
  }
  Result<KeptReading> reading = asked_afresh(command, options);
  if (!reading) return reading;
  reading->stamp = stamp;
  reading->hash = hash_of(parts);
  if (hides_its_server(command)) {
    reading->hash = hash_of_text(text + reading->hash + reading->version + reading->help);
  }
  // One that was ended from outside as it was asked may know its version the next time.
  const bool whole = !dialect::read_version(reading->version).empty();
  if (!options.cache_folder.empty() && whole) keep(options.cache_folder, path, *reading);
  return reading;
}

}  // namespace

std::string ServerCard::title() const {
  std::string title(to_string(abilities.family));
  if (!abilities.version.empty()) title += " " + abilities.version;
  return title;
}

Result<ServerCard> read_server(const ServerCommand& command, const ReadOptions& options) {
  const Result<KeptReading> reading = reading_of(command, options);
  if (!reading) return tl::unexpected(reading.error());
  ServerCard card;
  card.command = command;
  card.hash = reading->hash;
  card.texts = {reading->help, reading->version, {}};
  card.abilities = dialect::read_abilities(card.texts);
  if (!options.devices || !card.abilities.lists_devices) return card;
  std::vector<std::string> flags = {"--list-devices"};
  if (!options.rpc.empty() && card.abilities.knows("--rpc")) {
    flags.insert(flags.begin(), {"--rpc", options.rpc});
  }
  const Result<Printed> devices = ask(command, flags, options);
  if (!devices) return tl::unexpected(devices.error());
  if (devices->status.signal || devices->status.code.value_or(1) != 0) {
    return tl::unexpected(unable(command, "--list-devices", *devices));
  }
  card.texts.devices = devices->text;
  card.abilities = dialect::read_abilities(card.texts);
  return card;
}

std::string user_cache_folder() {
  // NOLINTBEGIN(concurrency-mt-unsafe): read before there are threads
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  const char* const home = std::getenv("HOME");
  // NOLINTEND(concurrency-mt-unsafe)
  if (cache != nullptr && *cache == '/') return std::string(cache) + "/sweetspot";
  if (home == nullptr || *home != '/') return {};
  return std::string(home) + "/.cache/sweetspot";
}

void forget_readings(const std::string& cache_folder) {
  if (cache_folder.empty()) return;
  namespace fs = std::filesystem;
  std::error_code problem;
  std::vector<fs::path> kept;
  for (fs::directory_iterator it(cache_folder, problem), end; !problem && it != end;
       it.increment(problem)) {
    if (it->path().filename().string().starts_with(kFilePrefix)) kept.push_back(it->path());
  }
  for (const fs::path& path : kept) fs::remove(path, problem);
}

}  // namespace sweetspot::servers
