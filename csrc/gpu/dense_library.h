// Matrix products and convolutions by the library of a device's maker, where it has one. A case is
// asked for by a key, which holds all that a library's choice may depend on; what it answers is
// kept under it.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "core/dtype.h"
#include "gpu/compute_device.h"

namespace rt::gpu {

// C = alpha op(A) op(B) + beta C (+ bias), of matrices by columns as BLAS has them; op(A) is m x k,
// op(B) is k x n. A batch of them lies at equal steps.
struct GemmKey {
  int64_t type = 0;  // a DType
  int64_t tf32 = 0;  // float32 may be multiplied with 10 bits of mantissa
  int64_t m = 0, n = 0, k = 0, batch = 1;
  int64_t a_turned = 0, b_turned = 0;             // op is the transpose
  int64_t lda = 0, ldb = 0, ldc = 0;              // elements between columns
  int64_t a_step = 0, b_step = 0, c_step = 0;     // between matrices of the batch
  int64_t a_align = 0, b_align = 0, c_align = 0;  // bytes that all addresses are multiples of
  int64_t bias_align = 0;  // of m numbers that are added to every column; zero for none
};

enum class ConvPass : int64_t { Output, Input, Weight };

// A convolution or one of its gradients, of two or three spatial dims; sizes are (batch, channels,
// spatial...), of contiguous tensors.
struct ConvKey {
  int64_t type = 0;  // a DType
  ConvPass pass = ConvPass::Output;
  int64_t tf32 = 0, deterministic = 1;
  int64_t spatial = 2;
  int64_t x[5] = {}, w[5] = {}, y[5] = {};
  int64_t padding[3] = {}, stride[3] = {}, dilation[3] = {};
  int64_t x_align = 0, w_align = 0, y_align = 0;  // bytes that the addresses are multiples of
};

// "bfloat16 product of 64x32 and 32x128, 4 of them"
std::string describe(const GemmKey& key);
// "float32 convolution (input gradient) of x [1, 3, 8, 8], w [4, 3, 3, 3] and y [1, 4, 6, 6], ..."
std::string describe(const ConvKey& key);

// Keys are of 64-bit fields alone, so their bytes are their value.
template <class Key>
struct KeyHash {
  static_assert(std::has_unique_object_representations_v<Key>);
  size_t operator()(const Key& key) const {
    uint64_t words[sizeof(Key) / 8], h = 0xcbf29ce484222325u;
    std::memcpy(words, &key, sizeof key);
    for (uint64_t w : words) h = (h ^ w ^ (w >> 29)) * 0x100000001b3u;
    return h ^ (h >> 32);
  }
};
template <class Key>
struct KeyEqual {
  bool operator()(const Key& a, const Key& b) const { return !std::memcmp(&a, &b, sizeof a); }
};

// How a library does what a key asks for.
class LibraryPlan {
 public:
  explicit LibraryPlan(size_t workspace) : workspace_(workspace) {}
  virtual ~LibraryPlan() = default;
  size_t workspace() const { return workspace_; }  // bytes of scratch memory

 protected:
  size_t workspace_;
};

// What there is to tell about a library.
struct LibraryReport {
  std::string name, path, why_not;  // why_not: empty if it is open
  int64_t version = 0;
  int64_t calls = 0;                  // that it ran
  std::vector<std::string> refusals;  // the first few cases that it left to the shaders, and why
};

class DenseLibrary {
 public:
  virtual ~DenseLibrary() = default;
  // Whether there is a library of products at all.
  virtual bool multiplies() = 0;
  // Null if there is no library, or it does not take the case.
  virtual std::shared_ptr<const LibraryPlan> find(const GemmKey& key) = 0;
  virtual std::shared_ptr<const LibraryPlan> find(const ConvKey& key) = 0;
  // Queues the work. `memory`: A, B, C and a bias, or x, w and y; then the workspace if there is
  // one. False if the library turns out not to take the case: nothing was queued then.
  virtual bool run(const GemmKey& key, const LibraryPlan& plan, float alpha, float beta,
                   const Arguments& memory) = 0;
  virtual bool run(const ConvKey& key, const LibraryPlan& plan, const Arguments& memory) = 0;
  // Opens what is not open yet.
  virtual std::vector<LibraryReport> reports() = 0;
};

// What the user allows, for the whole process.
struct LibrarySettings {
  std::atomic<bool> products{true}, products_tf32{false};
  std::atomic<bool> convolutions{true}, convolutions_tf32{false}, deterministic{true};
};
LibrarySettings& library_settings();

// Who hears of libraries opened and of cases refused; nobody until set.
using LibraryLog = void (*)(const std::string& message);
void set_library_log(LibraryLog log);
void log_library(const std::string& message);

// The largest power of two, at most 256, that divides all of an address and steps in bytes.
inline int64_t alignment_of(uint64_t bits) {
  bits |= 256;
  return static_cast<int64_t>(bits & (~bits + 1));
}

}  // namespace rt::gpu
