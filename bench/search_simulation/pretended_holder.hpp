// Who holds a model on a pretended machine, in place of a worker process.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/holder.hpp"
#include "machine/machine.hpp"
#include "machine/session.hpp"
#include "pretended_driver.hpp"

namespace sweetspot::simulation {

/// Not thread safe. The references must outlive it.
class PretendedHolder final : public engine::Holder {
 public:
  PretendedHolder(const fake::Machine& machine, fake::Session session, PretendedDriver& driver)
      : machine_(machine),
        session_(std::move(session)),
        driver_(driver),
        devices_(driver.devices()) {}
  PretendedHolder(const PretendedHolder&) = delete;
  PretendedHolder& operator=(const PretendedHolder&) = delete;
  ~PretendedHolder() override { end(); }

  [[nodiscard]] const std::vector<Device>& devices() const override { return devices_; }
  [[nodiscard]] const protocol::Abilities& abilities() const override { return abilities_; }
  Outcome<protocol::LoadResult> load(const protocol::LoadRequest& request,
                                     std::uint64_t model_bytes,
                                     const engine::ProgressFn& on_progress) override;
  Outcome<protocol::ContextResult> context(const ContextSettings& settings) override;
  Outcome<protocol::MeasureResult> measure(const protocol::MeasureRequest& request, Phase phase,
                                           const engine::OnSample& on_sample) override;
  Outcome<protocol::CheckResult> check() override;
  /// A pretended machine says nothing of output.
  Outcome<protocol::DivergenceResult> divergence(
      const protocol::DivergenceRequest& request) override;
  Outcome<protocol::FullDepthResult> full_depth(const engine::ProgressFn& on_progress) override;
  bool end() override;
  [[nodiscard]] bool alive() const override { return alive_; }
  [[nodiscard]] pid_t pid() const override { return 1; }

 private:
  [[nodiscard]] std::optional<Failure> take(std::uint64_t device_bytes, Phase phase);
  template <typename T>
  Outcome<T> or_die(Outcome<T> answer);

  const fake::Machine& machine_;
  fake::Session session_;
  PretendedDriver& driver_;
  protocol::Abilities abilities_;
  std::vector<Device> devices_;
  bool alive_ = true;
};

}  // namespace sweetspot::simulation
