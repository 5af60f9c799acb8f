#include "gpu/cuda/cublaslt.h"

#include "gpu/cuda/shared_library.h"

namespace rt::gpu::cuda {

namespace {

constexpr size_t kMostPlans = 4096;

int cuda_type(DType type) {
  return type == DType::Float32 ? kCudaR32F : type == DType::Float16 ? kCudaR16F : kCudaR16BF;
}

// One handle of the library, given back at the end.
template <class Destroy>
class Owned {
 public:
  Owned() = default;
  Owned(const Owned&) = delete;
  ~Owned() {
    if (handle) (void)destroy(handle);
  }
  void* handle = nullptr;
  Destroy destroy = nullptr;
};
using Item = Owned<int (*)(void*)>;

struct LtPlan final : LibraryPlan {
  LtPlan() : LibraryPlan(0) {}
  void set_workspace(size_t bytes) { workspace_ = bytes; }
  Item desc, a, b, c;
  CublasLt::Algo algo{};
};

// The calls that make a plan; the first that fails is kept.
struct Calls {
  const char* name = nullptr;
  int status = kCublasSuccess;
  bool operator()(const char* call, int result) {
    name = call, status = result;
    return result == kCublasSuccess;
  }
};

bool layout(const CublasLt& lt, Calls& ok, Item& item, const GemmKey& key, int64_t rows,
            int64_t cols, int64_t ld, int64_t step) {
  item.destroy = lt.layout_destroy;
  const auto type = cuda_type(static_cast<DType>(key.type));
  if (!ok("cublasLtMatrixLayoutCreate",
          lt.layout_create(&item.handle, type, static_cast<uint64_t>(rows),
                           static_cast<uint64_t>(cols), ld))) {
    return false;
  }
  if (key.batch == 1) return true;
  const auto count = static_cast<int32_t>(key.batch);
  return ok("cublasLtMatrixLayoutSetAttribute",
            lt.layout_set(item.handle, kLtBatchCount, &count, sizeof count)) &&
         ok("cublasLtMatrixLayoutSetAttribute",
            lt.layout_set(item.handle, kLtBatchOffset, &step, sizeof step));
}

bool set_bias(const CublasLt& lt, Calls& ok, const LtPlan& plan, const void* bias) {
  return ok(
      "cublasLtMatmulDescSetAttribute",
      lt.desc_set(plan.desc.handle, kLtBiasPointer, static_cast<const void*>(&bias), sizeof bias));
}

bool with_bias(const CublasLt& lt, Calls& ok, const LtPlan& plan, const GemmKey& key) {
  const uint32_t epilogue = kLtAddsBias;
  // Only the alignment of the address counts for the choice of an algorithm.
  return ok("cublasLtMatmulDescSetAttribute",
            lt.desc_set(plan.desc.handle, kLtEpilogue, &epilogue, sizeof epilogue)) &&
         set_bias(lt, ok, plan, reinterpret_cast<const void*>(key.bias_align));
}

bool describe_product(const CublasLt& lt, Calls& ok, LtPlan& plan, const GemmKey& key) {
  plan.desc.destroy = lt.desc_destroy;
  const int compute = key.tf32 ? kCompute32FFastTF32 : kCompute32F;
  const auto transposed = [&](int attribute, int64_t turned) {
    const auto op = static_cast<int32_t>(turned);  // CUBLAS_OP_N, CUBLAS_OP_T
    return ok("cublasLtMatmulDescSetAttribute",
              lt.desc_set(plan.desc.handle, attribute, &op, sizeof op));
  };
  return ok("cublasLtMatmulDescCreate", lt.desc_create(&plan.desc.handle, compute, kCudaR32F)) &&
         transposed(kLtTransA, key.a_turned) && transposed(kLtTransB, key.b_turned) &&
         (key.bias_align == 0 || with_bias(lt, ok, plan, key)) &&
         layout(lt, ok, plan.a, key, key.a_turned ? key.k : key.m, key.a_turned ? key.m : key.k,
                key.lda, key.a_step) &&
         layout(lt, ok, plan.b, key, key.b_turned ? key.n : key.k, key.b_turned ? key.k : key.n,
                key.ldb, key.b_step) &&
         layout(lt, ok, plan.c, key, key.m, key.n, key.ldc, key.c_step);
}

bool describe_wishes(const CublasLt& lt, Calls& ok, Item& preference, const GemmKey& key) {
  preference.destroy = lt.preference_destroy;
  const auto set = [&](int attribute, const auto& value) {
    return ok("cublasLtMatmulPreferenceSetAttribute",
              lt.preference_set(preference.handle, attribute, &value, sizeof value));
  };
  const auto align = [&](int attribute, int64_t bytes) {
    return set(attribute, static_cast<uint32_t>(bytes));
  };
  return ok("cublasLtMatmulPreferenceCreate", lt.preference_create(&preference.handle)) &&
         set(kLtMaxWorkspace, kLtWorkspace) && set(kLtReductionMask, kLtReductions) &&
         align(kLtAlignA, key.a_align) && align(kLtAlignB, key.b_align) &&
         align(kLtAlignC, key.c_align) && align(kLtAlignD, key.c_align);
}

void* address(const Arguments::Slot& slot) {
  return static_cast<char*>(slot.block.address) + slot.offset;
}

}  // namespace

const CublasLt* open_cublaslt(int driver, LibraryReport* report) {
  static CublasLt lt;
  static LibraryReport found = [] {
    LibraryReport r;
    r.name = "cublasLt";
    return r;
  }();
  static const bool opened = [&] {
    found.why_not = "libcublasLt is not found: pip install 'rustorch[cuda]'";
    // A library runs on drivers of its own major version and later ones.
    std::vector<int> majors;
    for (int major : {13, 12}) {
      if (driver / 1000 >= major) majors.push_back(major);
    }
    for (const std::string& path :
         library_candidates("RUSTORCH_CUBLASLT", "libcublasLt.so.", majors)) {
      SharedLibrary library;
      if (!library.open(path)) continue;
      if (library.load("cublasLtCreate", lt.create) &&
          library.load("cublasLtDestroy", lt.destroy) &&
          library.load("cublasLtGetVersion", lt.version) &&
          library.load("cublasLtGetStatusName", lt.status_name) &&
          library.load("cublasLtMatrixLayoutCreate", lt.layout_create) &&
          library.load("cublasLtMatrixLayoutDestroy", lt.layout_destroy) &&
          library.load("cublasLtMatrixLayoutSetAttribute", lt.layout_set) &&
          library.load("cublasLtMatmulDescCreate", lt.desc_create) &&
          library.load("cublasLtMatmulDescDestroy", lt.desc_destroy) &&
          library.load("cublasLtMatmulDescSetAttribute", lt.desc_set) &&
          library.load("cublasLtMatmulPreferenceCreate", lt.preference_create) &&
          library.load("cublasLtMatmulPreferenceDestroy", lt.preference_destroy) &&
          library.load("cublasLtMatmulPreferenceSetAttribute", lt.preference_set) &&
          library.load("cublasLtMatmulAlgoGetHeuristic", lt.heuristic) &&
          library.load("cublasLtMatmul", lt.matmul)) {
        found.path = library.path();
        found.version = static_cast<int64_t>(lt.version());
        found.why_not.clear();
        return true;
      }
      found.why_not = library.why_not();
    }
    return false;
  }();
  *report = found;
  return opened ? &lt : nullptr;
}

std::string LtProducts::failed(const char* call, int status) const {
  const char* name = lt_.status_name(status);
  return cat_str(call, ": ", name ? name : std::to_string(status).c_str());
}

bool LtProducts::start(std::string* why_not) {
  const int status = lt_.create(&handle_);
  if (status != kCublasSuccess) *why_not = failed("cublasLtCreate", status);
  return status == kCublasSuccess;
}

std::shared_ptr<const LibraryPlan> LtProducts::find(const GemmKey& key, std::string* why_not) {
  std::lock_guard lock(mutex_);
  if (const auto it = plans_.find(key); it != plans_.end()) return it->second;
  if (plans_.size() >= kMostPlans) plans_.clear();
  Calls ok;
  CublasLt::Heuristic best{};
  int count = 0;
  auto plan = std::make_shared<LtPlan>();
  Item preference;
  const bool asked =
      describe_product(lt_, ok, *plan, key) && describe_wishes(lt_, ok, preference, key) &&
      ok("cublasLtMatmulAlgoGetHeuristic",
         lt_.heuristic(handle_, plan->desc.handle, plan->a.handle, plan->b.handle, plan->c.handle,
                       plan->c.handle, preference.handle, 1, &best, &count)) &&
      ok("cublasLtMatmulAlgoGetHeuristic", count > 0 ? best.state : kCublasNotSupported);
  if (!asked) {
    *why_not = failed(ok.name, ok.status);
    return plans_[key] = nullptr;
  }
  plan->algo = best.algo;
  plan->set_workspace(best.workspace);
  return plans_[key] = std::move(plan);
}

bool LtProducts::run(const GemmKey& key, const LibraryPlan& plan, float alpha, float beta,
                     const Arguments& memory, void* stream, std::string* why_not) {
  const auto& lt = static_cast<const LtPlan&>(plan);
  const auto slots = memory.slots();
  void* const c = address(slots[2]);
  void* const workspace =
      plan.workspace() > 0 ? address(slots[key.bias_align > 0 ? 4 : 3]) : nullptr;
  // The address of a bias is a part of the plan, which others may run too.
  std::unique_lock<std::mutex> lock;
  if (key.bias_align > 0) {
    lock = std::unique_lock(mutex_);
    Calls ok;
    RT_CHECK(set_bias(lt_, ok, lt, address(slots[3])), Runtime, "cuda", failed(ok.name, ok.status),
             describe(key));
  }
  const int status = lt_.matmul(handle_, lt.desc.handle, &alpha, address(slots[0]), lt.a.handle,
                                address(slots[1]), lt.b.handle, &beta, c, lt.c.handle, c,
                                lt.c.handle, &lt.algo, workspace, plan.workspace(), stream);
  if (status == kCublasSuccess) [[likely]]
    return true;
  const std::string what = failed("cublasLtMatmul", status);
  const bool refused = status == kCublasNotSupported || status == kCublasArchMismatch ||
                       status == kCublasInvalidValue;
  RT_CHECK(refused, Runtime, "cuda", what, describe(key));
  if (!lock) lock = std::unique_lock(mutex_);
  plans_[key] = nullptr;
  *why_not = what;
  return false;
}

}  // namespace rt::gpu::cuda
