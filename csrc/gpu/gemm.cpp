#include "gpu/gemm.h"

#include <algorithm>
#include <array>
#include <vector>

#include "gpu/launch.h"
#include "ops/elementwise.h"

namespace rt::gpu {

namespace {

constexpr int64_t kMost = (int64_t{1} << 31) - 1;  // of a size or a step that libraries take

bool within(int64_t n) { return n > 0 && n <= kMost; }

MatrixSteps last_two(const Tensor& t) {
  const IntList size = t.sizes(), step = t.strides();
  const size_t n = size.size();
  return {size[n - 2], size[n - 1], step[n - 2], step[n - 1]};
}

uint64_t address_of(const MatrixOperand& o, int64_t at) {
  const Tensor& t = o.tensor;
  return reinterpret_cast<uint64_t>(t.storage()->data()) +
         static_cast<uint64_t>((t.offset() + at) * static_cast<int64_t>(t.item_size()));
}

}  // namespace

std::optional<GemmSide> gemm_side(const MatrixSteps& m) {
  const auto side = [](bool turned, int64_t count, int64_t others, int64_t step,
                       int64_t apart) -> std::optional<GemmSide> {
    if (count > 1 && step != 1) return {};
    if (others == 1) return GemmSide{turned, std::max<int64_t>(count, 1)};
    if (apart < count) return {};
    return GemmSide{turned, apart};
  };
  if (const auto straight = side(false, m.cols, m.rows, m.col_step, m.row_step)) return straight;
  return side(true, m.rows, m.cols, m.row_step, m.col_step);
}

GemmBatch gemm_batch(IntList sizes) {
  GemmBatch best;
  int64_t all = 1;
  for (size_t d = 0; d < sizes.size(); ++d) {
    all *= sizes[d];
    if (sizes[d] > sizes[best.dim]) best.dim = d;
  }
  if (sizes.empty() || all == 0) return best;
  const int64_t along = sizes[best.dim];
  best.calls = all / along * ((along + kMostGemmBatch - 1) / kMostGemmBatch);
  return best;
}

std::optional<GemmKey> gemm_key(DType type, const MatrixSteps& a, const MatrixSteps& b,
                                const MatrixSteps& c) {
  if (type != DType::Float32 && type != DType::Float16 && type != DType::BFloat16) return {};
  // Our shaders read a matrix once for a vector, at the speed of memory.
  if (c.rows <= 1 || c.cols <= 1 || a.cols < 1) return {};
  const auto left = gemm_side(a), right = gemm_side(b), result = gemm_side(c);
  if (!left || !right || !result || result->turned) return {};
  GemmKey key;
  key.type = static_cast<int64_t>(type);
  key.m = c.cols, key.n = c.rows, key.k = a.cols;
  key.a_turned = right->turned, key.b_turned = left->turned;
  key.lda = right->ld, key.ldb = left->ld, key.ldc = result->ld;
  for (int64_t n : {key.m, key.n, key.k, key.lda, key.ldb, key.ldc}) {
    if (!within(n)) return {};
  }
  return key;
}

Tensor gemm_operand(const Tensor& t) {
  if (t.dim() < 2 || t.numel() == 0 || gemm_side(last_two(t))) return t;
  // Matrices that are repeated are copied once.
  Dims sizes(t.sizes());
  for (size_t d = 0; d + 2 < sizes.size(); ++d) {
    if (t.strides()[d] == 0) sizes[d] = 1;
  }
  const Tensor dense = empty(sizes, t.dtype(), t.device(), "matmul");
  copy_kernel(dense, dense, make_view(t, sizes, t.strides(), t.offset()));
  Dims strides(dense.strides());
  for (size_t d = 0; d + 2 < sizes.size(); ++d) {
    if (sizes[d] != t.sizes()[d]) strides[d] = 0;
  }
  return make_view(dense, t.sizes(), strides, dense.offset());
}

bool multiply_by_library(ComputeDevice& device, const MatrixOperand& a, const MatrixOperand& b,
                         const MatrixOperand& c, IntList sizes, float alpha, float beta,
                         const Tensor* bias) {
  DenseLibrary* library = device.dense_library();
  const LibrarySettings& settings = library_settings();
  if (!library || !settings.products) return false;
  const DType type = c.tensor.dtype();
  const std::optional<GemmKey> known = gemm_key(type, a.steps, b.steps, c.steps);
  const GemmBatch batch = gemm_batch(sizes);
  if (!known || batch.calls > kMostGemmCalls) return false;
  // By columns, the right operand is the first.
  const MatrixOperand* const operands[] = {&b, &a, &c};
  struct Call {
    GemmKey key;
    std::array<int64_t, 3> at;
    std::shared_ptr<const LibraryPlan> plan;
  };
  std::vector<Call> calls(static_cast<size_t>(batch.calls));
  const int64_t along = sizes.empty() ? 1 : sizes[batch.dim],
                each = std::min(along, kMostGemmBatch);
  // All parts are taken, or none is.
  for (size_t i = 0; i < calls.size(); ++i) {
    Call& call = calls[i];
    GemmKey& key = call.key = *known;
    key.tf32 = type == DType::Float32 && settings.products_tf32;
    call.at = {b.at, a.at, c.at};
    const auto move = [&](size_t d, int64_t n) {
      for (size_t o = 0; o < 3; ++o) call.at[o] += n * operands[o]->batch[d];
    };
    auto rest = static_cast<int64_t>(i);
    for (size_t d = 0; d < sizes.size(); ++d) {
      if (d == batch.dim) continue;
      move(d, rest % sizes[d]);
      rest /= sizes[d];
    }
    key.batch = std::min(each, along - rest * each);
    if (rest > 0) move(batch.dim, rest * each);
    int64_t* const steps[] = {&key.a_step, &key.b_step, &key.c_step};
    int64_t* const aligned[] = {&key.a_align, &key.b_align, &key.c_align};
    for (size_t o = 0; o < 3; ++o) {
      if (key.batch > 1) *steps[o] = operands[o]->batch[batch.dim];
      if (*steps[o] < 0) return false;
      *aligned[o] = alignment_of(address_of(*operands[o], call.at[o]) |
                                 static_cast<uint64_t>(*steps[o]) * c.tensor.item_size());
    }
    if (bias) key.bias_align = alignment_of(address_of({*bias, {}, {}}, 0));
    call.plan = library->find(key);
    if (!call.plan) return false;
  }
  for (const Call& call : calls) {
    Arguments memory;
    for (size_t o = 0; o < 3; ++o) {
      MatrixOperand part = *operands[o];
      part.at = call.at[o];
      part.bind(memory);
    }
    if (bias) gpu::bind(memory, *bias);
    Tensor scratch;
    if (const size_t bytes = call.plan->workspace()) {
      scratch = empty({static_cast<int64_t>(bytes)}, DType::UInt8, c.tensor.device(), "matmul");
      gpu::bind(memory, scratch);
    }
    if (library->run(call.key, *call.plan, alpha, beta, memory)) continue;
    RT_CHECK(&call == calls.data(), Runtime, "matmul",
             "the library refuses a part of a product that it had begun", describe(call.key),
             "rustorch.cuda.matmul.enabled = False");
    return false;
  }
  return true;
}

}  // namespace rt::gpu
