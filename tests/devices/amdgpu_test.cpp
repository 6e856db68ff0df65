// The amdgpu files, and every way they fail: R17, R19, R20's signal, R23.
#include "devices/amdgpu.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "devices/sampler.hpp"
#include "ground/bytes.hpp"
#include "kernel/fake_tree.hpp"

namespace sweetspot::devices {
namespace {

using testing::HasSubstr;

constexpr const char* kAmdCard = "0000:03:00.0";

// structure_size, format_revision, content_revision, and some body.
std::string metrics(char revision) { return {'\x60', '\0', revision, '\3', 'x', 'x'}; }

void add_card(kernel::FakeTree& files, const std::string& id, char metrics_revision) {
  const std::string folder = kernel::FakeTree::pci(id);
  files.gpu(id, "0x1002", "active");
  files.file(folder + "/uevent", "DRIVER=amdgpu\nPCI_CLASS=30000\n");
  files.file(folder + "/mem_info_vram_total", std::to_string(16 * kGiB) + "\n");
  files.file(folder + "/mem_info_vram_used", std::to_string(3 * kGiB) + "\n");
  files.file(folder + "/mem_info_gtt_total", std::to_string(32 * kGiB) + "\n");
  files.file(folder + "/mem_info_gtt_used", std::to_string(kGiB / 2) + "\n");
  files.file(folder + "/gpu_busy_percent", "93\n");
  files.file(folder + "/gpu_metrics", metrics(metrics_revision));
  files.file(folder + "/product_name", "Radeon Test\n");
  files.file(folder + "/unique_id", "deadbeef\n");
  files.file(folder + "/pp_dpm_sclk", "0: 500Mhz\n1: 2482Mhz *\n");
  files.file(folder + "/pp_dpm_mclk", "0: 96Mhz\n1: 1249Mhz *\n2: 1300Mhz\n");
  const std::string hwmon = folder + "/hwmon/hwmon3";
  files.file(hwmon + "/temp1_input", "64000\n");
  files.file(hwmon + "/power1_average", "187000000\n");
  files.file(hwmon + "/power1_input", "201000000\n");
  files.file(hwmon + "/power1_cap", "272000000\n");
  files.file("/proc/sys/kernel/osrelease", "6.9.1\n");
}

DeviceStatus read_amd(const kernel::FileTree& tree, bool wake = false) {
  auto source = open_amdgpu({tree, wake});
  if (!source) {
    ADD_FAILURE() << source.error();
    return {};
  }
  auto statuses = (*source)->read();
  EXPECT_EQ(statuses.size(), 1U);
  return statuses.empty() ? DeviceStatus{} : statuses.front();
}

TEST(Amdgpu, ReadsEveryMetricOfADiscreteCard) {
  kernel::FakeTree files;
  add_card(files, kAmdCard, 1);
  const DeviceStatus status = read_amd(files.tree());
  EXPECT_EQ(status.pci_bus_id, Reading<std::string>(kAmdCard));
  EXPECT_EQ(status.name, Reading<std::string>("Radeon Test"));
  EXPECT_EQ(status.uuid, Reading<std::string>("deadbeef"));
  EXPECT_EQ(status.driver_version, Reading<std::string>("kernel 6.9.1"));
  EXPECT_EQ(status.memory_total_bytes, Reading<std::uint64_t>(16 * kGiB));
  EXPECT_EQ(status.memory_used_bytes, Reading<std::uint64_t>(3 * kGiB));
  EXPECT_EQ(status.memory_free_bytes, Reading<std::uint64_t>(13 * kGiB));
  EXPECT_EQ(status.spilled_bytes, Reading<std::uint64_t>(kGiB / 2));
  EXPECT_EQ(status.memory_source, "amdgpu sysfs");
  EXPECT_EQ(status.utilisation_percent, Reading<double>(93.0));
  EXPECT_EQ(status.temperature_c, Reading<double>(64.0));
  EXPECT_EQ(status.power_w, Reading<double>(187.0)) << "the average, not the moment";
  EXPECT_EQ(status.power_limit_w, Reading<double>(272.0));
  EXPECT_EQ(status.graphics_clock_mhz, Reading<double>(2482.0));
  EXPECT_EQ(status.memory_clock_mhz, Reading<double>(1249.0));
  EXPECT_EQ(status.graphics_clock_limit_mhz, Reading<double>(2482.0));
  EXPECT_EQ(status.power_source, "power-average");
  EXPECT_FALSE(status.throttle_reasons);
  EXPECT_FALSE(status.counters.energy_mj);
  EXPECT_FALSE(status.memory_reserved_bytes);
}

TEST(Amdgpu, ALimiterCountsOnlyWhereItCostsClock) {
  kernel::FakeTree files;
  add_card(files, kAmdCard, 1);
  std::string table = metrics(1) + std::string(114, '\0');
  table[112 + 4] = '\x10';  // hotspot temperature
  files.file(kernel::FakeTree::pci(kAmdCard) + "/gpu_metrics", table);
  EXPECT_THAT(*read_amd(files.tree()).throttle_reasons, testing::IsEmpty()) << "at full speed";
  files.file(kernel::FakeTree::pci(kAmdCard) + "/pp_dpm_sclk",
             "0: 500Mhz\n1: 1800Mhz *\n2: 2482Mhz\n");
  EXPECT_THAT(*read_amd(files.tree()).throttle_reasons, testing::ElementsAre("thermal slowdown"));
  files.file(kernel::FakeTree::pci(kAmdCard) + "/pp_dpm_sclk", "");
  EXPECT_THAT(read_amd(files.tree()).throttle_reasons.reason(), HasSubstr("clocks"));
}

TEST(Amdgpu, AnApuHasVramAndGtt) {
  for (const char revision : {'\2', '\3'}) {
    kernel::FakeTree files;
    add_card(files, kAmdCard, revision);
    const DeviceStatus status = read_amd(files.tree());
    EXPECT_EQ(status.memory_total_bytes, Reading<std::uint64_t>(48 * kGiB));
    EXPECT_EQ(status.memory_used_bytes, Reading<std::uint64_t>(3 * kGiB + kGiB / 2));
    EXPECT_EQ(status.memory_free_bytes, Reading<std::uint64_t>(44 * kGiB + kGiB / 2));
    EXPECT_FALSE(status.spilled_bytes) << "GTT is where an APU's memory is, not a spill";
    EXPECT_THAT(status.memory_source, HasSubstr("GTT"));
  }
}

TEST(Amdgpu, WithoutMetricsTheVendorOfTheMemoryTellsDiscreteFromApu) {
  kernel::FakeTree files;
  add_card(files, kAmdCard, 1);
  std::filesystem::remove(files.root() + kernel::FakeTree::pci(kAmdCard) + "/gpu_metrics");
  EXPECT_EQ(read_amd(files.tree()).memory_total_bytes, Reading<std::uint64_t>(48 * kGiB));
  files.file(kernel::FakeTree::pci(kAmdCard) + "/mem_info_vram_vendor", "samsung\n");
  EXPECT_EQ(read_amd(files.tree()).memory_total_bytes, Reading<std::uint64_t>(16 * kGiB));
}

TEST(Amdgpu, WithoutAnAverageThePowerOfTheMomentServes) {
  kernel::FakeTree files;
  add_card(files, kAmdCard, 1);
  std::filesystem::remove(files.root() + kernel::FakeTree::pci(kAmdCard) +
                          "/hwmon/hwmon3/power1_average");
  EXPECT_EQ(read_amd(files.tree()).power_w, Reading<double>(201.0));
}

// ---- R17
// --------------------------------------------------------------------------------------------

struct Broken {
  const char* name;
  int error;  // 0 = the content instead
  const char* content;
};

std::ostream& operator<<(std::ostream& out, const Broken& broken) { return out << broken.name; }

// The ways one file can fail, tried on every file that carries a metric.
class AmdgpuBroken : public testing::TestWithParam<Broken> {};

struct Metric {
  const char* file;
  bool (*present)(const DeviceStatus&);
};

const std::vector<Metric>& metric_files() {
  static const std::vector<Metric> kMetrics{
      {"mem_info_vram_total",
       [](const DeviceStatus& s) { return s.memory_total_bytes.has_value(); }},
      {"mem_info_vram_used", [](const DeviceStatus& s) { return s.memory_used_bytes.has_value(); }},
      {"mem_info_gtt_used", [](const DeviceStatus& s) { return s.spilled_bytes.has_value(); }},
      {"gpu_busy_percent", [](const DeviceStatus& s) { return s.utilisation_percent.has_value(); }},
      {"temp1_input", [](const DeviceStatus& s) { return s.temperature_c.has_value(); }},
      {"power1_cap", [](const DeviceStatus& s) { return s.power_limit_w.has_value(); }},
      {"pp_dpm_sclk", [](const DeviceStatus& s) { return s.graphics_clock_mhz.has_value(); }},
      {"pp_dpm_mclk", [](const DeviceStatus& s) { return s.memory_clock_mhz.has_value(); }},
  };
  return kMetrics;
}

TEST_P(AmdgpuBroken, MetricIsAbsentAndTheOthersAreNot) {
  kernel::FakeTree files;
  add_card(files, kAmdCard, 1);
  for (const Metric& metric : metric_files()) {
    kernel::FileTree tree = files.tree();
    tree.read = [&](const std::string& path) -> tl::expected<std::string, int> {
      if (!path.ends_with(std::string("/") + metric.file)) return kernel::read_small_file(path);
      if (GetParam().error != 0) return tl::unexpected<int>(GetParam().error);
      return std::string(GetParam().content);
    };
    const DeviceStatus status = read_amd(tree);
    EXPECT_FALSE(metric.present(status)) << metric.file;
    int others = 0;
    for (const Metric& other : metric_files()) others += other.present(status) ? 1 : 0;
    EXPECT_EQ(others, 7) << metric.file;
  }
}

INSTANTIATE_TEST_SUITE_P(R17, AmdgpuBroken,
                         testing::Values(Broken{"NotSupported", ENOTSUP, ""},
                                         Broken{"Busy", EBUSY, ""}, Broken{"Invalid", EINVAL, ""},
                                         Broken{"Missing", ENOENT, ""}, Broken{"Empty", 0, ""},
                                         Broken{"Words", 0, "n/a\n"}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Amdgpu, SentinelsOfTheFirmwareAreAbsent) {
  kernel::FakeTree files;
  add_card(files, kAmdCard, 1);
  const std::string folder = kernel::FakeTree::pci(kAmdCard);
  files.file(folder + "/gpu_busy_percent", "65535\n");
  files.file(folder + "/hwmon/hwmon3/temp1_input", "65535000\n");
  files.file(folder + "/hwmon/hwmon3/power1_average", "4294967295000000\n");
  files.file(folder + "/hwmon/hwmon3/power1_input", "4294967295000000\n");
  files.file(folder + "/pp_dpm_sclk", "0: 65535Mhz *\n");
  const DeviceStatus status = read_amd(files.tree());
  EXPECT_FALSE(status.utilisation_percent);
  EXPECT_FALSE(status.temperature_c);
  EXPECT_FALSE(status.power_w);
  EXPECT_FALSE(status.graphics_clock_mhz);
  EXPECT_EQ(status.memory_clock_mhz, Reading<double>(1249.0));
}

TEST(Amdgpu, SixHundredPercentIsAbsent) {
  kernel::FakeTree files;
  add_card(files, kAmdCard, 1);
  files.file(kernel::FakeTree::pci(kAmdCard) + "/gpu_busy_percent", "655\n");
  EXPECT_THAT(read_amd(files.tree()).utilisation_percent.reason(), HasSubstr("655"));
}

TEST(Amdgpu, MemoryThatCannotBeTrueIsAbsent) {
  kernel::FakeTree files;
  add_card(files, kAmdCard, 1);
  const std::string folder = kernel::FakeTree::pci(kAmdCard);
  files.file(folder + "/mem_info_vram_used", std::to_string(17 * kGiB));
  DeviceStatus status = read_amd(files.tree());
  EXPECT_TRUE(status.memory_total_bytes.has_value());
  EXPECT_FALSE(status.memory_used_bytes);
  EXPECT_FALSE(status.memory_free_bytes) << "and must not wrap";
  files.file(folder + "/mem_info_vram_total", "0\n");
  status = read_amd(files.tree());
  EXPECT_FALSE(status.memory_total_bytes);
  EXPECT_FALSE(status.memory_free_bytes);
  EXPECT_EQ(status.memory_source, "");
}

TEST(Amdgpu, ALevelListThatMarksNothingIsAbsent) {
  for (const char* const list : {"0: 500Mhz\n", "*", ": *", "0: *", "Mhz *\n", "0: x *\n"}) {
    kernel::FakeTree files;
    add_card(files, kAmdCard, 1);
    files.file(kernel::FakeTree::pci(kAmdCard) + "/pp_dpm_sclk", list);
    EXPECT_FALSE(read_amd(files.tree()).graphics_clock_mhz) << list;
  }
}

// ---- R20, R23
// ---------------------------------------------------------------------------------------

TEST(Amdgpu, GrowingGttShowsAsSpill) {
  kernel::FakeTree files;
  add_card(files, kAmdCard, 1);
  auto source = open_amdgpu({files.tree(), false});
  ASSERT_TRUE(source);
  std::vector<std::uint64_t> spilled;
  for (const std::uint64_t used : {kGiB, 3 * kGiB, 7 * kGiB}) {
    files.file(kernel::FakeTree::pci(kAmdCard) + "/mem_info_gtt_used", std::to_string(used));
    spilled.push_back(*(*source)->read()[0].spilled_bytes);
  }
  EXPECT_THAT(spilled, testing::ElementsAre(kGiB, 3 * kGiB, 7 * kGiB));
}

TEST(Amdgpu, ASleepingCardIsNotRead) {
  kernel::FakeTree files;
  add_card(files, kAmdCard, 1);
  files.gpu(kAmdCard, "0x1002", "suspended");
  std::vector<std::string> read;
  kernel::FileTree tree = files.tree();
  tree.read = [&](const std::string& path) {
    read.push_back(path.substr(path.rfind('/') + 1));
    return kernel::read_small_file(path);
  };
  const DeviceStatus status = read_amd(tree);
  EXPECT_TRUE(is_asleep(status));
  for (const std::string& name : read) {
    EXPECT_THAT(name, testing::AnyOf("vendor", "class", "device", "uevent", "runtime_status",
                                     "version", "osrelease"));
  }
  EXPECT_TRUE(read_amd(files.tree(), true).temperature_c.has_value()) << "unless asked to wake";
}

TEST(Amdgpu, OtherCardsAndOtherDriversAreNotTaken) {
  kernel::FakeTree files;
  files.gpu("0000:01:00.0", "0x10de", "active");
  files.gpu("0000:02:00.0", "0x1002", "active");
  files.file(kernel::FakeTree::pci("0000:02:00.0") + "/uevent", "DRIVER=vfio-pci\n");
  EXPECT_FALSE(open_amdgpu({files.tree(), false}));
}

TEST(Amdgpu, GttThatGrowsWhileAWindowIsOpenIsItsMaximum) {
  kernel::FakeTree files;
  add_card(files, kAmdCard, 1);
  auto source = open_amdgpu({files.tree(), false});
  ASSERT_TRUE(source);
  std::vector<Snapshot> samples;
  for (const std::uint64_t used : {kGiB, 5 * kGiB, 4 * kGiB}) {
    files.file(kernel::FakeTree::pci(kAmdCard) + "/mem_info_gtt_used", std::to_string(used) + "\n");
    samples.push_back({100.0 * static_cast<double>(samples.size()), false, (*source)->read(), {}});
  }
  EXPECT_EQ(aggregate(samples).at(kAmdCard).spilled_max_bytes, Reading<std::uint64_t>(5 * kGiB));
}

}  // namespace
}  // namespace sweetspot::devices
