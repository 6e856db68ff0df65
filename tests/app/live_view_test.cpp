#include "app/live_view.hpp"

#include "app/app_test.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class LiveViewTest : public AppTest {
 protected:
  // As the kernel lists a card; 0x8086 has no driver interface that is read here.
  void card(const std::string& power_state) const {
    const std::string folder = "/root/sys/bus/pci/devices/0000:01:00.0";
    file(folder + "/vendor", "0x8086\n");
    file(folder + "/class", "0x030000\n");
    file(folder + "/device", "0x1234\n");
    file(folder + "/power/runtime_status", power_state + "\n");
  }
};

TEST_F(LiveViewTest, GgmlsFiguresCountOnceAndThenOnlyTheDrivers) {
  LiveView view(workplace_, Connection{}, /*may_wake=*/false);
  EXPECT_FALSE(view.problem());
  EXPECT_THAT(view.notes(), IsEmpty());
  const LiveMachine first = view.now();
  ASSERT_THAT(first.devices, SizeIs(1)) << "the CPU is none";
  EXPECT_EQ(first.devices[0].id, "CUDA0");
  EXPECT_EQ(first.devices[0].memory_free_bytes, Reading<std::uint64_t>(8 * kGiB));
  EXPECT_EQ(first.host_available_bytes, Reading<std::uint64_t>(32 * kGiB));
  EXPECT_THAT(first.llama_cpp, HasSubstr("scripted"));
  view.refresh();
  const LiveMachine second = view.now();
  ASSERT_THAT(second.devices, SizeIs(1));
  EXPECT_FALSE(second.devices[0].memory_free_bytes) << "nobody asks ggml again";
  EXPECT_EQ(second.devices[0].memory_total_bytes, Reading<std::uint64_t>(8 * kGiB));
  EXPECT_THAT(view.statuses(), IsEmpty());
}

TEST_F(LiveViewTest, ACardThatSleepsIsNotWokenByAskingGgml) {
  card("suspended");
  LiveView view(workplace_, Connection{}, /*may_wake=*/false);
  EXPECT_FALSE(view.problem());
  EXPECT_THAT(view.notes(), ElementsAre(HasSubstr("would wake 0000:01:00.0")));
  const LiveMachine live = view.now();
  ASSERT_THAT(live.devices, SizeIs(1));
  EXPECT_TRUE(live.devices[0].asleep);
  EXPECT_EQ(live.llama_cpp, "");
}

TEST_F(LiveViewTest, ACardThatSleepsIsWokenWhereThatIsAllowed) {
  card("suspended");
  LiveView view(workplace_, Connection{}, /*may_wake=*/true);
  EXPECT_THAT(view.notes(), IsEmpty());
  EXPECT_EQ(view.now().devices.at(0).id, "CUDA0");
}

TEST_F(LiveViewTest, WithoutAWorkerThereIsAProblemAndOnlyTheKernelTells) {
  card("active");
  workplace_.worker_program = "/no/such/worker";
  LiveView view(workplace_, Connection{}, /*may_wake=*/false);
  ASSERT_TRUE(view.problem());
  EXPECT_THAT(view.problem()->message, HasSubstr("/no/such/worker"));
  EXPECT_THAT(view.now().devices, SizeIs(1));
}

}  // namespace
}  // namespace sweetspot::app
