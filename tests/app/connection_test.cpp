#include "app/connection.hpp"

#include <cmath>

#include "app/app_test.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ConnectionTest : public AppTest {};

TEST(HostReserve, IsATwentiethWithinBounds) {
  EXPECT_EQ(default_host_reserve_bytes(20 * kGiB), kGiB);
  EXPECT_EQ(default_host_reserve_bytes(kGiB), 256 * kMiB);
  EXPECT_EQ(default_host_reserve_bytes(1000 * kGiB), 2 * kGiB);
}

TEST_F(ConnectionTest, WhatNobodySaysComesFromTheMachineAndTheEngine) {
  const auto start = start_options(workplace_);
  ASSERT_TRUE(start) << start.error().message;
  EXPECT_EQ(start->program.path, SCRIPTED_WORKER);
  EXPECT_EQ(start->cancel, &cancel_);
  EXPECT_EQ(start->host_reserve_bytes, 2 * kGiB) << "64 GiB are a large machine";
  EXPECT_EQ(start->available_host_bytes(), 32 * kGiB);
  EXPECT_DOUBLE_EQ(start->deadlines.load_base_seconds, engine::Deadlines{}.load_base_seconds);
  EXPECT_DOUBLE_EQ(start->deadlines.step_seconds, engine::Deadlines{}.step_seconds);
}

TEST_F(ConnectionTest, WhatIsSaidIsTheWholeDeadline) {
  Connection connection;
  connection.rpc = {"127.0.0.1:50052"};
  connection.load_timeout_seconds = 7;
  connection.step_timeout_seconds = 3;
  connection.host_reserve_bytes = 0;
  const auto start = start_options(workplace_, connection);
  ASSERT_TRUE(start);
  EXPECT_THAT(start->rpc, ElementsAre("127.0.0.1:50052"));
  EXPECT_DOUBLE_EQ(start->deadlines.load_base_seconds, 7);
  EXPECT_TRUE(std::isinf(start->deadlines.load_bytes_per_second)) << "the size adds nothing";
  EXPECT_DOUBLE_EQ(start->deadlines.step_seconds, 3);
  EXPECT_EQ(start->host_reserve_bytes, 0U);
}

TEST_F(ConnectionTest, AWorkerHasSaidHello) {
  const auto worker = start_worker(workplace_);
  ASSERT_TRUE(worker) << worker.error().message;
  EXPECT_EQ(worker->hello().devices.front().id, "CUDA0");
}

TEST_F(ConnectionTest, WithoutAWorkerThereIsAnErrorThatNamesIt) {
  workplace_.worker_program = "/no/such/worker";
  EXPECT_THAT(start_worker(workplace_).error().message, HasSubstr("/no/such/worker"));
}

TEST_F(ConnectionTest, AWorkerThatDiesIsAnError) {
  script(R"({"at": "hello", "do": "exit", "code": 3})");
  const auto worker = start_worker(workplace_);
  ASSERT_FALSE(worker);
  EXPECT_EQ(worker.error().kind, ErrorKind::internal);
}

}  // namespace
}  // namespace sweetspot::app
