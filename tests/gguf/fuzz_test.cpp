// Whatever a file holds, reading it returns. Seeds are fixed: a failure can be repeated. Under the
// sanitizers (scripts/test-sanitized.sh) a read outside a buffer ends the test.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "gguf/model_info.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::gguf {
namespace {

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> headers() {
  std::vector<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator(HEADER_FIXTURES)) {
    all.push_back(bytes_of(entry.path()));
  }
  return all;
}

class GgufFuzz : public testing::Test {
 protected:
  /// True where it was read.
  bool reads(const std::string& bytes) {
    const std::string path = folder_.file("m.gguf");
    std::ofstream(path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    const auto model = inspect_model(path, Extents::may_be_missing);
    EXPECT_TRUE(model || !model.error().message.empty());
    return model.has_value();
  }

  tests::TemporaryFolder folder_;
  std::mt19937 random_{19};

  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }
};

TEST_F(GgufFuzz, WholeHeadersAreRead) {
  ASSERT_FALSE(headers().empty());
  for (const std::string& header : headers()) EXPECT_TRUE(reads(header));
}

TEST_F(GgufFuzz, ATruncatedHeaderIsRefused) {
  for (const std::string& header : headers()) {
    for (int i = 0; i < 60; ++i) {
      // The end of such a file is the header's, but for the padding of its alignment.
      EXPECT_FALSE(reads(header.substr(0, below(header.size() - 32))));
    }
  }
}

TEST_F(GgufFuzz, AMutatedHeaderIsReadOrRefused) {
  std::size_t read = 0;
  std::size_t tried = 0;
  const std::vector<std::uint64_t> numbers = {0,          1,     0xff,       0x7fffffff,
                                              0xffffffff, ~0ULL, 1ULL << 62U};
  for (const std::string& header : headers()) {
    for (int i = 0; i < 150; ++i) {
      std::string bytes = header;
      for (std::size_t change = 0, changes = 1 + below(6); change < changes; ++change) {
        const std::size_t at = 4 + below(bytes.size() - 12);
        if (below(2) == 0) {
          bytes[at] = static_cast<char>(below(256));
        } else {
          const std::uint64_t number = numbers[below(numbers.size())];
          bytes.replace(at, 8, reinterpret_cast<const char*>(&number), 8);
        }
      }
      read += reads(bytes) ? 1U : 0U;
      ++tried;
    }
  }
  EXPECT_LT(read, tried);
}

}  // namespace
}  // namespace sweetspot::gguf
