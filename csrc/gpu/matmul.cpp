// Matrix products on every compute device.
#include "ops/matmul.h"

#include <algorithm>

#include "gpu/gemm.h"
#include "gpu/launch.h"
#include "ops/elementwise.h"

namespace rt::gpu {

namespace {

constexpr int64_t kMaxGroups = (int64_t{1} << 31) - 1;
constexpr size_t kBatchDims = 4;

MatmulSide side_of(const MatrixOperand& o) {
  return side_of(o.steps, o.batch, o.byte_offset(), static_cast<int64_t>(o.tensor.item_size()));
}

MatrixSteps matrix_of(const Tensor& t, bool vector_is_row) {
  const IntList size = t.sizes(), step = t.strides();
  const size_t n = size.size();
  if (n >= 2) return {size[n - 2], size[n - 1], step[n - 2], step[n - 1]};
  return vector_is_row ? MatrixSteps{1, size[0], 0, step[0]} : MatrixSteps{size[0], 1, step[0], 0};
}

int64_t batch_step(const Tensor& t, int64_t from_the_end) {
  const int64_t d = t.dim() - from_the_end;
  return d < 0 || t.sizes()[d] == 1 ? 0 : t.strides()[d];
}

class Product {
 public:
  Product(const Tensor& out, const Tensor& a, const Tensor& b, const Scalar& beta,
          const Scalar& alpha)
      : type_(out.dtype()),
        device_(device_of(out)),
        c_{out, matrix_of(out, a.dim() == 1), {}, 0},
        a_{a, matrix_of(a, true), {}, 0},
        b_{b, matrix_of(b, false), {}, 0} {
    for (int64_t d = 3; d <= out.dim(); ++d) add_batch_dim(d);
    // Where C has its columns together, or is a row, C^T = B^T A^T is computed.
    const MatrixSteps& c = c_.steps;
    if (c.cols > 1 && (c.rows == 1 || (c.col_step != 1 && c.row_step == 1))) {
      for (MatrixOperand* o : {&a_, &b_, &c_}) o->turn();
      std::swap(a_, b_);
      turned_ = true;
    }
    plan_.m = static_cast<uint32_t>(c_.steps.rows);
    plan_.n = static_cast<uint32_t>(c_.steps.cols);
    if (is_floating(type_)) {
      plan_.alpha = static_cast<float>(alpha.to_double());
      plan_.beta = static_cast<float>(beta.to_double());
    } else {
      plan_.whole_alpha = whole(alpha);
      plan_.whole_beta = whole(beta);
    }
    // Nothing is read of operands that count for nothing.
    plan_.k = alpha.to_double() == 0 ? 0 : static_cast<uint32_t>(a_.steps.cols);
  }

  void run() {
    if (!by_library(nullptr)) part(sizes_, c_.at, a_.at, b_.at);
  }
  // Where the library adds the bias too.
  bool run_with_bias(const Tensor& bias) { return !turned_ && by_library(&bias); }

 private:
  static int64_t whole(const Scalar& s) {
    if (s.is_integral()) return s.to_int();
    const double v = s.to_double();
    return v > -0x1p63 && v < 0x1p63 ? static_cast<int64_t>(v) : 0;
  }

  bool by_library(const Tensor* bias) {
    return plan_.k > 0 && is_floating(type_) &&
           multiply_by_library(device_, a_, b_, c_, sizes_, plan_.alpha, plan_.beta, bias);
  }

  void add_batch_dim(int64_t from_the_end) {
    const int64_t size = c_.tensor.sizes()[c_.tensor.dim() - from_the_end];
    if (size == 1) return;
    const int64_t c = batch_step(c_.tensor, from_the_end), a = batch_step(a_.tensor, from_the_end),
                  b = batch_step(b_.tensor, from_the_end);
    if (!sizes_.empty()) {
      const int64_t inner = sizes_.back();
      if (c == c_.batch.back() * inner && a == a_.batch.back() * inner &&
          b == b_.batch.back() * inner) {
        sizes_.back() *= size;
        return;
      }
    }
    sizes_.push_back(size);
    c_.batch.push_back(c);
    a_.batch.push_back(a);
    b_.batch.push_back(b);
  }

  // Splits the batch until one launch takes it.
  void part(const Dims& sizes, int64_t c, int64_t a, int64_t b) {
    int64_t batch = 1;
    for (int64_t s : sizes) batch *= s;
    const int64_t tiles = ((plan_.m + 31) / 32) * int64_t{(plan_.n + 31) / 32};
    const bool fits = sizes.size() <= kBatchDims && batch * tiles <= kMaxGroups;
    c_.at = c, a_.at = a, b_.at = b;
    if (fits) return launch(sizes, batch);
    const size_t outer = sizes.size() - 1;
    const int64_t step = sizes.size() > kBatchDims ? 1 : (sizes[outer] + 1) / 2;
    for (int64_t begin = 0; begin < sizes[outer]; begin += step) {
      Dims some = sizes;
      some[outer] = std::min(step, sizes[outer] - begin);
      if (some[outer] == 1) some.pop_back();
      part(some, c + begin * c_.batch[outer], a + begin * a_.batch[outer],
           b + begin * b_.batch[outer]);
    }
  }

  void launch(const Dims& sizes, int64_t batch) {
    MatmulPlan p = plan_;
    p.batch = static_cast<uint32_t>(batch);
    p.batch_dims = static_cast<uint32_t>(sizes.size());
    for (size_t d = 0; d < sizes.size(); ++d) {
      p.batch_sizes[d] = static_cast<uint32_t>(sizes[d]);
      p.a_batch[d] = a_.batch[d], p.b_batch[d] = b_.batch[d], p.c_batch[d] = c_.batch[d];
    }
    p.a_row = a_.steps.row_step, p.a_col = a_.steps.col_step;
    p.b_row = b_.steps.row_step, p.b_col = b_.steps.col_step;
    p.c_row = c_.steps.row_step, p.c_col = c_.steps.col_step;
    const MatmulChoice choice =
        choose_matmul(p, type_, side_of(a_), side_of(b_), device_.info().cores);
    const char* suffix = shader_type(type_);
    const uint64_t constants[] = {choice.a.turned, choice.a.packed, choice.b.turned,
                                  choice.b.packed};
    const Tensor tensors[] = {a_.tensor, b_.tensor};
    const Kernel& k = kernel_for(device_, cat_str(kernel_base(choice.form), suffix), "matmul",
                                 tensors, constants);
    const bool tile = choice.form == MatmulForm::Tile32 || choice.form == MatmulForm::Tile64;
    Arguments args;
    // What is not read may have no memory.
    for (const MatrixOperand* o : {&a_, &b_}) (p.k > 0 ? *o : c_).bind(args);
    c_.bind(args);
    Tensor parts;
    if (p.splits == 1) {
      c_.bind(args);
    } else {
      parts = partial_sums(batch * p.m * p.n * p.splits);
      bind(args, parts);
    }
    args.value(p);
    device_.launch(k, {choice.groups}, {tile ? 128u : 256u}, args);
    if (p.splits > 1) finish(p, parts, batch * p.m * p.n);
  }

  Tensor partial_sums(int64_t count) const {
    const DType as = is_floating(type_)      ? DType::Float32
                     : type_ == DType::Int64 ? DType::Int64
                                             : DType::Int32;
    return empty({count}, as, c_.tensor.device(), "matmul");
  }

  // Few elements of many parts get a simdgroup each.
  void finish(const MatmulPlan& p, const Tensor& parts, int64_t elements) {
    const bool by_simdgroup = is_floating(type_) && p.splits >= 32;
    const Kernel& k = kernel(
        device_, cat_str(by_simdgroup ? "matmul_gather_" : "matmul_finish_", shader_type(type_)));
    Arguments args;
    c_.bind(args);
    bind(args, parts);
    args.value(p);
    launch_items(device_, k, by_simdgroup ? elements * 32 : elements, args);
  }

  const DType type_;
  ComputeDevice& device_;
  MatrixOperand c_, a_, b_;
  Dims sizes_;  // of the batch, innermost first
  bool turned_ = false;
  MatmulPlan plan_{};
};

// A library reads fewer layouts than our shaders do, but a copy costs it little.
bool copies_for_library(const Tensor& out, const Tensor& a, const Tensor& b) {
  if (a.dim() < 2 || b.dim() < 2 || !is_floating(out.dtype())) return false;
  if (out.size(-1) == 1 || out.size(-2) == 1 || !library_settings().products) return false;
  DenseLibrary* library = device_of(out).dense_library();
  return library && library->multiplies();
}

void matmul(const Tensor& out, const Tensor& a, const Tensor& b, const Scalar& beta,
            const Scalar& alpha) {
  if (out.numel() == 0) return;
  if (!shader_type(out.dtype())) {
    const Tensor tensors[] = {a, b};
    kernel_for(device_of(out), cat_str("matmul_", name(out.dtype())), "matmul", tensors);
  }
  if (copies_for_library(out, a, b)) {
    return Product(out, gemm_operand(a), gemm_operand(b), beta, alpha).run();
  }
  Product(out, a, b, beta, alpha).run();
}

void matmul_bias(const Tensor& out, const Tensor& a, const Tensor& b, const Tensor& bias) {
  if (copies_for_library(out, a, b) &&
      Product(out, gemm_operand(a), gemm_operand(b), 0, 1).run_with_bias(bias)) {
    return;
  }
  copy_kernel(out, out, bias);
  matmul(out, a, b, 1, 1);
}

void dot(const Tensor& out, const Tensor& a, const Tensor& b, bool) {
  matmul(make_view(out, {1}, {1}, out.offset()), a, b, 0, 1);
}

const RegisterGpuKernel register_matmul(matmul_kernel, &matmul);
const RegisterGpuKernel register_bias(matmul_bias_kernel, &matmul_bias);
const RegisterGpuKernel register_dot(dot_kernel, &dot);

}  // namespace

}  // namespace rt::gpu
