// The text of a file in tests/golden, and what is printed now held against it.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace sweetspot::tests {

inline std::string read_golden(const std::string& name) {
  std::ifstream file(std::string(SWEETSPOT_GOLDEN_FOLDER) + "/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Where they differ, what is printed now is written to a file that can be copied over the golden
/// one once it has been read.
inline void expect_golden(const std::string& name, const std::string& now) {
  const std::string golden = read_golden(name);
  if (golden == now) return;
  const std::string path = testing::TempDir() + name;
  std::ofstream(path, std::ios::binary) << now;
  ADD_FAILURE() << name << " is not what is printed now, which lies in " << path << ":\n" << now;
}

}  // namespace sweetspot::tests
