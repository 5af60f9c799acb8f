#include "cpu/simd_level.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace rt::cpu {

namespace {

SimdLevel detect() {
  SimdLevel level = SimdLevel::Baseline;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c")) {
    level = SimdLevel::Avx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
      level = SimdLevel::Avx512;
    }
  }
#endif
  if (const char* limit = std::getenv("RUSTORCH_SIMD")) {
    if (std::strcmp(limit, "baseline") == 0) level = SimdLevel::Baseline;
    if (std::strcmp(limit, "avx2") == 0) level = std::min(level, SimdLevel::Avx2);
  }
  return level;
}

}  // namespace

SimdLevel simd_level() {
  static const SimdLevel level = detect();
  return level;
}

}  // namespace rt::cpu
