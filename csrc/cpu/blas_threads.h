// OpenBLAS has a thread pool of its own. It stays at one thread, so that it never competes with
// parallel_for, except inside a factorisation large enough to need it.
#pragma once

namespace rt::cpu {

// Sets OpenBLAS to one thread, once. Cheap; call it before any BLAS or LAPACK function.
void blas_threads_ready();

// Lets OpenBLAS use library_threads() threads until the end of the scope; scopes may overlap on
// several threads. Does nothing inside a parallel region, in a forked child without threads, and
// with other libraries.
class BlasThreadScope {
 public:
  BlasThreadScope();
  ~BlasThreadScope();
  BlasThreadScope(const BlasThreadScope&) = delete;
  BlasThreadScope& operator=(const BlasThreadScope&) = delete;

 private:
  bool raised_ = false;
};

}  // namespace rt::cpu
