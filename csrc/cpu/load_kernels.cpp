#include "cpu/load_kernels.h"

#include "cpu/simd_level.h"
#include "ops/reduction.h"
#include "ops/vector_kernel.h"

namespace rt::cpu {

struct LoopTable {
  void (*add)(const char* slot, int dtype, ElementwiseSlot::Loop loop);
};
struct CastTable {
  void (*add)(int to, int from, ElementwiseSlot::Loop loop);
};

namespace baseline {
void register_kernels(const LoopTable& loops, const CastTable& casts,
                      const FunctionTable& functions);
}
#if defined(__x86_64__)
namespace avx2 {
void register_kernels(const LoopTable& loops, const CastTable& casts,
                      const FunctionTable& functions);
}
namespace avx512 {
void register_kernels(const LoopTable& loops, const CastTable& casts,
                      const FunctionTable& functions);
}
#endif

namespace {

// Global: constant once load_kernels() has run.
ElementwiseSlot::Loop g_casts[kNumDTypes][kNumDTypes];

void add_loop(const char* slot, int dtype, ElementwiseSlot::Loop loop) {
  ElementwiseSlot* s = ElementwiseSlot::find(slot);
  RT_CHECK(s != nullptr, Value, slot, "a kernel is there for an elementwise slot that is not");
  s->set_kernel(DeviceType::CPU, static_cast<DType>(dtype), reinterpret_cast<const void*>(loop));
}

void add_cast(int to, int from, ElementwiseSlot::Loop loop) { g_casts[to][from] = loop; }

void add_reduce(const char* slot, int dtype, const ReduceLoops& loops) {
  ReduceSlot* s = ReduceSlot::find(slot);
  RT_CHECK(s != nullptr, Value, slot, "a kernel is there for a reduction that is not");
  s->set_cpu_loops(static_cast<DType>(dtype), loops);
}

void add_function(const char* name, int dtype, void (*function)()) {
  VectorKernelBase* k = VectorKernelBase::find(name);
  RT_CHECK(k != nullptr, Value, name, "a vector kernel is there that nothing uses");
  k->set(static_cast<DType>(dtype), function);
}

}  // namespace

void load_kernels() {
  const LoopTable loops{&add_loop};
  const CastTable casts{&add_cast};
  const FunctionTable functions{&add_reduce, &add_function};
#if defined(__x86_64__)
  switch (simd_level()) {
    case SimdLevel::Avx512:
      return avx512::register_kernels(loops, casts, functions);
    case SimdLevel::Avx2:
      return avx2::register_kernels(loops, casts, functions);
    default:
      break;
  }
#endif
  baseline::register_kernels(loops, casts, functions);
}

ElementwiseSlot::Loop cast_loop(DType to, DType from) {
  return g_casts[static_cast<int>(to)][static_cast<int>(from)];
}

}  // namespace rt::cpu
