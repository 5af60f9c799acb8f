#pragma once

namespace metal {

template <class T, T V>
struct integral_constant {
  static constexpr constant T value = V;
};
using true_type = integral_constant<bool, true>;
using false_type = integral_constant<bool, false>;

template <class A, class B>
struct is_same : false_type {};
template <class A>
struct is_same<A, A> : true_type {};
template <class A, class B>
constexpr constant bool is_same_v = is_same<A, B>::value;

template <bool B, class T = void>
struct enable_if {};
template <class T>
struct enable_if<true, T> {
  using type = T;
};
template <bool B, class T = void>
using enable_if_t = typename enable_if<B, T>::type;
template <bool B, class Yes, class No>
struct conditional {
  using type = Yes;
};
template <class Yes, class No>
struct conditional<false, Yes, No> {
  using type = No;
};
template <bool B, class Yes, class No>
using conditional_t = typename conditional<B, Yes, No>::type;

template <class T>
constexpr constant bool is_integral_v = __is_integral(T);
template <class T>
constexpr constant bool is_floating_point_v = __is_floating_point(T) || is_same_v<T, bfloat>;
template <class T>
constexpr constant bool is_arithmetic_v = is_integral_v<T> || is_floating_point_v<T>;
template <class T>
constexpr constant bool is_signed_v = __is_signed(T) || is_same_v<T, bfloat>;
template <class T>
constexpr constant bool is_unsigned_v = __is_unsigned(T);

// A parameter that deduces nothing.
template <class T>
struct __metal_same {
  using type = T;
};
template <class T>
using __metal_same_t = typename __metal_same<T>::type;

template <class T>
struct numeric_limits {
  static constexpr T max() { return T(1); }
  static constexpr T min() { return T(0); }
  static constexpr T lowest() { return T(0); }
  static constexpr T epsilon() { return T(1); }
  static constexpr T infinity() { return T(1); }
  static constexpr T quiet_NaN() { return T(1); }
};

}  // namespace metal
