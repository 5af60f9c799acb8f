#include "gpu/cuda/libraries.h"

namespace rt::gpu::cuda {

namespace {

constexpr size_t kMostRefusals = 16;  // that a report tells of

void log_opened(const LibraryReport& report) {
  log_library(report.why_not.empty()
                  ? cat_str(report.name, " ", report.version, " opened: ", report.path)
                  : cat_str(report.name, " is not used: ", report.why_not));
}

}  // namespace

template <class T, class Open>
T* Libraries::open(Opened<T>& to, Open&& table) {
  bool now = false;
  std::call_once(to.once, [&] {
    now = true;
    const auto* functions = table(&to.report);
    if (!functions) return;
    auto library = std::make_unique<T>(*functions);
    if (library->start(&to.report.why_not)) to.library = std::move(library);
  });
  // With no lock held: who listens may wait for other threads.
  if (now) log_opened(to.report);
  return to.library.get();
}

LtProducts* Libraries::products() {
  return open(products_, [&](LibraryReport* r) { return open_cublaslt(driver_, r); });
}

// cuDNN's engines look for cuBLASLt: they find the one that is open.
CudnnConvolutions* Libraries::convolutions() {
  (void)products();
  return open(convolutions_, [&](LibraryReport* r) { return open_cudnn(r); });
}

void Libraries::refused(LibraryReport& report, const std::string& what,
                        const std::string& why_not) {
  std::string message = cat_str(what, ": ", why_not);
  log_library(cat_str(report.name, " refuses, and our shader runs: ", message));
  std::lock_guard lock(mutex_);
  if (report.refusals.size() < kMostRefusals) report.refusals.push_back(std::move(message));
}

template <class T, class Key>
std::shared_ptr<const LibraryPlan> Libraries::find_in(Opened<T>& in, T* library, const Key& key) {
  if (!library) return nullptr;
  std::string why_not;
  auto plan = library->find(key, &why_not);
  if (!why_not.empty()) refused(in.report, describe(key), why_not);
  return plan;
}

std::shared_ptr<const LibraryPlan> Libraries::find(const GemmKey& key) {
  return find_in(products_, products(), key);
}
std::shared_ptr<const LibraryPlan> Libraries::find(const ConvKey& key) {
  return find_in(convolutions_, convolutions(), key);
}

bool Libraries::run(const GemmKey& key, const LibraryPlan& plan, float alpha, float beta,
                    const Arguments& memory, void* stream) {
  std::string why_not;
  if (!products_.library->run(key, plan, alpha, beta, memory, stream, &why_not)) {
    refused(products_.report, describe(key), why_not);
    return false;
  }
  products_.calls.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool Libraries::run(const ConvKey& key, const LibraryPlan& plan, const Arguments& memory,
                    void* stream) {
  std::string why_not;
  if (!convolutions_.library->run(key, plan, memory, stream, &why_not)) {
    refused(convolutions_.report, describe(key), why_not);
    return false;
  }
  convolutions_.calls.fetch_add(1, std::memory_order_relaxed);
  return true;
}

std::vector<LibraryReport> Libraries::reports() {
  (void)convolutions();
  std::lock_guard lock(mutex_);
  std::vector<LibraryReport> all{products_.report, convolutions_.report};
  all[0].calls = products_.calls;
  all[1].calls = convolutions_.calls;
  return all;
}

}  // namespace rt::gpu::cuda
