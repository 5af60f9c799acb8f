// cuBLASLt: matrix products. Its functions as a table, so that tests can put their own in.
#pragma once

#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "gpu/dense_library.h"

namespace rt::gpu::cuda {

// What is used of cublasLt.h, CUDA 12 and 13.
struct CublasLt {
  using Handle = void*;
  using Layout = void*;
  using Desc = void*;
  using Preference = void*;
  struct Algo {
    uint64_t data[8];
  };
  struct Heuristic {
    Algo algo;
    size_t workspace;
    int state;
    float waves;
    int reserved[4];
  };

  int (*create)(Handle*);
  int (*destroy)(Handle);
  size_t (*version)();
  const char* (*status_name)(int);
  int (*layout_create)(Layout*, int type, uint64_t rows, uint64_t cols, int64_t ld);
  int (*layout_destroy)(Layout);
  int (*layout_set)(Layout, int attribute, const void*, size_t);
  int (*desc_create)(Desc*, int compute_type, int scale_type);
  int (*desc_destroy)(Desc);
  int (*desc_set)(Desc, int attribute, const void*, size_t);
  int (*preference_create)(Preference*);
  int (*preference_destroy)(Preference);
  int (*preference_set)(Preference, int attribute, const void*, size_t);
  int (*heuristic)(Handle, Desc, Layout a, Layout b, Layout c, Layout d, Preference, int wanted,
                   Heuristic*, int* found);
  int (*matmul)(Handle, Desc, const void* alpha, const void* a, Layout, const void* b, Layout,
                const void* beta, const void* c, Layout, void* d, Layout, const Algo*,
                void* workspace, size_t, void* stream);
};

enum CublasStatus : int {
  kCublasSuccess = 0,
  kCublasInvalidValue = 7,
  kCublasArchMismatch = 8,
  kCublasNotSupported = 15,
};
enum CublasCompute : int { kCompute32F = 68, kCompute32FFastTF32 = 77 };
enum CudaType : int { kCudaR32F = 0, kCudaR16F = 2, kCudaR16BF = 14 };
enum LtLayoutAttribute : int { kLtBatchCount = 5, kLtBatchOffset = 6 };
enum LtDescAttribute : int { kLtTransA = 3, kLtTransB = 4, kLtEpilogue = 7, kLtBiasPointer = 8 };
enum LtEpilogue : uint32_t { kLtAddsBias = 4 };
enum LtPreferenceAttribute : int {
  kLtMaxWorkspace = 1,
  kLtReductionMask = 3,
  kLtAlignA = 5,
  kLtAlignB = 6,
  kLtAlignC = 7,
  kLtAlignD = 8,
};
// Parts of a sum are added in float32, in place or in the workspace; never in a 16-bit result.
inline constexpr uint32_t kLtReductions = 1 | 2;
inline constexpr uint64_t kLtWorkspace = uint64_t{32} << 20;

// The library, or null with the reason; opened once. RUSTORCH_CUBLASLT names a file. `driver`: the
// CUDA version of the driver, 13000.
const CublasLt* open_cublaslt(int driver, LibraryReport* report);

// The products of one device. Its context is current in every call.
class LtProducts {
 public:
  explicit LtProducts(const CublasLt& library) : lt_(library) {}
  LtProducts(const LtProducts&) = delete;
  ~LtProducts() {
    if (handle_) (void)lt_.destroy(handle_);
  }
  // Starts the library; false, with the reason, if it cannot run here.
  bool start(std::string* why_not);

  // Null for what it does not take, with the call that said so.
  std::shared_ptr<const LibraryPlan> find(const GemmKey& key, std::string* why_not);
  // False for what it turns out not to take; errors name the call and the product.
  bool run(const GemmKey& key, const LibraryPlan& plan, float alpha, float beta,
           const Arguments& memory, void* stream, std::string* why_not);

 private:
  std::string failed(const char* call, int status) const;
  const CublasLt& lt_;
  CublasLt::Handle handle_ = nullptr;
  std::mutex mutex_;
  // Null: refused.
  std::unordered_map<GemmKey, std::shared_ptr<const LibraryPlan>, KeyHash<GemmKey>,
                     KeyEqual<GemmKey>>
      plans_;
};

}  // namespace rt::gpu::cuda
