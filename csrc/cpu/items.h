// Elements moved as so many bytes: one instance of a loop serves all dtypes of a size.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rt::cpu {

struct Item16 {
  uint64_t a, b;
};

// Calls f with a value of a plain type of `size` bytes, an element's size, and returns its result.
template <class F>
decltype(auto) with_item(size_t size, F&& f) {
  switch (size) {
    case 1:
      return f(uint8_t{});
    case 2:
      return f(uint16_t{});
    case 4:
      return f(uint32_t{});
    case 8:
      return f(uint64_t{});
    default:
      return f(Item16{});
  }
}

}  // namespace rt::cpu
