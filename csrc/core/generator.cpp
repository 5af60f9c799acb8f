#include "core/generator.h"

#include <map>
#include <mutex>
#include <random>

#include "core/fork.h"

namespace rt {

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
const ForkGuard defaults_guard(ForkOrder::Generators,
                               []() -> std::mutex& { return defaults().mutex; });

// Guards the states of all generators: one for all, so that a fork can hold it. Held for a few
// instructions at a time.
std::mutex& states_mutex() {
  static std::mutex m;
  return m;
}
const ForkGuard states_guard(ForkOrder::GeneratorStates, states_mutex);

}  // namespace

Generator::State Generator::state() const {
  std::lock_guard lock(states_mutex());
  return state_;
}

void Generator::set_state(State s) {
  std::lock_guard lock(states_mutex());
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
  std::lock_guard lock(states_mutex());
  const State start = state_;
  state_.offset += counters;
  return start;
}

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
