// Which of the separately compiled variants of a vector kernel this processor can run.
#pragma once

#include <cstdint>

namespace rt::cpu {

// Baseline is SSE2 on x86-64 and NEON on arm64. Avx2 implies FMA and F16C; Avx512 implies the F,
// BW, CD, DQ and VL sets.
enum class SimdLevel : uint8_t { Baseline, Avx2, Avx512 };

// Decided once; RUSTORCH_SIMD=baseline|avx2|avx512 lowers it (to test the other variants).
SimdLevel simd_level();

}  // namespace rt::cpu
