// The tensor: a strided window on a storage, and the handle the whole core passes around.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/dims.h"
#include "core/dtype.h"
#include "core/error.h"
#include "core/intrusive.h"
#include "core/scalar.h"
#include "core/storage.h"

namespace rt {

struct AutogradMeta;  // autograd/meta.h; absent on tensors that no gradient flows through
struct AutogradMetaDeleter {
  void operator()(AutogradMeta* m) const;
};

// How a view was made, where that decides whether it may be written in place under autograd.
enum class ViewOrigin : uint8_t {
  Tracked,      // in grad mode: writes reach its base's history
  NoGrad,       // in no_grad mode
  Inference,    // in inference mode, of a normal tensor
  Function,     // inside a custom Function
  MultiOutput,  // with others, by a function that returns several views
};

class TensorImpl final : public RefCounted {
 public:
  TensorImpl(Ref<Storage> storage, DType dtype, IntList sizes, IntList strides, int64_t offset);
  ~TensorImpl() override;

  // Changes the geometry in place (set_, squeeze_, resize of an out= tensor).
  void set_geometry(IntList sizes, IntList strides, int64_t offset);
  void set_storage(Ref<Storage> s) { storage_ = std::move(s); }

  Ref<Storage> storage_;
  Dims sizes_, strides_;
  int64_t offset_ = 0;  // in elements
  int64_t numel_ = 0;
  DType dtype_;
  bool contiguous_ = true;
  // A Python number that became a tensor: it takes part in promotion by category only.
  bool wrapped_number_ = false;
  // True if it is a leaf that asked for gradients or has a grad_fn.
  bool requires_grad_ = false;
  bool inference_ = false;  // made under inference_mode: never enters a graph
  ViewOrigin view_origin_ = ViewOrigin::Tracked;
  uint32_t view_version_ = 0;  // version at which a view's grad_fn was right
  std::unique_ptr<AutogradMeta, AutogradMetaDeleter> autograd_;
  // The tensor this one is a differentiable view of (never itself a view).
  Ref<TensorImpl> view_base_;
  // Where writes are counted, if not with the storage: .data starts a count of its own.
  Ref<VersionCounter> own_version_;
  // The Python object that wraps this tensor (guarded by the GIL). It holds the tensor, unless it
  // was let go by Python while it had attributes to keep and the tensor lived on: then the tensor
  // holds it.
  void* pyobj_ = nullptr;
  std::atomic<bool> owns_pyobj_{false};
  std::atomic<bool> owned_pyobj_ever_{false};
  std::atomic<bool> disposing_{false};

 protected:
  void dispose() override;

 private:
  void refresh();
};

// Parts a tensor on its way out from the Python object it holds, or gives it back to Python, which
// still uses the object; set by the bindings. Global: one interpreter a process.
extern void (*dispose_with_pyobj)(TensorImpl* tensor);

class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> p) : p_(std::move(p)) {}

  bool defined() const { return static_cast<bool>(p_); }
  explicit operator bool() const { return defined(); }
  TensorImpl* impl() const { return p_.get(); }
  const Ref<TensorImpl>& ref() const { return p_; }
  Ref<TensorImpl> take() && { return std::move(p_); }
  bool is_same(const Tensor& o) const { return p_ == o.p_; }
  int64_t use_count() const { return p_ ? p_->use_count() : 0; }

  int64_t dim() const { return p_->sizes_.ssize(); }
  IntList sizes() const { return p_->sizes_; }
  IntList strides() const { return p_->strides_; }
  int64_t size(int64_t d) const { return p_->sizes_[wrap_dim(d, dim(), "size")]; }
  int64_t stride(int64_t d) const { return p_->strides_[wrap_dim(d, dim(), "stride")]; }
  int64_t numel() const { return p_->numel_; }
  int64_t offset() const { return p_->offset_; }
  DType dtype() const { return p_->dtype_; }
  Device device() const { return p_->storage_->device(); }
  bool is_contiguous() const { return p_->contiguous_; }
  size_t item_size() const { return rt::item_size(p_->dtype_); }
  size_t nbytes() const { return static_cast<size_t>(numel()) * item_size(); }
  const Ref<Storage>& storage() const { return p_->storage_; }
  bool is_wrapped_number() const { return p_->wrapped_number_; }
  uint32_t version() const {
    return p_->own_version_ ? p_->own_version_->value() : p_->storage_->version();
  }
  void bump_version() const {
    p_->own_version_ ? p_->own_version_->bump() : p_->storage_->bump_version();
  }
  // Leaves the count of the storage for one of its own, before the tensor moves to other memory.
  void start_version(uint32_t first) const { p_->own_version_ = make_ref<VersionCounter>(first); }

  // The first element, for kernels of the tensor's own engine: no work is waited for.
  void* data() const {
    return static_cast<char*>(p_->storage_->data()) +
           p_->offset_ * static_cast<int64_t>(item_size());
  }
  template <class T>
  T* data() const {
    return static_cast<T*>(data());
  }
  // The first element, for the host to read or write: waits for the device, and is an error where
  // the host cannot address its memory. Any read of values outside of kernels goes through this,
  // item(), or a copy to the CPU.
  void* host_data() const { return device().is_cpu() ? data() : synchronised_data(); }
  template <class T>
  T* host_data() const {
    return static_cast<T*>(host_data());
  }

 private:
  void* synchronised_data() const;
  Ref<TensorImpl> p_;
};

using TensorList = std::span<const Tensor>;

// "float32[2, 3]", with the device if it is not the CPU: for messages.
std::string describe(const Tensor& t);
inline std::string to_string(const Tensor& t) { return describe(t); }
inline std::string to_string(DType t) { return name(t); }

// New memory, uninitialised. Errors (negative sizes, out of memory) name `op`.
Tensor empty(IntList sizes, DType dtype, Device device = {}, const char* op = "empty");
Tensor empty_strided(IntList sizes, IntList strides, DType dtype, Device device = {},
                     const char* op = "empty_strided");
// Same sizes; the same dense stride order where x is dense and non-overlapping, as PyTorch does.
Tensor empty_like(const Tensor& x, std::optional<DType> dtype = {});
// A zero-dim tensor that holds a number; `wrapped` marks it as a Python number for promotion.
Tensor scalar_tensor(const Scalar& v, DType dtype, Device device = {});
Tensor wrapped_number(const Scalar& v);
// The value of a tensor of one element, wherever it lives.
Scalar item(const Tensor& t);
// Another window on the same storage; it carries no autograd history (ops record that).
Tensor make_view(const Tensor& base, IntList sizes, IntList strides, int64_t offset);
Tensor make_view(const Tensor& base, IntList sizes, IntList strides, int64_t offset, DType dtype);
// The same window without history; shares memory and version.
Tensor alias(const Tensor& t);
// Wraps foreign memory.
Tensor from_memory(Ref<Storage> storage, DType dtype, IntList sizes, IntList strides,
                   int64_t offset = 0);

// No two index tuples map to the same element, and there are no gaps, in some order of dims.
bool is_non_overlapping_and_dense(const Tensor& t);
// Some dim repeats its elements (expand): the overlap that in-place writes refuse, as in PyTorch.
bool repeats_elements(const Tensor& t);
// Some element may have more than one index (expand, or as_strided windows).
bool has_internal_overlap(const Tensor& t);
// Whether writing `out` while reading `in` could read what was already written. Equal windows are
// fine for elementwise work and give false.
bool partially_overlaps(const Tensor& out, const Tensor& in);
// Byte range [first, last) of memory that t can touch.
std::pair<const char*, const char*> memory_extent(const Tensor& t);

}  // namespace rt
