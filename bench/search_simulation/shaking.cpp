#include "shaking.hpp"

namespace sweetspot::simulation {

fake::Disturbance shaking(fake::Dice& dice) {
  fake::Disturbance d;
  d.sample = dice.between_log(0.003, 0.03);
  d.stall_probability = dice.chance(0.5) ? dice.between(0.001, 0.02) : 0;
  d.load_offset = dice.between(0, 0.01);
  d.drift = dice.between(0, 0.1);
  d.drift_period_seconds = dice.between_log(30, 300);
  if (dice.chance(0.5)) {
    d.neighbour_after_seconds = dice.between(20, 300);
    d.neighbour_seconds = dice.between(10, 90);
    d.neighbour_share = dice.between(0.1, 0.5);
  }
  return d;
}

}  // namespace sweetspot::simulation
