// The libraries of one NVIDIA GPU, opened when they are first needed.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "gpu/cuda/cublaslt.h"

namespace rt::gpu::cuda {

// The device's context is current in every call.
class Libraries {
 public:
  // `driver`: the CUDA version of the driver, 13000.
  explicit Libraries(int driver) : driver_(driver) {}

  bool multiplies() { return products() != nullptr; }
  std::shared_ptr<const LibraryPlan> find(const GemmKey& key);
  bool run(const GemmKey& key, const LibraryPlan& plan, float alpha, float beta,
           const Arguments& memory, void* stream);
  std::vector<LibraryReport> reports();

 private:
  LtProducts* products();
  // Notes a case that is left to the shaders.
  void refused(LibraryReport& report, const std::string& what, const std::string& why_not);

  const int driver_;
  std::once_flag products_opened_;
  std::optional<LtProducts> products_;
  std::atomic<int64_t> product_calls_{0};
  std::mutex mutex_;  // of the report
  LibraryReport products_report_;
};

}  // namespace rt::gpu::cuda
