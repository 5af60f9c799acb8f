// Values as unsigned integers of the same width whose order is the values' order: NaN last, the two
// zeros equal. What sorts and searches is then independent of the dtype.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "core/dtype.h"

namespace rt::cpu {

template <class U>
U float_key(U bits, U infinity) {
  constexpr U sign = U{1} << (8 * sizeof(U) - 1);
  const U magnitude = bits & static_cast<U>(~sign);
  if (magnitude > infinity) return static_cast<U>(~U{0});  // NaN
  if (magnitude == 0) return sign;
  return bits & sign ? static_cast<U>(~bits) : static_cast<U>(bits | sign);
}

// U has the item size of t.
template <class U>
void to_keys(DType t, int64_t n, const void* values, U* keys) {
  std::memcpy(keys, values, static_cast<size_t>(n) * sizeof(U));
  if (t == DType::Bool || t == DType::UInt8) return;
  if (is_integral(t)) {
    constexpr U sign = U{1} << (8 * sizeof(U) - 1);
    for (int64_t i = 0; i < n; ++i) keys[i] ^= sign;
    return;
  }
  const uint64_t infinity = t == DType::Float16    ? 0x7c00u
                            : t == DType::BFloat16 ? 0x7f80u
                            : t == DType::Float32  ? 0x7f800000u
                                                   : 0x7ff0000000000000u;
  for (int64_t i = 0; i < n; ++i) keys[i] = float_key(keys[i], static_cast<U>(infinity));
}

template <class U>
struct KeyedPlace {
  U key;
  uint32_t place;
  // Places differ, so this order is that of a stable sort.
  bool operator<(const KeyedPlace& o) const { return key != o.key ? key < o.key : place < o.place; }
};

// By bytes from the lowest; a byte that all keys share costs one count only.
template <class U>
void radix_sort(std::vector<KeyedPlace<U>>& pairs, std::vector<KeyedPlace<U>>& spare) {
  const size_t n = pairs.size();
  spare.resize(n);
  for (size_t shift = 0; shift < 8 * sizeof(U); shift += 8) {
    size_t count[256] = {};
    for (const KeyedPlace<U>& p : pairs) ++count[(p.key >> shift) & 255];
    if (count[(pairs[0].key >> shift) & 255] == n) continue;
    size_t at = 0;
    for (size_t& c : count) {
      const size_t here = c;
      c = at;
      at += here;
    }
    for (const KeyedPlace<U>& p : pairs) spare[count[(p.key >> shift) & 255]++] = p;
    std::swap(pairs, spare);
  }
}

template <class U>
void sort_pairs(std::vector<KeyedPlace<U>>& pairs, std::vector<KeyedPlace<U>>& spare) {
  constexpr size_t kRadixFrom = 256;  // shorter lines are sorted by comparison
  if (pairs.size() >= kRadixFrom) {
    radix_sort(pairs, spare);
  } else {
    std::sort(pairs.begin(), pairs.end());
  }
}

// Calls f.template operator()<U>() with the key type of t.
template <class F>
void with_key_type(DType t, F&& f) {
  switch (item_size(t)) {
    case 1:
      return f.template operator()<uint8_t>();
    case 2:
      return f.template operator()<uint16_t>();
    case 4:
      return f.template operator()<uint32_t>();
    default:
      return f.template operator()<uint64_t>();
  }
}

}  // namespace rt::cpu
