#include "core/generator.h"

#include <map>
#include <random>

namespace rt {

Generator::State Generator::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void Generator::set_state(State s) {
  std::lock_guard lock(mutex_);
  state_ = s;
}

uint64_t Generator::seed() {
  std::random_device entropy;
  // 53 bits, so that the value survives a trip through a float.
  const uint64_t s = ((uint64_t{entropy()} << 32) | entropy()) & ((uint64_t{1} << 53) - 1);
  manual_seed(s);
  return s;
}

Generator::State Generator::reserve(uint64_t counters) {
  std::lock_guard lock(mutex_);
  const State start = state_;
  state_.offset += counters;
  return start;
}

namespace {

// Global because `manual_seed` and `randn` without a generator share one stream in the API.
struct Defaults {
  std::mutex mutex;
  std::map<std::pair<int, int>, Ref<Generator>> generators;
  uint64_t seed = Generator::kDefaultSeed;
};
Defaults& defaults() {
  static auto& d = *new Defaults;
  return d;
}

}  // namespace

Ref<Generator> default_generator(Device device) {
  Defaults& d = defaults();
  std::lock_guard lock(d.mutex);
  auto& g = d.generators[{static_cast<int>(device.type), device.index}];
  if (!g) {
    g = make_ref<Generator>(device);
    g->manual_seed(d.seed);
  }
  return g;
}

void seed_default_generators(uint64_t seed) {
  Defaults& d = defaults();
  std::lock_guard lock(d.mutex);
  d.seed = seed;
  for (auto& [device, g] : d.generators) g->manual_seed(seed);
}

}  // namespace rt
