#include <cstring>

#include "cpu/parallel.h"
#include "ops/diagonal.h"

namespace rt::cpu {

namespace {

// Copies columns [first, last) of each row from x, and zeroes the others.
void triangle(const Tensor& out, const Tensor& x, int64_t k, bool upper) {
  const int64_t rows = x.size(-2), columns = x.size(-1), item = static_cast<int64_t>(x.item_size());
  const char* from = x.data<char>();
  char* to = out.data<char>();
  const int64_t grain = std::max<int64_t>(1, 65536 / std::max<int64_t>(columns * item, 1));
  parallel_for(0, out.numel() / columns, grain, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t edge = std::clamp<int64_t>(r % rows + k + (upper ? 0 : 1), 0, columns);
      const int64_t first = upper ? edge : 0, last = upper ? columns : edge;
      char* row = to + r * columns * item;
      std::memset(row, 0, static_cast<size_t>(first * item));
      std::memset(row + last * item, 0, static_cast<size_t>((columns - last) * item));
      std::memmove(row + first * item, from + (r * columns + first) * item,
                   static_cast<size_t>((last - first) * item));
    }
  });
}

const RegisterKernel register_triangle(triangle_kernel, DeviceType::CPU, &triangle);

}  // namespace

}  // namespace rt::cpu
