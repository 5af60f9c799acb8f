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

LtProducts* Libraries::products() {
  bool now = false;
  std::call_once(products_opened_, [&] {
    if (const CublasLt* lt = open_cublaslt(driver_, &products_report_)) products_.emplace(*lt);
    now = true;
  });
  // With no lock held: who listens may wait for other threads.
  if (now) log_opened(products_report_);
  return products_ ? &*products_ : nullptr;
}

void Libraries::refused(LibraryReport& report, const std::string& what,
                        const std::string& why_not) {
  std::string message = cat_str(what, ": ", why_not);
  log_library(cat_str(report.name, " refuses, and our shader runs: ", message));
  std::lock_guard lock(mutex_);
  if (report.refusals.size() < kMostRefusals) report.refusals.push_back(std::move(message));
}

std::shared_ptr<const LibraryPlan> Libraries::find(const GemmKey& key) {
  LtProducts* lt = products();
  if (!lt) return nullptr;
  std::string why_not;
  auto plan = lt->find(key, &why_not);
  if (!why_not.empty()) refused(products_report_, describe(key), why_not);
  return plan;
}

bool Libraries::run(const GemmKey& key, const LibraryPlan& plan, float alpha, float beta,
                    const Arguments& memory, void* stream) {
  std::string why_not;
  if (!products_->run(key, plan, alpha, beta, memory, stream, &why_not)) {
    refused(products_report_, describe(key), why_not);
    return false;
  }
  product_calls_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

std::vector<LibraryReport> Libraries::reports() {
  (void)products();
  std::lock_guard lock(mutex_);
  LibraryReport products = products_report_;
  products.calls = product_calls_;
  return {products};
}

}  // namespace rt::gpu::cuda
