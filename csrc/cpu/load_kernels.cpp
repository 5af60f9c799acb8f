#include "cpu/load_kernels.h"

#include "cpu/simd_level.h"

namespace rt::cpu {

struct LoopTable {
  void (*add)(const char* slot, int dtype, ElementwiseSlot::Loop loop);
};
struct CastTable {
  void (*add)(int to, int from, ElementwiseSlot::Loop loop);
};

namespace baseline {
void register_kernels(const LoopTable& loops, const CastTable& casts);
}
#if defined(__x86_64__)
namespace avx2 {
void register_kernels(const LoopTable& loops, const CastTable& casts);
}
namespace avx512 {
void register_kernels(const LoopTable& loops, const CastTable& casts);
}
#endif

namespace {

// Global: constant once load_kernels() has run.
ElementwiseSlot::Loop g_casts[kNumDTypes][kNumDTypes];

void add_loop(const char* slot, int dtype, ElementwiseSlot::Loop loop) {
  ElementwiseSlot* s = ElementwiseSlot::find(slot);
  RT_CHECK(s != nullptr, Value, slot, "a kernel is there for an elementwise slot that is not");
  s->set_cpu_loop(static_cast<DType>(dtype), loop);
}

void add_cast(int to, int from, ElementwiseSlot::Loop loop) { g_casts[to][from] = loop; }

}  // namespace

void load_kernels() {
  const LoopTable loops{&add_loop};
  const CastTable casts{&add_cast};
#if defined(__x86_64__)
  switch (simd_level()) {
    case SimdLevel::Avx512:
      return avx512::register_kernels(loops, casts);
    case SimdLevel::Avx2:
      return avx2::register_kernels(loops, casts);
    default:
      break;
  }
#endif
  baseline::register_kernels(loops, casts);
}

ElementwiseSlot::Loop cast_loop(DType to, DType from) {
  return g_casts[static_cast<int>(to)][static_cast<int>(from)];
}

}  // namespace rt::cpu
