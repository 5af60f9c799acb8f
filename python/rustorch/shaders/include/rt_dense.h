// Results in a row: as 16 bytes at once where they are aligned (rt_strided is false then).
#pragma once

#include "rt_pack.h"

// out[i..i + N) = v, as far as there are n elements.
template <class R, int N>
inline void rt_write_pack(device R* out, uint i, uint n, rt_pack<R, N> v) {
  if (!rt_strided && i + N <= n) {
    *(device rt_pack<R, N>*)(out + i) = v;
    return;
  }
  for (int j = 0; j < N; j++) {
    if (i + j < n) out[i + j] = v.v[j];
  }
}
