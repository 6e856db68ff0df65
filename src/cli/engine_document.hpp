// What `sweetspot engine show --json` and `list --json` print: docs/engines.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/device.hpp"
#include "core/fields.hpp"

namespace sweetspot::cli {

struct EngineDocument {
  std::string engine;  ///< as --engine takes it
  std::string found;   ///< where it was found; empty = it was named
  bool used = false;   ///< by commands that are told nothing else
  std::string family;  ///< "llama.cpp", "ik_llama.cpp"; "linked" of our own worker
  std::string version;
  std::string hash;                  ///< of its program and libraries; empty of our own worker
  std::string problem;               ///< why it cannot be used; empty = it can
  std::vector<std::string> lacks;    ///< knobs that it cannot be told, by their JSON names
  std::vector<Device> devices = {};  ///< of show only
};

void fields(auto& f, Is<EngineDocument> auto& document) {
  f("engine", document.engine);
  f("found", document.found);
  f("used", document.used);
  f("family", document.family);
  f("version", document.version);
  f("hash", document.hash);
  f("problem", document.problem);
  f("lacks", document.lacks);
  f("devices", document.devices);
}

struct EngineList {
  std::vector<EngineDocument> engines;
};

void fields(auto& f, Is<EngineList> auto& list) {
  f.constant("schema", "sweetspot.engines/1");
  f("engines", list.engines);
}

}  // namespace sweetspot::cli
