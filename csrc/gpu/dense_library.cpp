#include "gpu/dense_library.h"

namespace rt::gpu {

namespace {
std::atomic<LibraryLog> g_log{nullptr};

std::string sizes_of(const int64_t* sizes, int64_t n) {
  std::string s = "[";
  for (int64_t i = 0; i < n; ++i) s += (i ? ", " : "") + std::to_string(sizes[i]);
  return s + "]";
}
}  // namespace

std::string describe(const GemmKey& key) {
  std::string s = cat_str(name(static_cast<DType>(key.type)), " product of ", key.m, "x", key.k,
                          " and ", key.k, "x", key.n);
  if (key.bias_align > 0) s += " with a bias";
  if (key.batch > 1) s += cat_str(", ", key.batch, " of them");
  return s + cat_str(", op ", key.a_turned ? "T" : "N", key.b_turned ? "T" : "N", ", leading dims ",
                     key.lda, ", ", key.ldb, ", ", key.ldc);
}

std::string describe(const ConvKey& key) {
  const char* pass[] = {"", " (input gradient)", " (weight gradient)"};
  const int64_t n = key.spatial;
  return cat_str(name(static_cast<DType>(key.type)), " convolution",
                 pass[static_cast<int>(key.pass)], " of x ", sizes_of(key.x, n + 2), ", w ",
                 sizes_of(key.w, n + 2), " and y ", sizes_of(key.y, n + 2), ", padding ",
                 sizes_of(key.padding, n), ", stride ", sizes_of(key.stride, n), ", dilation ",
                 sizes_of(key.dilation, n));
}

LibrarySettings& library_settings() {
  static LibrarySettings settings;
  return settings;
}

void set_library_log(LibraryLog log) { g_log = log; }
void log_library(const std::string& message) {
  if (const LibraryLog log = g_log) log(message);
}

}  // namespace rt::gpu
