// Masks: the places of non-zero elements, and filling where a mask is set.
#include <cstring>
#include <vector>

#include "cpu/items.h"
#include "cpu/load_kernels.h"
#include "cpu/parallel.h"
#include "cpu/strided.h"
#include "ops/index_support.h"

namespace rt::cpu {

namespace {

constexpr int64_t kBlock = 32768;

void unravel(int64_t flat, IntList sizes, int64_t* place) {
  for (size_t d = sizes.size(); d-- > 0;) {
    place[d] = flat % sizes[d];
    flat /= sizes[d];
  }
}

void nonzero(const Tensor& x, Tensor* places) {
  // One byte an element: the cast to bool says what counts as zero in each dtype.
  Tensor mask = x;
  if (x.dtype() != DType::Bool || !x.is_contiguous()) {
    mask = empty(x.sizes(), DType::Bool);
    copy_kernel(mask, mask, x);
  }
  const uint8_t* m = mask.data<uint8_t>();
  const int64_t n = x.numel(), blocks = (n + kBlock - 1) / kBlock, rank = x.dim();
  std::vector<int64_t> start(static_cast<size_t>(blocks) + 1, 0);
  parallel_for(0, blocks, 1, [&](int64_t b, int64_t e) {
    for (int64_t k = b; k < e; ++k) {
      int64_t count = 0;
      for (int64_t i = k * kBlock; i < std::min(n, (k + 1) * kBlock); ++i) count += m[i];
      start[static_cast<size_t>(k) + 1] = count;
    }
  });
  for (size_t k = 1; k < start.size(); ++k) start[k] += start[k - 1];
  // One row a dim, so that each dim's indices are contiguous, as indexing wants them.
  const int64_t count = start.back();
  *places = empty({rank, count}, DType::Int64, {}, "nonzero");
  if (rank == 0) return;
  int64_t* out = places->data<int64_t>();
  const IntList sizes = x.sizes();
  parallel_for(0, blocks, 1, [&](int64_t b, int64_t e) {
    int64_t* to = out + start[static_cast<size_t>(b)];
    std::vector<int64_t> place(static_cast<size_t>(rank));
    for (int64_t i = b * kBlock; i < std::min(n, e * kBlock); ++i) {
      if (!m[i]) continue;
      if (rank == 1) {
        *to = i;
      } else {
        unravel(i, sizes, place.data());
        for (int64_t d = 0; d < rank; ++d) to[d * count] = place[static_cast<size_t>(d)];
      }
      ++to;
    }
  });
}

template <class T>
void fill_row(int64_t n, char* out, int64_t out_step, const char* mask, int64_t mask_step,
              const void* v) {
  T value;
  std::memcpy(&value, v, sizeof(T));
  if (out_step == static_cast<int64_t>(sizeof(T)) && mask_step == 1) {
    T* to = reinterpret_cast<T*>(out);
    for (int64_t i = 0; i < n; ++i) to[i] = mask[i] ? value : to[i];
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    if (mask[i * mask_step]) std::memcpy(out + i * out_step, &value, sizeof(T));
  }
}

void masked_fill(const Tensor& target, const Tensor& mask, const Tensor& value) {
  if (target.numel() == 0) return;
  StridedPlan plan(target.sizes());
  plan.add(target);
  plan.add(mask);
  plan.finish();
  auto* row = with_item(target.item_size(), []<class T>(T) { return &fill_row<T>; });
  parallel_for(0, plan.numel(), kBlock, [&](int64_t begin, int64_t end) {
    RowCursor at(plan, begin);
    while (begin < end) {
      const int64_t n = std::min(at.row_left(), end - begin);
      row(n, at.pointer(0), plan.operand(0).strides[0], at.pointer(1), plan.operand(1).strides[0],
          value.data());
      at.advance(n);
      begin += n;
    }
  });
}

const RegisterKernel register_nonzero(nonzero_kernel, DeviceType::CPU, &nonzero);
const RegisterKernel register_masked_fill(masked_fill_kernel, DeviceType::CPU, &masked_fill);

}  // namespace

}  // namespace rt::cpu
