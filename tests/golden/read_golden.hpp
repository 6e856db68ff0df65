// The text of a file in tests/golden.
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

}  // namespace sweetspot::tests
