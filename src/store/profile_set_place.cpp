// Which set belongs to a model file here, and where it lies.

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

#include "core/text.hpp"
#include "os/read_file.hpp"
#include "store/paths.hpp"
#include "store/profile_set_file.hpp"

namespace sweetspot::store {
namespace {

constexpr std::size_t kEndBytes = 64 * 1024;

// FNV-1a, 64 bits (Fowler, Noll, Vo): tells files apart that differ by accident, and needs no
// library.
class Digest {
 public:
  void add(std::string_view bytes) {
    constexpr std::uint64_t kPrime = 0x100000001b3;
    for (const char byte : bytes) {
      state_ = (state_ ^ static_cast<unsigned char>(byte)) * kPrime;
    }
  }
  // Its length goes along, so that "ab", "c" and "a", "bc" differ.
  void add_part(std::string_view bytes) {
    add(std::to_string(bytes.size()) + ":");
    add(bytes);
  }
  [[nodiscard]] std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

tl::unexpected<Error> unreadable(const std::string& path, const std::string& why) {
  return error(ErrorKind::model, fmt::format("cannot read {}: {}", shown(path), why),
               "check the path and its permissions");
}

// The size of the file, its ends taken into the digest.
Result<std::uint64_t> digest_file(const std::string& path, Digest& digest) {
  const os::Descriptor file = os::open_to_read(path);
  struct stat info = {};
  if (!file || ::fstat(file.get(), &info) != 0) {
    return unreadable(path, std::generic_category().message(errno));
  }
  if (!S_ISREG(info.st_mode)) return unreadable(path, "it is not a file");
  const auto size = static_cast<std::uint64_t>(info.st_size);
  digest.add_part(std::to_string(size));
  const std::size_t length = std::min<std::uint64_t>(size, kEndBytes);
  for (const std::uint64_t offset : {std::uint64_t{0}, size - length}) {
    std::string bytes(length, '\0');
    const auto read = os::read_at(file, offset, std::as_writable_bytes(std::span(bytes)));
    if (read < 0) return unreadable(path, std::generic_category().message(errno));
    bytes.resize(static_cast<std::size_t>(read));
    digest.add_part(bytes);
  }
  return size;
}

bool all_digits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Of a first split, as llama.cpp names them, how many there are; 1 for any other file.
int count_splits(std::string_view path) {
  constexpr std::string_view kFirst = "-00001-of-";
  constexpr std::string_view kExtension = ".gguf";
  constexpr std::size_t kDigits = 5;
  constexpr std::size_t kTail = kFirst.size() + kDigits + kExtension.size();
  if (path.size() < kTail) return 1;
  const std::string_view tail = path.substr(path.size() - kTail);
  const std::string_view count = tail.substr(kFirst.size(), kDigits);
  if (!tail.starts_with(kFirst) || !tail.ends_with(kExtension) || !all_digits(count)) return 1;
  int splits = 1;
  std::from_chars(count.data(), count.data() + count.size(), splits);
  return std::max(1, splits);
}

std::string split_path(const std::string& first, int split, int count) {
  const std::string tail = fmt::format("-{:05}-of-{:05}.gguf", split, count);
  return first.substr(0, first.size() - tail.size()) + tail;
}

std::string machine_name() {
  std::ifstream file("/etc/machine-id");
  std::string id;
  if (file >> id && !id.empty()) return id;
  std::array<char, HOST_NAME_MAX + 1> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) return {};
  return host.data();
}

}  // namespace

Result<ModelKey> model_key(const std::string& path) {
  ModelKey key;
  std::error_code failure;
  key.path = std::filesystem::absolute(path, failure).string();
  if (failure || path.empty()) key.path = path;
  Digest digest;
  const int splits = count_splits(path);
  for (int split = 1; split <= splits; ++split) {
    const auto size = digest_file(splits == 1 ? path : split_path(path, split, splits), digest);
    if (!size) return tl::unexpected(size.error());
    key.size_bytes += *size;
  }
  key.digest = fmt::format("{:016x}", digest.value());
  return key;
}

std::string profile_set_path(const std::string& data_folder, const ModelKey& model,
                             const std::vector<std::string>& rpc) {
  Digest machine;
  machine.add_part(machine_name());
  for (const std::string& endpoint : rpc) machine.add_part(endpoint);
  // Half of it: enough to tell machines apart, too little to tell a machine's id.
  return fmt::format("{}/profiles/{}-{:08x}.json", data_folder, model.digest,
                     machine.value() >> 32U);
}

std::string place_of(const std::string& data_folder, const ProfileSet& set) {
  std::string path = profile_set_path(data_folder, set.model, set.rpc);
  if (set.origin != Origin::measured) return path;
  Digest measured;
  const Workload& workload = set.workload;
  std::uint32_t n_ctx = 0;
  for (const SavedProfile& profile : set.profiles) {
    n_ctx = std::max(n_ctx, profile.config.context.n_ctx);
  }
  for (const std::uint32_t count :
       {workload.n_prompt, workload.n_gen, workload.n_depth, workload.n_parallel, n_ctx}) {
    measured.add_part(std::to_string(count));
  }
  measured.add_part(to_string(set.objective));
  if (!set.engine.empty()) measured.add_part(set.engine);
  constexpr std::string_view kExtension = ".json";
  return fmt::format("{}-{:08x}{}", path.substr(0, path.size() - kExtension.size()),
                     measured.value() >> 32U, kExtension);
}

std::string user_data_folder() {
  const char* data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && *data == '/') return std::string(data) + "/sweetspot";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') return {};
  return std::string(home) + "/.local/share/sweetspot";
}

}  // namespace sweetspot::store
