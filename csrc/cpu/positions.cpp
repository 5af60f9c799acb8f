#include "ops/positions.h"

#include <cstring>

#include "cpu/items.h"
#include "cpu/parallel.h"
#include "cpu/strided.h"

namespace rt::cpu {

namespace {

template <class T>
void move(const StridedPlan& plan, int64_t step, bool put) {
  parallel_for(0, plan.numel(), 16384, [&](int64_t b, int64_t e) {
    RowCursor at(plan, b);
    for (int64_t i = b; i < e; ++i, at.advance(1)) {
      int64_t index;
      std::memcpy(&index, at.pointer(0), sizeof index);
      char* place = at.pointer(2) + index * step;
      std::memcpy(put ? place : at.pointer(1), put ? at.pointer(1) : place, sizeof(T));
    }
  });
}

void positions(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& values, bool put) {
  if (index.numel() == 0) return;
  const int64_t item = static_cast<int64_t>(x.item_size());
  StridedPlan plan(index.sizes());
  plan.add(index);
  plan.add(values);
  Dims strides;
  for (int64_t d = 0; d < x.dim(); ++d) strides.push_back(d == dim ? 0 : x.strides()[d] * item);
  plan.add(x.data(), strides);
  plan.finish();
  const int64_t step = x.dim() == 0 ? 0 : x.strides()[dim] * item;
  with_item(x.item_size(), [&]<class T>(T) { move<T>(plan, step, put); });
}

const RegisterKernel register_positions(positions_kernel, DeviceType::CPU, &positions);

}  // namespace

}  // namespace rt::cpu
