#pragma once

namespace metal {

template <class T, int Cols, int Rows = Cols>
struct simdgroup_matrix {
  static_assert(Cols == 8 && Rows == 8, "Metal has simdgroup matrices of 8 x 8");
  simdgroup_matrix() = default;
  explicit simdgroup_matrix(T diagonal);
  thread vec<T, 2>& thread_elements();
};
using simdgroup_float8x8 = simdgroup_matrix<float, 8, 8>;
using simdgroup_half8x8 = simdgroup_matrix<half, 8, 8>;
using simdgroup_bfloat8x8 = simdgroup_matrix<bfloat, 8, 8>;

template <class T, int Cols, int Rows = Cols>
simdgroup_matrix<T, Cols, Rows> make_filled_simdgroup_matrix(T);

#define RT_MEMORY(space)                                                                         \
  template <class T, int C, int R>                                                               \
  void simdgroup_load(thread simdgroup_matrix<T, C, R>&, const space T*, ulong stride = C,       \
                      ulong2 origin = 0, bool transpose = false);                                \
  template <class T, int C, int R>                                                               \
  void simdgroup_store(simdgroup_matrix<T, C, R>, space T*, ulong stride = C, ulong2 origin = 0, \
                       bool transpose = false);
RT_MEMORY(device)
RT_MEMORY(threadgroup)
#undef RT_MEMORY

template <class D, class A, class B, class C>
void simdgroup_multiply_accumulate(thread simdgroup_matrix<D, 8, 8>&, simdgroup_matrix<A, 8, 8>,
                                   simdgroup_matrix<B, 8, 8>, simdgroup_matrix<C, 8, 8>);
template <class D, class A, class B>
void simdgroup_multiply(thread simdgroup_matrix<D, 8, 8>&, simdgroup_matrix<A, 8, 8>,
                        simdgroup_matrix<B, 8, 8>);

}  // namespace metal
