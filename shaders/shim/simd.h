// Functions over a simdgroup of 32 lanes, and 8x8 matrices that a simdgroup holds together.
#pragma once

namespace metal {

#if RT_CUDA

#define RT_SITE_PARAMETER
#define RT_SITE_ARGUMENT
template <class T>
RT_FN T simd_shuffle(T v, msl::u32 lane) {
  if constexpr (sizeof(T) == 4) {
    return __shfl_sync(0xffffffffu, v, lane);
  } else {
    const msl::u32 bits = as_type<msl::u16>(v);
    return as_type<T>(msl::u16(__shfl_sync(0xffffffffu, bits, lane)));
  }
}
template <class T>
RT_FN T simd_shuffle_xor(T v, msl::u32 mask) {
  if constexpr (sizeof(T) == 4) {
    return __shfl_xor_sync(0xffffffffu, v, mask);
  } else {
    return simd_shuffle(v, msl::lane_in_simdgroup() ^ mask);
  }
}
template <class T>
RT_FN T simd_shuffle_up(T v, msl::u32 delta) {
  return __shfl_up_sync(0xffffffffu, v, delta);
}
template <class T>
RT_FN T simd_shuffle_down(T v, msl::u32 delta) {
  return __shfl_down_sync(0xffffffffu, v, delta);
}
template <class T>
RT_FN T simd_broadcast(T v, msl::u32 lane) {
  return simd_shuffle(v, lane);
}
template <class T>
RT_FN T simd_broadcast_first(T v) {
  return simd_shuffle(v, 0u);
}
RT_FN bool simd_all(bool b) { return __all_sync(0xffffffffu, b); }
RT_FN bool simd_any(bool b) { return __any_sync(0xffffffffu, b); }
template <class F, class T>
RT_FN T rt_reduce(F f, T v) {
#pragma unroll
  for (int d = 16; d; d >>= 1) v = f(v, simd_shuffle_xor(v, d));
  return v;
}
template <class T>
RT_FN T simd_prefix_inclusive_sum(T v) {
#pragma unroll
  for (int d = 1; d < 32; d <<= 1) {
    const T o = simd_shuffle_up(v, d);
    if (msl::lane_in_simdgroup() >= d) v += o;
  }
  return v;
}
template <class T>
RT_FN T simd_prefix_exclusive_sum(T v) {
  const T s = simd_shuffle_up(simd_prefix_inclusive_sum(v), 1);
  return msl::lane_in_simdgroup() == 0 ? T(0) : s;
}

#else  // the emulator

#define RT_SITE_PARAMETER , const char *file = __builtin_FILE(), int line = __builtin_LINE()
#define RT_SITE_ARGUMENT , file, line
template <class T>
struct rt_all {
  T value[32];
  msl::u32 present;
};
template <class T>
RT_FN rt_all<T> rt_exchange(T v, const char* file, int line) {
  rt_all<T> all;
  all.present = rt::emulator::exchange(rt::emulator::Meeting::SimdFunction, &v, sizeof(T),
                                       all.value, file, line);
  return all;
}
template <class T>
RT_FN T rt_read(const rt_all<T>& all, msl::u32 lane, const char* file, int line) {
  if (lane >= 32 || !(all.present >> lane & 1)) {
    msl::fail("a simdgroup function reads a lane that is not there", file, line);
  }
  return all.value[lane & 31];
}
template <class T>
RT_FN T simd_shuffle(T v, msl::u32 lane RT_SITE_PARAMETER) {
  return rt_read(rt_exchange(v, file, line), lane, file, line);
}
template <class T>
RT_FN T simd_shuffle_xor(T v, msl::u32 mask RT_SITE_PARAMETER) {
  return rt_read(rt_exchange(v, file, line), msl::lane_in_simdgroup() ^ mask, file, line);
}
template <class T>
RT_FN T simd_shuffle_up(T v, msl::u32 delta RT_SITE_PARAMETER) {
  const auto all = rt_exchange(v, file, line);
  const msl::u32 lane = msl::lane_in_simdgroup();
  return lane < delta ? v : all.value[lane - delta];
}
template <class T>
RT_FN T simd_shuffle_down(T v, msl::u32 delta RT_SITE_PARAMETER) {
  const auto all = rt_exchange(v, file, line);
  const msl::u32 lane = msl::lane_in_simdgroup() + delta;
  return lane > 31 ? v : all.value[lane];
}
template <class T>
RT_FN T simd_broadcast(T v, msl::u32 lane RT_SITE_PARAMETER) {
  return simd_shuffle(v, lane RT_SITE_ARGUMENT);
}
template <class T>
RT_FN T simd_broadcast_first(T v RT_SITE_PARAMETER) {
  return simd_shuffle(v, 0u RT_SITE_ARGUMENT);
}
RT_FN msl::u32 rt_ballot(bool b, const char* file, int line) {
  const auto all = rt_exchange<unsigned char>(b, file, line);
  msl::u32 votes = 0;
  for (int i = 0; i < 32; i++) {
    if ((all.present >> i & 1) && all.value[i]) votes |= msl::u32(1) << i;
  }
  return votes;
}
RT_FN bool simd_any(bool b RT_SITE_PARAMETER) { return rt_ballot(b, file, line) != 0; }
RT_FN bool simd_all(bool b RT_SITE_PARAMETER) { return rt_ballot(!b, file, line) == 0; }
// The same butterfly as the GPUs' shuffles, so that sums agree bit for bit.
template <class F, class T>
RT_FN T rt_reduce(F f, T v, const char* file, int line) {
  auto all = rt_exchange(v, file, line);
  if (all.present != 0xffffffffu) msl::fail("a simdgroup reduction needs all 32 lanes", file, line);
  for (int d = 16; d; d >>= 1) {
    for (int i = 0; i < d; i++) all.value[i] = f(all.value[i], all.value[i + d]);
  }
  return all.value[0];
}
template <class T>
RT_FN T simd_prefix_inclusive_sum(T v RT_SITE_PARAMETER) {
  auto all = rt_exchange(v, file, line);
  // Doubling steps, as the GPUs' shuffles do it.
  for (msl::u32 d = 1; d < 32; d <<= 1) {
    for (msl::u32 i = 31; i >= d; i--) all.value[i] = all.value[i] + all.value[i - d];
  }
  return all.value[msl::lane_in_simdgroup()];
}
template <class T>
RT_FN T simd_prefix_exclusive_sum(T v RT_SITE_PARAMETER) {
  const T s = simd_shuffle_up(simd_prefix_inclusive_sum(v RT_SITE_ARGUMENT), 1 RT_SITE_ARGUMENT);
  return msl::lane_in_simdgroup() == 0 ? T(0) : s;
}

#endif

template <class T>
RT_FN T simd_sum(T v RT_SITE_PARAMETER) {
  return rt_reduce(msl::Add{}, v RT_SITE_ARGUMENT);
}
template <class T>
RT_FN T simd_product(T v RT_SITE_PARAMETER) {
  return rt_reduce(msl::Multiply{}, v RT_SITE_ARGUMENT);
}
template <class T>
RT_FN T simd_max(T v RT_SITE_PARAMETER) {
  return rt_reduce(op_max{}, v RT_SITE_ARGUMENT);
}
template <class T>
RT_FN T simd_min(T v RT_SITE_PARAMETER) {
  return rt_reduce(op_min{}, v RT_SITE_ARGUMENT);
}

// ---- 8x8 matrices: each lane holds two elements of one row, (row, col) and (row, col + 1) ----

template <class T, int Cols, int Rows>
struct simdgroup_matrix;
template <class T>
struct simdgroup_matrix<T, 8, 8> {
  T e[2];
#if RT_CUDA
  // The transposed matrix's elements, which a right operand needs; `has_t` is known to the compiler
  // once everything is inlined.
  T t[2];
  bool has_t;
  static RT_FN int row() { return msl::lane_in_simdgroup() >> 2; }
  static RT_FN int col() { return (msl::lane_in_simdgroup() & 3) * 2; }
#else
  static RT_FN int row() {
    const int lane = msl::lane_in_simdgroup();
    return (lane / 4 & 4) + lane / 2 % 4;
  }
  static RT_FN int col() {
    const int lane = msl::lane_in_simdgroup();
    return (lane / 4 & 2) * 2 + lane % 2 * 2;
  }
#endif
  simdgroup_matrix() = default;
  RT_FN auto thread_elements() -> T (&)[2] { return e; }
  RT_FN explicit simdgroup_matrix(T diagonal) {
    for (int i = 0; i < 2; i++) set(i, row() == col() + i ? diagonal : T(0));
  }
  RT_FN void set(int i, T v) {  // for values that transposition leaves where they are
    e[i] = v;
#if RT_CUDA
    t[i] = v;
    has_t = true;
#endif
  }
};
using simdgroup_float8x8 = simdgroup_matrix<float, 8, 8>;
using simdgroup_half8x8 = simdgroup_matrix<msl::half_t, 8, 8>;

template <class T, int Cols, int Rows>
RT_FN simdgroup_matrix<T, Cols, Rows> make_filled_simdgroup_matrix(T v) {
  simdgroup_matrix<T, Cols, Rows> m;
  for (int i = 0; i < 2; i++) m.set(i, v);
  return m;
}

#if RT_CUDA
RT_FN void rt_all_lanes(const char*) {}
#define RT_ALL_LANES(name)
#else
#define RT_ALL_LANES(name)                                                                       \
  {                                                                                              \
    int mine = 0, all[32];                                                                       \
    if (rt::emulator::exchange(rt::emulator::Meeting::SimdMatrix, &mine, sizeof mine, all, file, \
                               line) != 0xffffffffu) {                                           \
      msl::fail(name " needs all 32 lanes", file, line);                                         \
    }                                                                                            \
  }
#endif

#define RT_ORIGIN msl::vec<msl::u64, 2> origin = msl::vec<msl::u64, 2>(0), bool transpose = false
template <class T>
RT_FN void simdgroup_load(simdgroup_matrix<T, 8, 8>& m, const T* p, msl::u64 stride = 8,
                          RT_ORIGIN RT_SITE_PARAMETER) {
  const int r = m.row(), c = m.col();
  for (int i = 0; i < 2; i++) {
    const msl::u64 along = (origin.y + r) * stride + origin.x + c + i;
    const msl::u64 across = (origin.y + c + i) * stride + origin.x + r;
    m.e[i] = p[transpose ? across : along];
#if RT_CUDA
    m.t[i] = p[transpose ? along : across];
    m.has_t = true;
#endif
  }
  RT_ALL_LANES("simdgroup_load")
}
template <class T>
RT_FN void simdgroup_store(const simdgroup_matrix<T, 8, 8>& m, T* p, msl::u64 stride = 8,
                           RT_ORIGIN RT_SITE_PARAMETER) {
  const int r = m.row(), c = m.col();
  for (int i = 0; i < 2; i++) {
    p[transpose ? (origin.y + c + i) * stride + origin.x + r
                : (origin.y + r) * stride + origin.x + c + i] = m.e[i];
  }
  RT_ALL_LANES("simdgroup_store")
}
#undef RT_ORIGIN
#undef RT_ALL_LANES

#if RT_CUDA
// mma.m16n8k8 with the upper eight rows zero. The order of k inside a product is free, so
// (col, col + 1) stand for the fragment's (k, k + 4). A float is split into two tf32 parts (three
// products), which keeps about 21 bits.
RT_FN msl::u32 rt_tf32(float f) {
  msl::u32 r;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(f));
  return r;
}
RT_FN void rt_mma_tf32(float* d, msl::u32 a0, msl::u32 a1, msl::u32 b0, msl::u32 b1) {
  float z0 = 0, z1 = 0;
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(z0), "+f"(z1)
      : "r"(a0), "r"(0), "r"(a1), "r"(0), "r"(b0), "r"(b1));
}
// Two tf32 numbers whose sum is a float. With Care what is not finite is in the higher alone, and
// zero where the products correct.
template <bool Care>
struct rt_tf32_parts {
  msl::u32 high, finite, low;
  RT_FN explicit rt_tf32_parts(float f) {
    high = finite = rt_tf32(f);
    const float rest = f - __uint_as_float(high);
    low = rt_tf32(rest);
    if (Care && rest - rest != 0.0f) {
      finite = low = 0;
      // Rounding does not make the largest floats infinite.
      if (::fabsf(f) <= 3.402823466e+38f) high = __float_as_uint(f) & 0xffffe000u;
    }
  }
};
template <bool Care>
RT_FN void rt_multiply_tf32(float* sum, float a0, float a1, float b0, float b1) {
  const rt_tf32_parts<Care> p0(a0), p1(a1), q0(b0), q1(b1);
  rt_mma_tf32(sum, p0.low, p1.low, q0.finite, q1.finite);
  rt_mma_tf32(sum, p0.finite, p1.finite, q0.low, q1.low);
  rt_mma_tf32(sum, p0.high, p1.high, q0.high, q1.high);
}
RT_FN void simdgroup_multiply_accumulate(simdgroup_float8x8& d, const simdgroup_float8x8& a,
                                         const simdgroup_float8x8& b, const simdgroup_float8x8& c) {
  float sum[2] = {c.e[0], c.e[1]};
  float t0 = b.t[0], t1 = b.t[1];
  if (!b.has_t) {  // b was itself computed: transposed across the lanes
    const int lane = msl::lane_in_simdgroup(), from = (lane & 3) * 8 + (lane >> 3),
              odd = lane >> 2 & 1;
    const float p0 = simd_shuffle(b.e[0], from), p1 = simd_shuffle(b.e[1], from);
    const float q0 = simd_shuffle(b.e[0], from + 4), q1 = simd_shuffle(b.e[1], from + 4);
    t0 = odd ? p1 : p0;
    t1 = odd ? q1 : q0;
  }
  rt_multiply_tf32<false>(sum, a.e[0], a.e[1], t0, t1);
  // The rest of what is not finite is NaN, which must not show: once more, with more care.
  if (__any_sync(0xffffffffu, sum[0] != sum[0] || sum[1] != sum[1])) {
    sum[0] = c.e[0];
    sum[1] = c.e[1];
    rt_multiply_tf32<true>(sum, a.e[0], a.e[1], t0, t1);
  }
  d.e[0] = sum[0];
  d.e[1] = sum[1];
  d.t[0] = d.t[1] = 0;
  d.has_t = false;
}
#else
// Lanes hand over their elements of a and b, then each works out its own two.
template <class T, class U, class V>
RT_FN void simdgroup_multiply_accumulate(simdgroup_matrix<V, 8, 8>& d,
                                         const simdgroup_matrix<T, 8, 8>& a,
                                         const simdgroup_matrix<U, 8, 8>& b,
                                         const simdgroup_matrix<V, 8, 8>& c RT_SITE_PARAMETER) {
  struct Pair {
    T a[2];
    U b[2];
  } mine = {{a.e[0], a.e[1]}, {b.e[0], b.e[1]}};
  Pair all[32];
  if (rt::emulator::exchange(rt::emulator::Meeting::SimdMatrix, &mine, sizeof mine, all, file,
                             line) != 0xffffffffu) {
    msl::fail("simdgroup_multiply_accumulate needs all 32 lanes", file, line);
  }
  const int r = d.row(), n = d.col();
  const auto lane_of = [](int row, int col) {
    return (row & 4) * 4 + (row & 3) * 2 + (col & 4) * 2 + (col & 2) / 2;
  };
  for (int i = 0; i < 2; i++) {
    float s = float(c.e[i]);
    for (int k = 0; k < 8; k++) {
      s += float(all[lane_of(r, k)].a[k & 1]) * float(all[lane_of(k, n)].b[i]);
    }
    d.e[i] = V(s);
  }
}
#endif
template <class T, class U, class V>
RT_FN void simdgroup_multiply(simdgroup_matrix<V, 8, 8>& d, const simdgroup_matrix<T, 8, 8>& a,
                              const simdgroup_matrix<U, 8, 8>& b RT_SITE_PARAMETER) {
  const simdgroup_matrix<V, 8, 8> zero = make_filled_simdgroup_matrix<V, 8, 8>(V(0));
  simdgroup_multiply_accumulate(d, a, b, zero RT_SITE_ARGUMENT);
}

}  // namespace metal
