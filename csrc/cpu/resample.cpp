// Separable resampling: rows of the outer dims are blended, then elements picked along the row.
#include "ops/resample.h"

#include "cpu/parallel.h"
#include "cpu/scratch.h"
#include "ops/vector_kernel.h"

namespace rt::cpu {

using Gather = void(int64_t, int64_t, const int32_t*, const void*, const void*, void*);
extern VectorKernel<Gather> gather_masked_taps;

namespace {

VectorKernel<void(int64_t, int64_t, const void* const*, const void*, void*)> blend_rows{
    "blend_rows"};
VectorKernel<Gather> gather_taps{"gather_taps"};

}  // namespace

// Here once; the kernels of points use it too.
VectorKernel<Gather> gather_masked_taps{"gather_masked_taps"};

namespace {

constexpr int64_t kGrain = 16384;  // elements worth a thread

// The rows that one output row reads, with their weights.
template <class T>
struct RowList {
  std::vector<const void*> rows;
  std::vector<T> weights;

  void collect(const T* plane, const Tensor& x, const AxisTaps* axes, int64_t d, int64_t h) {
    rows.clear();
    weights.clear();
    const int64_t height = x.sizes()[2], width = x.sizes()[3];
    for (int64_t a = 0; a < axes[0].taps; ++a) {
      const int64_t z = axes[0].index_at(a, d);
      if (z < 0) continue;
      for (int64_t b = 0; b < axes[1].taps; ++b) {
        const int64_t y = axes[1].index_at(b, h);
        if (y < 0) continue;
        rows.push_back(plane + (z * height + y) * width);
        weights.push_back(static_cast<T>(axes[0].weight_at(a, d) * axes[1].weight_at(b, h)));
      }
    }
  }
};

// Elements that read themselves.
bool is_identity(const AxisTaps& axis, int64_t size) {
  if (axis.taps != 1 || axis.size != size) return false;
  for (int64_t i = 0; i < size; ++i) {
    if (axis.index_at(0, i) != i || axis.weight_at(0, i) != 1) return false;
  }
  return true;
}

template <class T>
void run(const Tensor& out, const Tensor& x, const AxisTaps* axes) {
  const DType type = out.dtype();
  const int64_t in_plane = x.sizes()[1] * x.sizes()[2] * x.sizes()[3], in_width = x.sizes()[3];
  const int64_t depth = out.sizes()[1], height = out.sizes()[2], width = out.sizes()[3];
  const AxisTaps& across = axes[2];
  const bool straight = is_identity(across, in_width);
  const std::vector<int32_t>& index = across.index;
  const std::vector<T> weight(across.weight.begin(), across.weight.end());
  bool ragged = false;
  for (int32_t i : index) ragged = ragged || i < 0;
  const auto pick = ragged ? gather_masked_taps[type] : gather_taps[type];
  parallel_for(
      0, out.sizes()[0] * depth * height,
      std::max<int64_t>(1, kGrain / std::max<int64_t>(width, 1)), [&](int64_t begin, int64_t end) {
        RowList<T> list;
        Scratch<T> buffer(std::max<int64_t>(in_width, 1));
        for (int64_t r = begin; r < end; ++r) {
          const int64_t plane = r / (depth * height), d = r / height % depth, h = r % height;
          list.collect(x.data<const T>() + plane * in_plane, x, axes, d, h);
          T* to = out.data<T>() + r * width;
          const int64_t rows = static_cast<int64_t>(list.rows.size());
          if (straight) {
            blend_rows[type](width, rows, list.rows.data(), list.weights.data(), to);
            continue;
          }
          const void* from = buffer.data();
          if (rows == 1 && list.weights[0] == T(1)) {
            from = list.rows[0];
          } else {
            blend_rows[type](in_width, rows, list.rows.data(), list.weights.data(), buffer.data());
          }
          pick(width, across.taps, index.data(), weight.data(), from, to);
        }
      });
}

void resample(const Tensor& out, const Tensor& x, const AxisTaps* axes) {
  if (out.dtype() == DType::Float64) return run<double>(out, x, axes);
  run<float>(out, x, axes);
}

const RegisterKernel register_resample(resample_kernel, DeviceType::CPU, &resample);

}  // namespace

}  // namespace rt::cpu
