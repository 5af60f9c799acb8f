#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "check.h"
#include "core/error.h"
#include "cpu/cpu_limits.h"
#include "cpu/gemm.h"
#include "cpu/parallel.h"

using namespace rt::cpu;

namespace {

void covers_the_range_once() {
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    for (const int64_t n : {0, 1, 2, 7, 100, 1001}) {
      for (const int64_t grain : {0, 1, 3, 64, 5000}) {
        std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
        parallel_for(5, 5 + n, grain, [&](int64_t b, int64_t e) {
          CHECK(b < e);
          for (int64_t i = b; i < e; ++i) ++seen[static_cast<size_t>(i - 5)];
        });
        for (const auto& s : seen) CHECK(s == 1);
      }
    }
  }
}

void indices_differ_between_threads() {
  set_num_threads(4);
  std::atomic<int> used{0};
  parallel_for(0, 4, 1, [&](int64_t, int64_t) {
    CHECK(in_parallel_region());
    used += 1 << (8 * thread_index());
  });
  CHECK(used == 0x01010101);
  CHECK(!in_parallel_region() && thread_index() == 0);
}

void nested_calls_run_inline() {
  set_num_threads(2);
  std::atomic<int> calls{0};
  parallel_for(0, 2, 1, [&](int64_t, int64_t) {
    CHECK(library_threads() == 1);
    parallel_for(0, 1000, 1, [&](int64_t b, int64_t e) {
      CHECK(b == 0 && e == 1000);
      ++calls;
    });
  });
  CHECK(calls == 2);
  CHECK(library_threads() == 2);
}

void exceptions_reach_the_caller() {
  for (const int threads : {1, 2, 4}) {
    set_num_threads(threads);
    CHECK_THROWS(parallel_for(0, 100, 1, [](int64_t, int64_t) { throw std::out_of_range("x"); }),
                 std::out_of_range);
    CHECK_THROWS(parallel_for(0, 100, 1,
                              [](int64_t, int64_t e) {
                                if (e == 100) throw std::bad_alloc();
                              }),
                 std::bad_alloc);
    CHECK(!in_parallel_region());
  }
  CHECK_THROWS(set_num_threads(0), rt::Error);
}

// A product large enough for every library to use threads; returns whether it is right.
bool product_is_right() {
  constexpr int64_t n = 256;
  const std::vector<float> a(n * n, 1.0f), b(n * n, 0.5f);
  const std::vector<double> da(n * n, 1.0), db(n * n, 0.5);
  std::vector<float> c(n * n);
  std::vector<double> dc(n * n);
  gemm(rt::DType::Float32, Trans::No, Trans::No, n, n, n, 1, a.data(), n, b.data(), n, 0, c.data(),
       n);
  gemm(rt::DType::Float32, Trans::No, Trans::Yes, n, n, n, 1, a.data(), n, b.data(), n, 1, c.data(),
       n);
  gemm(rt::DType::Float64, Trans::No, Trans::No, n, n, n, 1, da.data(), n, db.data(), n, 0,
       dc.data(), n);
  for (const float v : c) {
    if (v != n) return false;
  }
  for (const double v : dc) {
    if (v != n / 2) return false;
  }
  return true;
}

// Runs f in a forked child and fails if that does not end well within ten seconds.
template <class F>
void in_child(F&& f) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(10);
    _exit(f() ? 0 : 1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int threads_seen() {
  std::atomic<int> seen{0};
  parallel_for(0, 64, 1, [&](int64_t, int64_t) { ++seen; });
  return seen;
}

void fork_is_safe() {
  set_num_threads(2);
  CHECK(threads_seen() == 2);
  CHECK(product_is_right());
  // The forking thread's workers are gone: the child works alone, and so do its own children.
  in_child([] {
    if (threads_seen() != 1 || library_threads() != 1 || !product_is_right()) return false;
    in_child([] { return threads_seen() == 1 && product_is_right(); });
    // A thread made in the child has workers of its own.
    bool ok = false;
    std::thread([&] { ok = threads_seen() == 2 && product_is_right(); }).join();
    return ok;
  });
  CHECK(threads_seen() == 2 && product_is_right());
  // A thread that never used workers keeps them available to a child it forks.
  std::thread([] { in_child([] { return threads_seen() == 2 && product_is_right(); }); }).join();
  // From inside a body.
  parallel_for(0, 2, 1, [](int64_t b, int64_t) {
    if (b == 0) in_child([] { return threads_seen() == 1; });
  });
}

void many_threads_compute_at_once() {
  set_num_threads(2);
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int repeat = 0; repeat < 3; ++repeat) right += product_is_right();
    });
  }
  for (auto& t : threads) t.join();
  CHECK(right == 24);
}

void limits_are_read() {
  CHECK(default_num_threads() >= 1);
  setenv("RUSTORCH_NUM_THREADS", "1", 1);
  CHECK(default_num_threads() == 1);
  setenv("RUSTORCH_NUM_THREADS", "nonsense", 1);
  setenv("OMP_NUM_THREADS", "1,4", 1);
  CHECK(default_num_threads() == 1);
  unsetenv("OMP_NUM_THREADS");
  unsetenv("RUSTORCH_NUM_THREADS");
}

void inline_calls_cost_little() {
  using clock = std::chrono::steady_clock;
  volatile int64_t sink = 0;
  constexpr int64_t calls = 20'000'000;
  double best = 1e9;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const auto start = clock::now();
    for (int64_t i = 0; i < calls; ++i) {
      parallel_for(0, i & 7, 1024, [&](int64_t, int64_t e) { sink = e; });
    }
    const std::chrono::duration<double, std::nano> time = clock::now() - start;
    best = std::min(best, time.count() / calls);
  }
  set_num_threads(2);
  double region = 1e9;
  for (int repeat = 0; repeat < 2000; ++repeat) {
    const auto start = clock::now();
    parallel_for(0, 2, 1, [&](int64_t, int64_t) {});
    const std::chrono::duration<double, std::nano> time = clock::now() - start;
    region = std::min(region, time.count());
  }
  std::printf("  parallel_for: inline %.2f ns, on two threads %.0f ns\n", best, region);
  CHECK(best < 50);  // far above the 1 ns it takes: a loaded machine must not fail the suite
}

}  // namespace

void test_parallel() {
  limits_are_read();
  covers_the_range_once();
  indices_differ_between_threads();
  nested_calls_run_inline();
  exceptions_reach_the_caller();
  fork_is_safe();
  many_threads_compute_at_once();
  inline_calls_cost_little();
}
