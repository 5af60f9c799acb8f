// Measures what this machine can do at best, so that a benchmark can say how far an op is from it.
#pragma once

#include <cstdint>

namespace rt::bench {

struct Bandwidth {
  double read = 0;   // sum of b[i]: bytes read per second
  double copy = 0;   // a[i] = b[i]: bytes read and bytes written, per second
  double triad = 0;  // a[i] = b[i] + s * c[i], likewise (McCalpin's STREAM)
};

// The best of several runs over arrays of `nbytes` in total (all arrays of a loop together), split
// over `threads` new threads. Both with ordinary and, where the CPU has them, with streaming
// stores, which do not read the line that they overwrite; the faster counts. Throws Error(Value)
// unless nbytes >= 4096 and threads >= 1, and Error(OutOfMemory).
Bandwidth measure_bandwidth(int64_t nbytes, int threads);

enum class PeakType : uint8_t { Float32, Float64 };

// Floating-point operations per second, over `threads` new threads, of independent fused
// multiply-adds in the widest vectors that the CPU has (one counts as two operations).
double measure_peak_flops(PeakType type, int threads);

// "AVX-512", "AVX2", "NEON" or "portable": the vectors that the two probes use.
const char* probe_instruction_set();

}  // namespace rt::bench
