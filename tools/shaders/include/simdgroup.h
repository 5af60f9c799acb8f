#pragma once

namespace metal {

// Numbers of up to 32 bits, and vectors of them. bfloat is left out: whether Metal's own functions
// take it is not certain, and a float is as good.
template <class T, class E = typename __metal_component<T>::type>
using __metal_simd_t = enable_if_t<
    is_arithmetic_v<E> && !is_same_v<E, bool> && !is_same_v<E, bfloat> && sizeof(E) <= 4, T>;

#define RT_SIMD_1(name) \
  template <class T>    \
  __metal_simd_t<T> simd_##name(T);
#define RT_SIMD_2(name) \
  template <class T>    \
  __metal_simd_t<T> simd_##name(T, ushort);
RT_SIMD_1(sum)
RT_SIMD_1(product)
RT_SIMD_1(max)
RT_SIMD_1(min)
RT_SIMD_1(and)
RT_SIMD_1(or)
RT_SIMD_1(xor)
RT_SIMD_1(prefix_inclusive_sum)
RT_SIMD_1(prefix_exclusive_sum)
RT_SIMD_1(prefix_inclusive_product)
RT_SIMD_1(prefix_exclusive_product)
RT_SIMD_1(broadcast_first)
RT_SIMD_2(broadcast)
RT_SIMD_2(shuffle)
RT_SIMD_2(shuffle_xor)
RT_SIMD_2(shuffle_up)
RT_SIMD_2(shuffle_down)
#undef RT_SIMD_1
#undef RT_SIMD_2
bool simd_all(bool);
bool simd_any(bool);

}  // namespace metal
