// libsweetspot for C++20: sweetspot.h with handles that free themselves, exceptions in place of
// status codes, std::optional for what may be absent. All inline over the C functions: no C++ type
// crosses the border of the library, so that it may be built by another compiler.
//
//   sweetspot::Library library;
//   const auto set = library.set_of_model("model.gguf");
//   const auto choice = library.choose(set);
//   if (const auto profile = choice.profile()) load_with(profile->n_gpu_layers, profile->n_ctx);
//
// Texts and lists inside C structs (sweetspot_profile, ...) live as long as the object they came
// from. Objects can be moved, not copied. Thread safety as in sweetspot.h.
#pragma once

#include <sweetspot/sweetspot.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sweetspot {
// A name of its own for the linker: the static library has a namespace sweetspot too.
inline namespace face {

/// A call failed. what() is the library's sentence.
class LibraryError : public std::runtime_error {
 public:
  LibraryError(sweetspot_status status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  [[nodiscard]] sweetspot_status status() const { return status_; }

 private:
  sweetspot_status status_;
};

namespace detail {

template <auto Free>
struct Freer {
  template <typename Handle>
  void operator()(Handle* handle) const {
    Free(handle);
  }
};

template <typename Handle, auto Free>
using Owned = std::unique_ptr<Handle, Freer<Free>>;

inline void check(sweetspot_status status, char* error) {
  if (status == SWEETSPOT_OK) return;
  const std::string message = error == nullptr ? "a call of libsweetspot failed" : error;
  sweetspot_free(error);
  throw LibraryError(status, message);
}

/// An empty struct of the C interface with its size set.
template <typename Struct>
Struct sized() {
  Struct empty{};
  empty.size = sizeof empty;
  return empty;
}

}  // namespace detail

/// The value, or nothing where it is absent.
inline std::optional<std::uint64_t> value(const sweetspot_bytes& bytes) {
  if (bytes.absent != nullptr) return std::nullopt;
  return bytes.value;
}
inline std::optional<double> value(const sweetspot_number& number) {
  if (number.absent != nullptr) return std::nullopt;
  return number.value;
}
inline std::optional<std::string_view> value(const sweetspot_text& text) {
  if (text.absent != nullptr) return std::nullopt;
  return text.value;
}
inline std::optional<double> value(const sweetspot_estimate& estimate) {
  if (estimate.absent != nullptr) return std::nullopt;
  return estimate.value;
}

struct Options {
  std::string data_folder = {};  ///< empty: the user's
  bool telemetry = false;        ///< see sweetspot_options
  bool wake_sleeping_devices = false;
  std::uint32_t interval_ms = 0;
  std::uint32_t deadline_ms = 0;
};

/// See sweetspot_host_device; empty texts and absent figures are unknown.
struct HostDevice {
  std::string id = {};
  std::string pci_bus_id = {};
  std::string description = {};
  std::optional<std::uint64_t> memory_total_bytes = {};
  std::optional<std::uint64_t> memory_free_bytes = {};
  bool shares_host_memory = false;
};

struct Requirements {
  std::string profile = {};  ///< empty: whichever is best
  std::uint32_t min_ctx = 0;
  double max_vram_percent = 85;
  std::uint64_t reserve_bytes = 0;
  sweetspot_preference prefer = SWEETSPOT_PREFER_SPEED;
  std::string llama_cpp = {};            ///< empty: not compared
  std::vector<HostDevice> devices = {};  ///< empty: what drivers list
  std::string program = {};              ///< who will load it; empty: an application without a name
  std::string arguments = {};            ///< those that change memory or what it does
};

struct Report {
  std::string profile = {};
  sweetspot_result result = SWEETSPOT_LOADED;
  std::string device = {};  ///< empty: the first that the profile needs
  std::optional<std::uint64_t> free_bytes = {};
  std::optional<std::uint64_t> peak_bytes = {};
  std::string program = {};  ///< empty, with `arguments`: as the choice was asked for
  std::string arguments = {};
};

class Devices {
 public:
  [[nodiscard]] std::size_t size() const { return sweetspot_devices_count(handle_.get()); }
  [[nodiscard]] sweetspot_device operator[](std::size_t index) const {
    auto device = detail::sized<sweetspot_device>();
    detail::check(sweetspot_devices_get(handle_.get(), index, &device), nullptr);
    return device;
  }
  [[nodiscard]] std::optional<std::uint64_t> host_available_bytes() const {
    return value(sweetspot_devices_host_available(handle_.get()));
  }
  [[nodiscard]] std::vector<std::string> notes() const {
    std::vector<std::string> all;
    while (const char* const note = sweetspot_devices_note(handle_.get(), all.size())) {
      all.emplace_back(note);
    }
    return all;
  }

 private:
  friend class Library;
  explicit Devices(sweetspot_devices* handle) : handle_(handle) {}
  detail::Owned<sweetspot_devices, sweetspot_devices_free> handle_;
};

class Set {
 public:
  [[nodiscard]] sweetspot_set_info info() const {
    auto info = detail::sized<sweetspot_set_info>();
    detail::check(sweetspot_set_get(handle_.get(), &info), nullptr);
    return info;
  }
  [[nodiscard]] std::size_t size() const { return info().profile_count; }
  [[nodiscard]] sweetspot_profile operator[](std::size_t index) const {
    auto profile = detail::sized<sweetspot_profile>();
    detail::check(sweetspot_set_profile(handle_.get(), index, &profile), nullptr);
    return profile;
  }

 private:
  friend class Library;
  explicit Set(sweetspot_set* handle) : handle_(handle) {}
  detail::Owned<sweetspot_set, sweetspot_set_free> handle_;
};

struct Rung {
  sweetspot_profile profile;
  bool fits = false;
  std::string_view why_not;
  std::uint64_t missing_bytes = 0;
};

class Choice {
 public:
  [[nodiscard]] sweetspot_choice_info info() const {
    auto info = detail::sized<sweetspot_choice_info>();
    detail::check(sweetspot_choice_get(handle_.get(), &info), nullptr);
    return info;
  }
  [[nodiscard]] std::string_view reason() const { return info().reason; }
  /// Nothing where no profile may be loaded.
  [[nodiscard]] std::optional<sweetspot_profile> profile() const {
    auto profile = detail::sized<sweetspot_profile>();
    if (sweetspot_choice_profile(handle_.get(), &profile) != SWEETSPOT_OK) return std::nullopt;
    return profile;
  }
  /// To try after it, in this order.
  [[nodiscard]] std::vector<Rung> below() const {
    return rungs(info().below_count, sweetspot_choice_below);
  }
  /// Faster ones, and why not they.
  [[nodiscard]] std::vector<Rung> passed() const {
    return rungs(info().passed_count, sweetspot_choice_passed);
  }
  /// What changed since the set was made.
  [[nodiscard]] std::vector<std::string> stale() const {
    std::vector<std::string> all;
    while (const char* const change = sweetspot_choice_stale(handle_.get(), all.size())) {
      all.emplace_back(change);
    }
    return all;
  }

 private:
  friend class Library;
  explicit Choice(sweetspot_choice* handle) : handle_(handle) {}

  template <typename Getter>
  [[nodiscard]] std::vector<Rung> rungs(std::size_t count, Getter get) const {
    std::vector<Rung> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      auto rung = detail::sized<sweetspot_rung>();
      auto profile = detail::sized<sweetspot_profile>();
      detail::check(get(handle_.get(), i, &rung, &profile), nullptr);
      all.push_back({profile, rung.fits != 0, rung.why_not, rung.missing_bytes});
    }
    return all;
  }

  detail::Owned<sweetspot_choice, sweetspot_choice_free> handle_;
};

class Library {
 public:
  explicit Library(const Options& options = {}) {
    auto given = detail::sized<sweetspot_options>();
    if (!options.data_folder.empty()) given.data_folder = options.data_folder.c_str();
    given.telemetry = options.telemetry ? 1 : 0;
    given.wake_sleeping_devices = options.wake_sleeping_devices ? 1 : 0;
    given.interval_ms = options.interval_ms;
    given.deadline_ms = options.deadline_ms;
    sweetspot_library* opened = nullptr;
    char* error = nullptr;
    const sweetspot_status status = sweetspot_open(&given, &opened, &error);
    detail::check(status, error);
    handle_.reset(opened);
  }

  [[nodiscard]] Devices devices() const {
    sweetspot_devices* read = nullptr;
    char* error = nullptr;
    const sweetspot_status status = sweetspot_devices_read(handle_.get(), &read, &error);
    detail::check(status, error);
    return Devices(read);
  }

  /// The stored set of a model file; without one the defaults, unless `defaults` is false.
  [[nodiscard]] Set set_of_model(const std::string& model_path,
                                 const std::vector<std::string>& rpc = {},
                                 bool defaults = true) const {
    std::vector<const char*> endpoints;
    endpoints.reserve(rpc.size());
    for (const std::string& endpoint : rpc) endpoints.push_back(endpoint.c_str());
    auto options = detail::sized<sweetspot_set_options>();
    options.rpc = endpoints.data();
    options.rpc_count = endpoints.size();
    options.no_defaults = defaults ? 0 : 1;
    return set_by(sweetspot_set_of_model, model_path, options);
  }

  [[nodiscard]] Set set_of_file(const std::string& set_path) const {
    return set_by(sweetspot_set_of_file, set_path, detail::sized<sweetspot_set_options>());
  }

  [[nodiscard]] Choice choose(const Set& set, const Requirements& wanted = {}) const {
    const std::vector<sweetspot_host_device> devices = told(wanted.devices);
    auto given = detail::sized<sweetspot_requirements>();
    given.profile = wanted.profile.c_str();
    given.min_ctx = wanted.min_ctx;
    given.max_vram_percent = wanted.max_vram_percent;
    given.reserve_bytes = wanted.reserve_bytes;
    given.prefer = wanted.prefer;
    given.llama_cpp = wanted.llama_cpp.c_str();
    given.devices = devices.data();
    given.device_count = devices.size();
    given.program = wanted.program.c_str();
    given.arguments = wanted.arguments.c_str();
    sweetspot_choice* made = nullptr;
    char* error = nullptr;
    const sweetspot_status status =
        sweetspot_choose(handle_.get(), set.handle_.get(), &given, &made, &error);
    detail::check(status, error);
    return Choice(made);
  }

  /// `choice` may be NULL.
  void report(Set& set, const Choice* choice, const Report& report) const {
    auto given = detail::sized<sweetspot_report>();
    given.profile = report.profile.c_str();
    given.result = report.result;
    if (!report.device.empty()) given.device = report.device.c_str();
    given.free_bytes = report.free_bytes.value_or(SWEETSPOT_UNKNOWN);
    given.peak_bytes = report.peak_bytes.value_or(SWEETSPOT_UNKNOWN);
    if (!report.program.empty()) given.program = report.program.c_str();
    if (!report.arguments.empty()) given.arguments = report.arguments.c_str();
    char* error = nullptr;
    const sweetspot_status status =
        sweetspot_report_load(handle_.get(), set.handle_.get(),
                              choice == nullptr ? nullptr : choice->handle_.get(), &given, &error);
    detail::check(status, error);
  }

  /// What was reported of one profile, or of all where `profile` is empty.
  void forget_reports(Set& set, const std::string& profile = {}) const {
    char* error = nullptr;
    const sweetspot_status status = sweetspot_forget_reports(
        handle_.get(), set.handle_.get(), profile.empty() ? nullptr : profile.c_str(), &error);
    detail::check(status, error);
  }

 private:
  template <typename Getter>
  [[nodiscard]] Set set_by(Getter get, const std::string& path,
                           const sweetspot_set_options& options) const {
    sweetspot_set* read = nullptr;
    char* error = nullptr;
    const sweetspot_status status = get(handle_.get(), path.c_str(), &options, &read, &error);
    detail::check(status, error);
    return Set(read);
  }

  static std::vector<sweetspot_host_device> told(const std::vector<HostDevice>& devices) {
    std::vector<sweetspot_host_device> all;
    all.reserve(devices.size());
    for (const HostDevice& device : devices) {
      auto given = detail::sized<sweetspot_host_device>();
      given.id = device.id.c_str();
      if (!device.pci_bus_id.empty()) given.pci_bus_id = device.pci_bus_id.c_str();
      given.description = device.description.c_str();
      given.memory_total_bytes = device.memory_total_bytes.value_or(SWEETSPOT_UNKNOWN);
      given.memory_free_bytes = device.memory_free_bytes.value_or(SWEETSPOT_UNKNOWN);
      given.shares_host_memory = device.shares_host_memory ? 1 : 0;
      all.push_back(given);
    }
    return all;
  }

  detail::Owned<sweetspot_library, sweetspot_close> handle_;
};

}  // namespace face
}  // namespace sweetspot
