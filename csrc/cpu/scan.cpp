#include "cpu/parallel.h"
#include "ops/scan_kernels.h"
#include "ops/vector_kernel.h"

namespace rt::cpu {

namespace {

using Scan = void(int64_t rows, int64_t n, int64_t step, const void* in, void* out);
using Best = void(int64_t rows, int64_t n, int64_t step, const void* in, void* out, void* index);
VectorKernel<Scan> cumsum{"cumsum"}, cumprod{"cumprod"}, logcumsumexp{"logcumsumexp"};
VectorKernel<Best> cummax{"cummax"}, cummin{"cummin"};

void scan(ScanStep step, const Tensor& x, int64_t dim, bool reverse, const Tensor& out,
          const Tensor& index) {
  constexpr int64_t kTile = 128, kGrain = 16384;
  int64_t outer = 1, inner = 1;
  for (int64_t d = 0; d < x.dim(); ++d) (d < dim ? outer : inner) *= d == dim ? 1 : x.sizes()[d];
  const int64_t rows = x.dim() == 0 ? 1 : x.sizes()[dim];
  const DType t = x.dtype();
  const int64_t item = static_cast<int64_t>(x.item_size());
  const int64_t tiles = (inner + kTile - 1) / kTile;
  parallel_for(0, outer * tiles, std::max<int64_t>(1, kGrain / (rows * std::min(inner, kTile))),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t first = i % tiles * kTile, n = std::min(kTile, inner - first);
                   int64_t at = i / tiles * rows * inner + first;
                   if (reverse) at += (rows - 1) * inner;
                   const int64_t stride = reverse ? -inner : inner;
                   const char* in = x.data<char>() + at * item;
                   char* to = out.data<char>() + at * item;
                   switch (step) {
                     case ScanStep::Sum:
                       cumsum[t](rows, n, stride, in, to);
                       break;
                     case ScanStep::Product:
                       cumprod[t](rows, n, stride, in, to);
                       break;
                     case ScanStep::LogSumExp:
                       logcumsumexp[t](rows, n, stride, in, to);
                       break;
                     case ScanStep::Max:
                       cummax[t](rows, n, stride, in, to, index.data<int64_t>() + at);
                       break;
                     case ScanStep::Min:
                       cummin[t](rows, n, stride, in, to, index.data<int64_t>() + at);
                       break;
                   }
                 }
               });
}

const RegisterKernel register_scan(scan_kernel, DeviceType::CPU, &scan);

}  // namespace

}  // namespace rt::cpu
