// Whatever arrives on the line, decoding returns. Seeds are fixed: a failure can be repeated.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "protocol/messages.hpp"
#include "protocol/samples.hpp"

namespace sweetspot::protocol {
namespace {

std::vector<std::string> seed_lines() {
  std::vector<std::string> lines;
  for (const RequestMessage& message : sample_requests()) lines.push_back(encode(message));
  for (const EventMessage& message : sample_events()) lines.push_back(encode(message));
  return lines;
}

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }
  char byte() { return static_cast<char>(below(256)); }

  std::string mutate(std::string line) {
    for (std::size_t i = 0, changes = 1 + below(4); i < changes && !line.empty(); ++i) change(line);
    return line;
  }

 private:
  void change(std::string& line) {
    static const std::vector<std::string> kBits = {
        "null",    "-1",   "1e999", "18446744073709551616", "[]", "{}", "\"\"", "true",
        "\\u0000", "[[[[", "\\"};
    const std::size_t at = below(line.size());
    switch (below(5)) {
      case 0:
        line[at] = byte();
        break;
      case 1:
        line.erase(at, 1 + below(8));
        break;
      case 2:
        line.insert(at, kBits[below(kBits.size())]);
        break;
      case 3:
        line.resize(at);
        break;
      default:
        replace_value(line, kBits[below(kBits.size())]);
        break;
    }
  }

  // The value after some colon becomes another one: mostly still JSON, of the wrong type.
  void replace_value(std::string& line, const std::string& value) {
    const std::size_t colon = line.find(':', below(line.size()));
    if (colon == std::string::npos) return;
    const std::size_t end = line.find_first_of(",}]", colon);
    if (end != std::string::npos) line.replace(colon + 1, end - colon - 1, value);
  }

  std::mt19937 random_;
};

TEST(Fuzz, MutatedMessagesNeverHarm) {
  const std::vector<std::string> seeds = seed_lines();
  Mutator mutator(20261123);
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 6000; ++i) {
    const std::string line = mutator.mutate(seeds[mutator.below(seeds.size())]);
    const auto event = decode_event(line);
    const auto request = decode_request(line);
    EXPECT_TRUE(event || !event.error().message.empty());
    if (event || request) ++accepted;
    if (!event && !request) ++refused;
    // What was understood can be said again.
    EXPECT_TRUE(!event || decode_event(encode(*event)));
    EXPECT_TRUE(!request || decode_request(encode(*request)));
  }
  EXPECT_GT(accepted, 100U) << "the mutations reach the members";
  EXPECT_GT(refused, 100U);
}

TEST(Fuzz, RandomBytesNeverHarm) {
  Mutator mutator(7);
  for (int i = 0; i < 5000; ++i) {
    std::string line(mutator.below(200), '\0');
    for (char& c : line) c = mutator.byte();
    EXPECT_FALSE(decode_event(line));
    EXPECT_FALSE(decode_request(line));
  }
}

}  // namespace
}  // namespace sweetspot::protocol
