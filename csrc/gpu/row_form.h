// How kernels that work row by row share rows among threads: chosen from numbers alone.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace rt::gpu {

inline constexpr uint32_t kSimdWidth = 32;
inline constexpr uint32_t kRowGroup = 128;        // threads, where a simdgroup has a row of its own
inline constexpr uint32_t kMaxRowThreads = 1024;  // of one row
inline constexpr uint32_t kColumnGroup = 256;     // threads, where columns are walked

struct RowForm {
  uint32_t held = 0;         // values that a thread keeps; 0: rows too long to be kept
  bool whole_group = false;  // a threadgroup for each row
  uint32_t threads = kRowGroup;
};

// `most`: values that a thread may keep, 16 or 32.
inline RowForm row_form(int64_t n, uint32_t most) {
  for (uint32_t held = 8; held <= most; held *= 2) {
    if (n <= int64_t{kSimdWidth} * held) return {held, false, kRowGroup};
  }
  for (uint32_t held = 16; held <= most; held *= 2) {
    // Up to 512 threads with half of what may be kept: more groups fit a core.
    const int64_t threads = (n + held - 1) / held;
    if (threads > (held == most ? kMaxRowThreads : kMaxRowThreads / 2)) continue;
    return {held, true, static_cast<uint32_t>((threads + 31) / 32 * 32)};
  }
  return {0, true, kMaxRowThreads};
}

// Threads of a group that share a column of n values.
inline uint32_t column_threads(int64_t columns, int64_t inner, int64_t n, uint32_t cores) {
  const int64_t neighbours = std::min<int64_t>(inner, 32);
  const uint32_t across = std::bit_ceil(static_cast<uint32_t>(neighbours));
  if (n < 16 || columns >= int64_t{cores} * 8 * kColumnGroup) return 1;
  return kColumnGroup / across;
}

}  // namespace rt::gpu
