// The libraries of one NVIDIA GPU, opened when they are first needed.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "gpu/cuda/cublaslt.h"
#include "gpu/cuda/cudnn.h"

namespace rt::gpu::cuda {

// The device's context is current in every call.
class Libraries {
 public:
  // `driver`: the CUDA version of the driver, 13000.
  explicit Libraries(int driver) : driver_(driver) {}

  bool multiplies() { return products() != nullptr; }
  std::shared_ptr<const LibraryPlan> find(const GemmKey& key);
  std::shared_ptr<const LibraryPlan> find(const ConvKey& key);
  bool run(const GemmKey& key, const LibraryPlan& plan, float alpha, float beta,
           const Arguments& memory, void* stream);
  bool run(const ConvKey& key, const LibraryPlan& plan, const Arguments& memory, void* stream);
  std::vector<LibraryReport> reports();

 private:
  // One library, opened on the first call.
  template <class T>
  struct Opened {
    std::once_flag once;
    std::unique_ptr<T> library;
    LibraryReport report;  // under mutex_, once opened
    std::atomic<int64_t> calls{0};
  };
  template <class T, class Open>
  T* open(Opened<T>& to, Open&& table);
  LtProducts* products();
  CudnnConvolutions* convolutions();
  template <class T, class Key>
  std::shared_ptr<const LibraryPlan> find_in(Opened<T>& in, T* library, const Key& key);
  // Notes a case that is left to the shaders.
  void refused(LibraryReport& report, const std::string& what, const std::string& why_not);

  const int driver_;
  Opened<LtProducts> products_;
  Opened<CudnnConvolutions> convolutions_;
  std::mutex mutex_;  // of the reports
};

}  // namespace rt::gpu::cuda
