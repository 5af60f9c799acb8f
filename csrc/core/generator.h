// A seeded stream of random numbers: Philox4x32-10, counter-based, so that every engine and any
// number of threads draw the same values for the same seed.
#pragma once

#include <cstdint>

#include "core/device.h"
#include "core/intrusive.h"

namespace rt {

class Generator : public RefCounted {
 public:
  static constexpr uint64_t kDefaultSeed = 67280421310721;

  explicit Generator(Device device = {}) : device_(device) {}

  struct State {
    uint64_t seed;
    uint64_t offset;  // Philox counters used so far
  };

  Device device() const { return device_; }
  State state() const;
  void set_state(State s);
  void manual_seed(uint64_t seed) { set_state({seed, 0}); }
  uint64_t seed();  // draws a seed from the system's entropy, sets it and returns it
  uint64_t initial_seed() const { return state().seed; }

  // Reserves `counters` Philox blocks (of four 32-bit numbers) and returns where they start.
  State reserve(uint64_t counters);

 private:
  Device device_;
  State state_{kDefaultSeed, 0};
};

// The generator used where none is given; one a device, as in PyTorch's API.
Ref<Generator> default_generator(Device device);
// Seeds every device's default generator, also those that do not exist yet.
void seed_default_generators(uint64_t seed);

}  // namespace rt
