// Matrix products by a library: what it is asked for, and what becomes of its answers. The library
// is a double that multiplies by columns on the host, as cuBLASLt says it does.
#include <array>
#include <cstring>

#include "bare_device.h"
#include "check.h"
#include "gpu/cuda/cublaslt.h"
#include "gpu/gemm.h"
#include "ops/ops.h"

namespace {

using namespace rt;
using namespace rt::gpu;
using namespace rt::gpu::cuda;

// ---- What a library can be asked ----

void layouts_are_read_as_they_lie() {
  const auto side = [](MatrixSteps m) { return gemm_side(m); };
  CHECK(!side({8, 16, 16, 1})->turned && side({8, 16, 16, 1})->ld == 16);
  CHECK(!side({8, 16, 20, 1})->turned && side({8, 16, 20, 1})->ld == 20);
  CHECK(side({8, 16, 1, 8})->turned && side({8, 16, 1, 9})->ld == 9);
  CHECK(side({1, 16, 7, 1})->ld == 16);  // one row has no next
  CHECK(side({1, 16, 7, 3})->turned && side({1, 16, 7, 3})->ld == 3);
  CHECK(!side({16, 1, 5, 9})->turned && side({16, 1, 5, 9})->ld == 5);
  CHECK(!side({8, 16, 32, 2}));                         // scattered
  CHECK(!side({8, 16, 8, 1}));                          // rows overlap
  CHECK(!side({8, 16, 0, 1}) && !side({8, 16, 1, 0}));  // repeated
}

void batches_become_few_calls() {
  CHECK(gemm_batch(Dims{}).calls == 1);
  CHECK(gemm_batch(Dims{12}).calls == 1 && gemm_batch(Dims{12, 8}).calls == 8);
  CHECK(gemm_batch(Dims{3, 8, 2}).dim == 1 && gemm_batch(Dims{3, 8, 2}).calls == 6);
  CHECK(gemm_batch(Dims{70000}).calls == 2);
}

void addresses_and_steps_share_an_alignment() {
  CHECK(alignment_of(4096) == 256 && alignment_of(4096 | 32) == 32 && alignment_of(2) == 2);
}

void only_products_of_matrices_are_asked_for() {
  const MatrixSteps a{8, 16, 16, 1}, b{16, 4, 4, 1}, c{8, 4, 4, 1};
  const auto key = gemm_key(DType::Float16, a, b, c);
  CHECK(key && key->m == 4 && key->n == 8 && key->k == 16);
  CHECK(key->lda == 4 && key->ldb == 16 && key->ldc == 4 && !key->a_turned && !key->b_turned);
  CHECK(!gemm_key(DType::Int32, a, b, c) && !gemm_key(DType::Float64, a, b, c));
  CHECK(!gemm_key(DType::Float32, a, {16, 1, 1, 1}, {8, 1, 1, 1}));  // a vector
  CHECK(!gemm_key(DType::Float32, a, b, {8, 4, 8, 2}));              // a scattered result
  CHECK(
      !gemm_key(DType::Float32, a, b, {8, 4, 1, 8}));  // which is turned before, with its operands
  const int64_t far = int64_t{1} << 32;
  CHECK(!gemm_key(DType::Float32, {8, 16, far, 1}, b, c));
}

// ---- The double ----

struct Layout {
  int type;
  int64_t rows, cols, ld;
  int32_t batch = 1;
  int64_t step = 0;
};
struct Desc {
  int compute;
  std::array<int32_t, 8> values{};
  const float* bias = nullptr;
};
struct Record {
  int live = 0, heuristics = 0, products = 0;
  int answer = kCublasSuccess, found = 1, run = kCublasSuccess;
  std::array<uint64_t, 9> wishes{};
  int compute = 0;
} g;

template <class T, class... A>
int made(void** out, A... args) {
  *out = new T{args...};
  ++g.live;
  return kCublasSuccess;
}
template <class T>
int destroyed(void* p) {
  delete static_cast<T*>(p);
  --g.live;
  return kCublasSuccess;
}

int multiplied(void*, void* desc, const void* alpha, const void* a, void* la, const void* b,
               void* lb, const void* beta, const void* c, void* lc, void* d, void* ld,
               const CublasLt::Algo* algo, void*, size_t, void* stream) {
  if (g.run != kCublasSuccess) return g.run;
  CHECK(algo->data[0] == 42 && c == d && lc == ld && stream == &g);
  const Layout &A = *static_cast<Layout*>(la), &B = *static_cast<Layout*>(lb),
               &C = *static_cast<Layout*>(lc);
  const auto& op = static_cast<Desc*>(desc)->values;
  const bool at = op[kLtTransA], bt = op[kLtTransB];
  const float* bias = op[kLtEpilogue] == kLtAddsBias ? static_cast<Desc*>(desc)->bias : nullptr;
  const int64_t depth = at ? A.rows : A.cols;
  CHECK((at ? A.cols : A.rows) == C.rows && (bt ? B.rows : B.cols) == C.cols);
  CHECK((bt ? B.cols : B.rows) == depth && A.batch == C.batch && B.batch == C.batch);
  for (const Layout* l : {&A, &B, &C}) CHECK(l->ld >= l->rows && l->type == kCudaR32F);
  const auto *x = static_cast<const float*>(a), *y = static_cast<const float*>(b);
  auto* z = static_cast<float*>(d);
  const float scale = *static_cast<const float*>(alpha), keep = *static_cast<const float*>(beta);
  for (int64_t n = 0; n < C.batch; ++n) {
    for (int64_t i = 0; i < C.rows; ++i) {
      for (int64_t j = 0; j < C.cols; ++j) {
        float sum = 0;
        for (int64_t k = 0; k < depth; ++k) {
          sum += x[n * A.step + (at ? k + i * A.ld : i + k * A.ld)] *
                 y[n * B.step + (bt ? j + k * B.ld : k + j * B.ld)];
        }
        float& at_ij = z[n * C.step + i + j * C.ld];
        at_ij = scale * sum + (keep == 0 ? 0 : keep * at_ij) + (bias ? bias[i] : 0);
      }
    }
  }
  ++g.products;
  return kCublasSuccess;
}

CublasLt the_double() {
  CublasLt t{};
  t.create = [](void** h) { return made<int>(h); };
  t.destroy = destroyed<int>;
  t.version = [] { return size_t{130000}; };
  t.status_name = [](int s) { return s == kCublasNotSupported ? "NOT_SUPPORTED" : "STATUS"; };
  t.layout_create = [](void** p, int type, uint64_t rows, uint64_t cols, int64_t ld) {
    return made<Layout>(p, type, static_cast<int64_t>(rows), static_cast<int64_t>(cols), ld);
  };
  t.layout_destroy = destroyed<Layout>;
  t.layout_set = [](void* p, int attribute, const void* value, size_t bytes) {
    auto& l = *static_cast<Layout*>(p);
    CHECK(bytes == (attribute == kLtBatchCount ? 4u : 8u));
    std::memcpy(attribute == kLtBatchCount ? static_cast<void*>(&l.batch) : &l.step, value, bytes);
    return int{kCublasSuccess};
  };
  t.desc_create = [](void** p, int compute, int scale) {
    CHECK(scale == kCudaR32F);
    g.compute = compute;
    return made<Desc>(p, compute);
  };
  t.desc_destroy = destroyed<Desc>;
  t.desc_set = [](void* p, int attribute, const void* value, size_t bytes) {
    CHECK(bytes == (attribute == kLtBiasPointer ? 8u : 4u));
    if (attribute == kLtBiasPointer) {
      std::memcpy(static_cast<void*>(&static_cast<Desc*>(p)->bias), value, bytes);
      return int{kCublasSuccess};
    }
    std::memcpy(&static_cast<Desc*>(p)->values[static_cast<size_t>(attribute)], value, bytes);
    return int{kCublasSuccess};
  };
  t.preference_create = [](void** p) { return made<int>(p); };
  t.preference_destroy = destroyed<int>;
  t.preference_set = [](void*, int attribute, const void* value, size_t bytes) {
    CHECK(bytes == (attribute == kLtMaxWorkspace ? 8u : 4u));
    g.wishes[static_cast<size_t>(attribute)] = 0;
    std::memcpy(&g.wishes[static_cast<size_t>(attribute)], value, bytes);
    return int{kCublasSuccess};
  };
  t.heuristic = [](void*, void*, void*, void*, void*, void*, void*, int wanted,
                   CublasLt::Heuristic* best, int* found) {
    CHECK(wanted == 1);
    ++g.heuristics;
    *best = {};
    best->algo.data[0] = 42;
    *found = g.found;
    return g.answer;
  };
  t.matmul = multiplied;
  return t;
}

class Accelerator final : public BareDevice {
 public:
  Accelerator() : table_(the_double()), products_(table_) { CHECK(products_.start(&why_not)); }
  using BareDevice::find;
  using BareDevice::run;
  std::shared_ptr<const LibraryPlan> find(const GemmKey& key) override {
    return products_.find(key, &why_not);
  }
  bool run(const GemmKey& key, const LibraryPlan& plan, float alpha, float beta,
           const Arguments& memory) override {
    return products_.run(key, plan, alpha, beta, memory, &g, &why_not);
  }

 private:
  CublasLt table_;
  LtProducts products_;
};

MatrixOperand operand(Array& a, MatrixSteps steps, Dims batch = {}, int64_t at = 0) {
  return {a.tensor({static_cast<int64_t>(a.values.size())}), steps, std::move(batch), at};
}

struct Steps {
  MatrixSteps a, b, c;
  Dims sizes = {}, a_batch = {}, b_batch = {}, c_batch = {};
};

// 2 a b + beta c, by the double and by the definition.
void same_as_the_definition(Accelerator& device, const Steps& s, float beta, int64_t calls) {
  Array a(4096), b(4097), c(4098);
  std::vector<float> want = c.values;
  int64_t all = 1;
  for (int64_t n : s.sizes) all *= n;
  for (int64_t batch = 0; batch < all; ++batch) {
    int64_t rest = batch, at[3] = {1, 0, 3};
    for (size_t d = 0; d < s.sizes.size(); ++d) {
      at[0] += rest % s.sizes[d] * s.a_batch[d];
      at[1] += rest % s.sizes[d] * s.b_batch[d];
      at[2] += rest % s.sizes[d] * s.c_batch[d];
      rest /= s.sizes[d];
    }
    for (int64_t i = 0; i < s.c.rows; ++i) {
      for (int64_t j = 0; j < s.c.cols; ++j) {
        float sum = 0;
        for (int64_t k = 0; k < s.a.cols; ++k) {
          sum += a.values[static_cast<size_t>(at[0] + i * s.a.row_step + k * s.a.col_step)] *
                 b.values[static_cast<size_t>(at[1] + k * s.b.row_step + j * s.b.col_step)];
        }
        float& to = want[static_cast<size_t>(at[2] + i * s.c.row_step + j * s.c.col_step)];
        to = 2 * sum + (beta == 0 ? 0 : beta * to);
      }
    }
  }
  const int before = g.products;
  CHECK(multiply_by_library(device, operand(a, s.a, s.a_batch, 1), operand(b, s.b, s.b_batch),
                            operand(c, s.c, s.c_batch, 3), s.sizes, 2, beta));
  CHECK(g.products - before == calls);
  CHECK(c.values == want);
}

const Steps kPlain{{5, 7, 7, 1}, {7, 6, 6, 1}, {5, 6, 6, 1}};

void products_are_those_of_the_definition() {
  Accelerator device;
  for (float beta : {0.0f, 1.0f, -3.0f}) {
    same_as_the_definition(device, kPlain, beta, 1);
    // Both operands turned, with gaps between their columns and between the result's rows.
    same_as_the_definition(device, {{5, 7, 1, 8}, {7, 6, 1, 9}, {5, 6, 11, 1}}, beta, 1);
    same_as_the_definition(device, {{5, 7, 1, 5}, {7, 6, 6, 1}, {5, 6, 6, 1}}, beta, 1);
    same_as_the_definition(device, {{5, 7, 7, 1}, {7, 6, 1, 7}, {5, 6, 6, 1}}, beta, 1);
    // A batch; one that shares an operand; two dims that do not merge.
    same_as_the_definition(
        device, {kPlain.a, kPlain.b, kPlain.c, Dims{4}, Dims{35}, Dims{42}, Dims{30}}, beta, 1);
    same_as_the_definition(
        device, {kPlain.a, kPlain.b, kPlain.c, Dims{4}, Dims{0}, Dims{42}, Dims{30}}, beta, 1);
    same_as_the_definition(
        device, {kPlain.a, kPlain.b, kPlain.c, Dims{4, 3}, Dims{35, 0}, Dims{0, 50}, Dims{30, 120}},
        beta, 3);
  }
}

bool multiply(Accelerator& device, const Steps& s = kPlain) {
  Array a(4096), b(4096), c(4096);
  return multiply_by_library(device, operand(a, s.a), operand(b, s.b), operand(c, s.c), {}, 1, 0);
}

void a_bias_is_added_to_every_row() {
  Accelerator device;
  for (int run = 0; run < 2; ++run) {  // one way, two biases
    Array a(35), b(42), c(30), bias(6, static_cast<unsigned>(run));
    const Tensor row = bias.tensor({6});
    CHECK(multiply_by_library(device, operand(a, kPlain.a), operand(b, kPlain.b),
                              operand(c, kPlain.c), {}, 1, 0, &row));
    for (size_t i = 0; i < 5; ++i) {
      for (size_t j = 0; j < 6; ++j) {
        float sum = bias.values[j];
        for (size_t k = 0; k < 7; ++k) sum += a.values[i * 7 + k] * b.values[k * 6 + j];
        CHECK(c.values[i * 6 + j] == sum);
      }
    }
  }
}

void a_way_is_found_once() {
  Accelerator device;
  g.heuristics = 0;
  CHECK(multiply(device) && multiply(device) && g.heuristics == 1);
  CHECK(g.compute == kCompute32F);
  CHECK(g.wishes[kLtMaxWorkspace] == kLtWorkspace && g.wishes[kLtReductionMask] == kLtReductions);
  CHECK(g.wishes[kLtAlignA] >= 4 && g.wishes[kLtAlignC] == g.wishes[kLtAlignD]);
  library_settings().products_tf32 = true;
  CHECK(multiply(device) && g.heuristics == 2 && g.compute == kCompute32FFastTF32);
  library_settings().products_tf32 = false;
  library_settings().products = false;
  CHECK(!multiply(device));
  library_settings().products = true;
}

void refusals_are_remembered() {
  Accelerator device;
  g.heuristics = 0, g.found = 0;
  CHECK(!multiply(device) && !multiply(device) && g.heuristics == 1);
  CHECK(device.why_not == "cublasLtMatmulAlgoGetHeuristic: NOT_SUPPORTED");
  g.found = 1, g.answer = 14;
  CHECK(!multiply(device, {{5, 8, 8, 1}, {8, 6, 6, 1}, {5, 6, 6, 1}}));
  g.answer = kCublasSuccess, g.run = kCublasNotSupported;
  const Steps other{{5, 9, 9, 1}, {9, 6, 6, 1}, {5, 6, 6, 1}};
  CHECK(!multiply(device, other) && device.why_not == "cublasLtMatmul: NOT_SUPPORTED");
  g.run = kCublasSuccess;
  CHECK(!multiply(device, other));  // it stays so
}

void failures_name_the_call_and_the_product() {
  Accelerator device;
  g.run = 13;
  std::string message;
  try {
    (void)multiply(device);
  } catch (const Error& e) {
    message = e.what();
  }
  g.run = kCublasSuccess;
  CHECK(message.find("cublasLtMatmul: STATUS") != std::string::npos);
  CHECK(message.find("float32 product of 6x7 and 7x5") != std::string::npos);
}

}  // namespace

void test_libraries() {
  layouts_are_read_as_they_lie();
  batches_become_few_calls();
  addresses_and_steps_share_an_alignment();
  only_products_of_matrices_are_asked_for();
  products_are_those_of_the_definition();
  a_bias_is_added_to_every_row();
  a_way_is_found_once();
  refusals_are_remembered();
  failures_name_the_call_and_the_product();
  CHECK(g.live == 0);
}
