// A metric that may be missing.
//
// A number nobody could read is not zero. Everything that is measured on a machine we do not
// control (a driver, a file in sysfs, llama.cpp's own figures) is a Reading: a value, or the reason
// there is none. The reason is a short clause in plain words ("not supported by the driver"); it
// travels to the JSON file and never becomes a number on the way.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace sweetspot {

/// Why a value is missing.
struct Absence {
  std::string reason;

  bool operator==(const Absence&) const = default;
};

/// A value or the reason of its absence. Immutable value type; copies are independent.
template <typename T>
class Reading {
 public:
  /// Nobody has tried to read it yet.
  Reading() : state_(Absence{"not read"}) {}
  Reading(T value) : state_(std::move(value)) {}            // NOLINT(google-explicit-constructor)
  Reading(Absence absence) : state_(std::move(absence)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return has_value(); }

  /// Requires has_value().
  [[nodiscard]] const T& value() const { return std::get<T>(state_); }
  const T& operator*() const { return value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] T value_or(T fallback) const { return has_value() ? value() : std::move(fallback); }

  /// Requires !has_value().
  [[nodiscard]] const std::string& reason() const { return std::get<Absence>(state_).reason; }

  bool operator==(const Reading&) const = default;

 private:
  std::variant<T, Absence> state_;
};

}  // namespace sweetspot
