// Products through oneDNN.
#ifdef RT_USE_ONEDNN
#include <cstdint>

#include "cpu/gemm_backends.h"
#include "cpu/lru_cache.h"
#include "cpu/onednn.h"
#include "cpu/parallel.h"

namespace rt::cpu::detail {

namespace {

using dnnl::memory;

constexpr const char* kOp = "matmul";

// A product of fixed sizes, and handles that are pointed at the operands of each call. They belong
// to one thread, so a call needs no lock and allocates nothing.
struct MatmulPlan {
  dnnl::matmul primitive;
  memory a, b, c;
  std::array<dnnl_exec_arg_t, 3> args;
};

using MatmulKey = PrimitiveKey<11>;
constexpr size_t kPlansPerThread = 256;

memory::desc matrix(memory::data_type type, Trans t, int64_t rows, int64_t cols, int64_t ld) {
  return {{rows, cols}, type, t == Trans::No ? memory::dims{ld, 1} : memory::dims{1, ld}};
}

MatmulPlan make_plan(memory::data_type type, Trans ta, Trans tb, int64_t m, int64_t n, int64_t k,
                     int64_t lda, int64_t ldb, int64_t ldc, float beta) {
  const memory::desc a = matrix(type, ta, m, k, lda);
  const memory::desc b = matrix(type, tb, k, n, ldb);
  const memory::desc c = matrix(type, Trans::No, m, n, ldc);
  dnnl::primitive_attr attributes;
  if (beta != 0.0f) {
    dnnl::post_ops post;
    post.append_sum(beta);
    attributes.set_post_ops(post);
  }
  const dnnl::engine& engine = onednn_engine();
  const dnnl::matmul::primitive_desc description(engine, a, b, c, attributes);
  MatmulPlan plan{dnnl::matmul(description),
                  memory(a, engine, nullptr),
                  memory(b, engine, nullptr),
                  memory(c, engine, nullptr),
                  {}};
  plan.args = {{{DNNL_ARG_SRC, plan.a.get()},
                {DNNL_ARG_WEIGHTS, plan.b.get()},
                {DNNL_ARG_DST, plan.c.get()}}};
  return plan;
}

void run_matmul(memory::data_type type, Trans ta, Trans tb, int64_t m, int64_t n, int64_t k,
                const void* a, int64_t lda, const void* b, int64_t ldb, float beta, void* c,
                int64_t ldc) {
  thread_local LruCache<MatmulKey, MatmulPlan, PrimitiveKeyHash> plans(kPlansPerThread);
  const LibraryThreadScope threads;
  // Conjugation of real numbers does nothing, so both kinds of transposition share a plan.
  const MatmulKey key{
      static_cast<int64_t>(type),   ta != Trans::No,  tb != Trans::No, m, n, k, lda, ldb, ldc,
      std::bit_cast<int32_t>(beta), threads.threads()};
  with_onednn_errors(kOp, [&] {
    MatmulPlan& plan =
        plans.get(key, [&] { return make_plan(type, ta, tb, m, n, k, lda, ldb, ldc, beta); });
    plan.a.set_data_handle(const_cast<void*>(a));
    plan.b.set_data_handle(const_cast<void*>(b));
    plan.c.set_data_handle(c);
    dnnl::error::wrap_c_api(
        dnnl_primitive_execute(plan.primitive.get(), onednn_stream().get(),
                               static_cast<int>(plan.args.size()), plan.args.data()),
        "could not execute a matrix product");
  });
}

// sgemm packs the matrix B badly when it is transposed and A has few rows; the matmul primitive
// has kernels for that, but is slower for short sums and for tiny A (see the table in gemm.cpp).
bool prefer_primitive(const GemmArgs<float>& g) {
  if (g.alpha != 1.0f || g.k <= 32) return false;
  if (g.tb == Trans::No) return false;
  return g.ta != Trans::No || (g.n > 32 && g.m >= 8);
}

}  // namespace

void onednn_gemm(const GemmArgs<float>& g) {
  if (prefer_primitive(g)) {
    run_matmul(memory::data_type::f32, g.ta, g.tb, g.m, g.n, g.k, g.a, g.lda, g.b, g.ldb, g.beta,
               g.c, g.ldc);
    return;
  }
  const LibraryThreadScope threads;
  with_onednn_errors(kOp, [&] {
    dnnl::error::wrap_c_api(
        dnnl_sgemm(g.ta == Trans::No ? 'N' : 'T', g.tb == Trans::No ? 'N' : 'T', g.m, g.n, g.k,
                   g.alpha, g.a, g.lda, g.b, g.ldb, g.beta, g.c, g.ldc),
        "sgemm");
  });
}

bool onednn_gemm_bfloat16(Trans ta, Trans tb, int64_t m, int64_t n, int64_t k, const BFloat16* a,
                          int64_t lda, const BFloat16* b, int64_t ldb, float beta, BFloat16* c,
                          int64_t ldc) {
  static const bool native = [] {
    const dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
  }();
  if (!native) return false;
  run_matmul(memory::data_type::bf16, ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
  return true;
}

}  // namespace rt::cpu::detail
#endif
