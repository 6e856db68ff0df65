// Hosts that differ from llama.cpp in names: rows of a table say what a knob is called there, and
// what no row says is told in notes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.hpp"
#include "export/export.hpp"

namespace sweetspot::exporting {

/// A knob in a host's words. Nothing is written where the host cannot say this value.
struct HostKey {
  std::string_view knob;  ///< JSON name in core/knobs.hpp
  std::string_view key;   ///< the host's name; empty = the row of another knob says it too
  std::optional<Json> (*write)(const ExportJob& job);
};

/// What a host does where it cannot be told.
struct HostHabit {
  std::string_view knob;
  std::string_view value;  ///< as knob_text() shows it; empty = llama.cpp's default
  std::string_view hint;   ///< how else it is set there, as a clause; may be empty
};

struct Host {
  std::string_view name;
  std::span<const HostKey> keys;
  std::span<const HostHabit> habits;
  bool passes_flags = false;  ///< what has no key is handed to llama-server as flags
};

using HostValues = std::vector<std::pair<std::string_view, Json>>;

struct HostWords {
  HostValues values;               ///< in the order of the rows
  std::vector<std::string> notes;  ///< what differs from the host's habit and cannot be said
};

/// Error (usage) where the host would lay more on the devices than the profile does, and cannot be
/// told otherwise: layers, experts, feed-forward weights, overridden tensors.
Result<HostWords> words_of(const Host& host, const ExportJob& job);

/// A number above that of any model's layers stands for all of them where -1 means "choose".
int layers_or_many(const ExportJob& job);

/// The value where it is above 0, nothing where llama.cpp or the host chooses.
std::optional<Json> if_positive(int value);

/// Of hosts that take 0 layers, or a word of their own, as the CPU alone: nothing is left to say of
/// devices then. Other lists of devices are not said by it.
std::optional<Json> no_device_is_said(const ExportJob& job);

/// on and auto as true: llama.cpp's auto turns it on wherever the device can.
std::optional<Json> flash_attention_switch(const ExportJob& job);

}  // namespace sweetspot::exporting
