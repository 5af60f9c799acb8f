#include "cpu/parallel.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>

#include "core/error.h"
#include "cpu/cpu_limits.h"

#ifdef __APPLE__
#include <dispatch/dispatch.h>
#else
#include <omp.h>
#endif

namespace rt::cpu {

namespace {

// Process-wide because PyTorch's set_num_threads is. 0: not decided yet.
std::atomic<int> g_num_threads{0};

// The state of one native thread. libgomp keeps a pool per thread that starts parallel regions, so
// after a fork only the thread that called fork can own a pool whose workers no longer exist: the
// next region there would wait for them for ever. Threads made later in the child are unaffected.
struct ThreadState {
  bool owns_pool = false;
  bool pool_lost = false;
  bool in_region = false;
  int index = 0;
};
thread_local ThreadState t_state;

void after_fork_in_child() {
  t_state.pool_lost = t_state.owns_pool || t_state.pool_lost;
  // A fork inside a body leaves the child outside of any region that still has other threads.
  if (t_state.in_region) t_state.pool_lost = true;
}

[[maybe_unused]] const int g_fork_handler = pthread_atfork(nullptr, nullptr, after_fork_in_child);

// Marks the calling thread as a worker while it runs a body.
class RegionScope {
 public:
  explicit RegionScope(int index)
      : previous_in_region_(t_state.in_region), previous_index_(t_state.index) {
    t_state.in_region = true;
    t_state.index = index;
  }
  ~RegionScope() {
    t_state.in_region = previous_in_region_;
    t_state.index = previous_index_;
  }
  RegionScope(const RegionScope&) = delete;
  RegionScope& operator=(const RegionScope&) = delete;

 private:
  bool previous_in_region_;
  int previous_index_;
};

struct Region {
  int64_t begin, end, chunk;
  detail::RangeBody body;
  std::atomic<bool> failed{false};
  std::exception_ptr error;

  void run(int index) {
    const int64_t b = begin + index * chunk;
    const int64_t e = std::min(end, b + chunk);
    if (b >= e) return;
    RegionScope scope(index);
    try {
      body.call(body.object, b, e);
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }
};

}  // namespace

int get_num_threads() {
  int n = g_num_threads.load(std::memory_order_relaxed);
  if (n == 0) [[unlikely]] {
    int expected = 0;
    n = default_num_threads();
    if (!g_num_threads.compare_exchange_strong(expected, n)) n = expected;
  }
  return n;
}

void set_num_threads(int n) {
  RT_CHECK(n >= 1, Runtime, "set_num_threads", "the number of threads must be positive",
           cat_str(n));
  g_num_threads.store(n, std::memory_order_relaxed);
}

bool in_parallel_region() { return t_state.in_region; }
int thread_index() { return t_state.index; }

int library_threads() {
  if (t_state.in_region || t_state.pool_lost) return 1;
#ifndef __APPLE__
  if (omp_in_parallel()) return 1;  // called from another library's region
#endif
  return get_num_threads();
}

LibraryThreadScope::LibraryThreadScope() : threads_(library_threads()), previous_(0) {
#ifndef __APPLE__
  if (threads_ > 1) t_state.owns_pool = true;
  const int current = omp_get_max_threads();
  if (current != threads_) {
    previous_ = current;
    omp_set_num_threads(threads_);
  }
#endif
}

LibraryThreadScope::~LibraryThreadScope() {
#ifndef __APPLE__
  if (previous_ != 0) omp_set_num_threads(previous_);
#else
  (void)previous_;  // a pool that nobody sets
#endif
}

void detail::parallel_range(int64_t begin, int64_t end, int64_t grain, RangeBody body) {
  const int64_t count = end - begin;
  grain = std::max<int64_t>(grain, 1);
  const int threads = static_cast<int>(std::min<int64_t>(library_threads(), count / grain));
  if (threads <= 1) {
    body.call(body.object, begin, end);
    return;
  }
  Region region{begin, end, (count + threads - 1) / threads, body, {}, {}};
  t_state.owns_pool = true;
#ifdef __APPLE__
  dispatch_apply_f(
      static_cast<size_t>(threads), dispatch_get_global_queue(QOS_CLASS_USER_INITIATED, 0), &region,
      [](void* context, size_t i) { static_cast<Region*>(context)->run(static_cast<int>(i)); });
#else
#pragma omp parallel num_threads(threads)
  {
    // The runtime may give fewer threads than asked for; each then takes several chunks.
    for (int i = omp_get_thread_num(); i < threads; i += omp_get_num_threads()) region.run(i);
  }
#endif
  if (region.error) std::rethrow_exception(region.error);
}

}  // namespace rt::cpu
