#include "cpu/blas_threads.h"

#include "cpu/parallel.h"

#if defined(RT_USE_OPENBLAS)
#include <cblas.h>

#include <mutex>

#include "core/fork.h"

namespace rt::cpu {

namespace {
// OpenBLAS's setting is one for the process, so the scopes that raise it are counted together.
std::mutex g_mutex;
const ForkGuard g_fork_guard(ForkOrder::BlasThreads, []() -> std::mutex& { return g_mutex; });
int g_scopes = 0;
}  // namespace

void blas_threads_ready() {
  static const bool done = (scipy_openblas_set_num_threads(1), true);
  static_cast<void>(done);
}

BlasThreadScope::BlasThreadScope() {
  blas_threads_ready();
  const int threads = library_threads();
  if (threads <= 1) return;
  const std::lock_guard lock(g_mutex);
  if (g_scopes++ == 0) scipy_openblas_set_num_threads(threads);
  raised_ = true;
}

BlasThreadScope::~BlasThreadScope() {
  if (!raised_) return;
  const std::lock_guard lock(g_mutex);
  if (--g_scopes == 0) scipy_openblas_set_num_threads(1);
}

}  // namespace rt::cpu

#else

namespace rt::cpu {
void blas_threads_ready() {}
BlasThreadScope::BlasThreadScope() = default;
BlasThreadScope::~BlasThreadScope() { static_cast<void>(raised_); }
}  // namespace rt::cpu

#endif
