// A folder that stands for / while a test runs.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "kernel/file_tree.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::kernel {

class FakeTree {
 public:
  FakeTree& file(const std::string& path, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path(root_.file(path)).parent_path());
    std::ofstream(root_.file(path), std::ios::binary) << content;
    return *this;
  }

  /// A display controller as the kernel lists it.
  FakeTree& gpu(const std::string& id, const std::string& vendor, const std::string& power_state) {
    const std::string folder = pci(id);
    file(folder + "/vendor", vendor + "\n");
    file(folder + "/class", "0x030000\n");
    file(folder + "/device", "0x1234\n");
    return file(folder + "/power/runtime_status", power_state + "\n");
  }

  static std::string pci(const std::string& id) { return "/sys/bus/pci/devices/" + id; }

  [[nodiscard]] FileTree tree() const {
    FileTree tree;
    tree.root = root_.path();
    return tree;
  }
  [[nodiscard]] const std::string& root() const { return root_.path(); }

 private:
  tests::TemporaryFolder root_;
};

}  // namespace sweetspot::kernel
