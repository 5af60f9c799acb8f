#include "cpu/parallel.h"
#include "cpu/strided.h"
#include "ops/rearrange.h"

namespace rt::cpu {

namespace {

void flip(const Tensor& out, const Tensor& x, IntList reversed) {
  const int64_t item = static_cast<int64_t>(x.item_size());
  char* start = x.data<char>();
  Dims strides(x.strides());
  for (size_t d = 0; d < strides.size(); ++d) {
    strides[d] *= x.sizes()[d] == 1 ? 0 : item;
    if (!reversed[d]) continue;
    start += (x.sizes()[d] - 1) * strides[d];
    strides[d] = -strides[d];
  }
  StridedPlan plan(out.sizes());
  plan.add(out);
  plan.add(start, strides);
  plan.finish();
  parallel_for(0, plan.numel(), 32768, [&](int64_t begin, int64_t end) {
    RowCursor at(plan, begin);
    while (begin < end) {
      const int64_t n = std::min(at.row_left(), end - begin);
      copy_items(x.item_size(), n, at.pointer(0), plan.operand(0).strides[0], at.pointer(1),
                 plan.operand(1).strides[0]);
      at.advance(n);
      begin += n;
    }
  });
}

const RegisterKernel register_flip(flip_kernel, DeviceType::CPU, &flip);

}  // namespace

}  // namespace rt::cpu
