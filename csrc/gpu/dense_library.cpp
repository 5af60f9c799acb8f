#include "gpu/dense_library.h"

namespace rt::gpu {

namespace {
std::atomic<LibraryLog> g_log{nullptr};
}  // namespace

std::string describe(const GemmKey& key) {
  std::string s = cat_str(name(static_cast<DType>(key.type)), " product of ", key.m, "x", key.k,
                          " and ", key.k, "x", key.n);
  if (key.batch > 1) s += cat_str(", ", key.batch, " of them");
  return s + cat_str(", op ", key.a_turned ? "T" : "N", key.b_turned ? "T" : "N", ", leading dims ",
                     key.lda, ", ", key.ldb, ", ", key.ldc);
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
