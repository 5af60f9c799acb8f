// What the oneDNN bindings share: the engine, a stream per thread, and keys for caches of
// primitives.
#pragma once

#include <array>
#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>

#include "core/error.h"

namespace rt::cpu {

inline dnnl::engine& onednn_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

inline dnnl::stream& onednn_stream() {
  thread_local dnnl::stream stream(onednn_engine());
  return stream;
}

// Everything a primitive depends on, as numbers.
template <size_t N>
using PrimitiveKey = std::array<int64_t, N>;

struct PrimitiveKeyHash {
  template <size_t N>
  size_t operator()(const PrimitiveKey<N>& key) const {
    uint64_t h = 0x9e3779b97f4a7c15u;
    for (const int64_t v : key) {
      h = (h ^ static_cast<uint64_t>(v)) * 0xff51afd7ed558ccdu;
      h ^= h >> 32;
    }
    return static_cast<size_t>(h);
  }
};

// Runs f and turns oneDNN's exceptions into ours.
template <class F>
auto with_onednn_errors(const char* op, F&& f) {
  try {
    return f();
  } catch (const dnnl::error& e) {
    if (e.status == dnnl_out_of_memory) RT_FAIL(OutOfMemory, op, "oneDNN ran out of memory");
    RT_FAIL(Runtime, op, cat_str("oneDNN failed: ", e.what()));
  }
}

}  // namespace rt::cpu
