// Splits a range over the threads that the matrix library uses too (libgomp, or Grand Central
// Dispatch on macOS), so that the two never compete for cores.
#pragma once

#include <cstdint>
#include <type_traits>

namespace rt::cpu {

// The number of threads a parallel region started now may use, on any thread of the process.
// At first: the smallest of the affinity mask, the control group's CPU quota, OMP_NUM_THREADS and
// RUSTORCH_NUM_THREADS.
int get_num_threads();
// Throws Error(Runtime) unless n >= 1.
void set_num_threads(int n);

// True inside the body of a parallel_for that was split; calls made there run inline.
bool in_parallel_region();
// 0 <= thread_index() < get_num_threads() inside a body, 0 outside; bodies that run at the same
// time within one parallel_for have different indices.
int thread_index();

// How many threads work on this call to a library that starts its own OpenMP regions: 1 inside a
// parallel region and in a forked child whose thread pool is gone, else get_num_threads().
int library_threads();

// Makes OpenMP use library_threads() threads on this thread until the end of the scope. Another
// library in the process may have changed the setting, so each call sets and restores it.
class LibraryThreadScope {
 public:
  LibraryThreadScope();
  ~LibraryThreadScope();
  LibraryThreadScope(const LibraryThreadScope&) = delete;
  LibraryThreadScope& operator=(const LibraryThreadScope&) = delete;

  int threads() const { return threads_; }

 private:
  int threads_;
  int previous_;
};

namespace detail {
// A borrowed callable: two pointers, no allocation.
struct RangeBody {
  void* object;
  void (*call)(void* object, int64_t begin, int64_t end);
};
void parallel_range(int64_t begin, int64_t end, int64_t grain, RangeBody body);
}  // namespace detail

// Calls body(b, e) on disjoint ranges that cover [begin, end), each of at least `grain` items
// (but for the last), and returns when all are done. Ranges of at most `grain` items, and calls
// from inside another parallel_for, run on the calling thread. The split depends on the thread
// count only, so results are repeatable. The first exception thrown by a body is rethrown here.
template <class F>
inline void parallel_for(int64_t begin, int64_t end, int64_t grain, F&& body) {
  if (end - begin <= grain) {
    if (begin < end) body(begin, end);
    return;
  }
  using Body = std::remove_reference_t<F>;
  detail::parallel_range(
      begin, end, grain,
      {const_cast<void*>(static_cast<const void*>(&body)),
       [](void* object, int64_t b, int64_t e) { (*static_cast<Body*>(object))(b, e); }});
}

}  // namespace rt::cpu
