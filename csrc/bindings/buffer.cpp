// Python's buffer protocol: how memoryview, bytes() and np.asarray see a tensor's memory. A buffer
// keeps the memory it shows alive, whatever becomes of the tensor.
#include <string>

#include "bindings/python.h"
#include "graph/trace.h"

namespace rt::py {

namespace {

// The codes of the struct module, and NumPy's for complex numbers; null where Python has none.
// Of C's types with 64 bits NumPy's int64 is `long` where that is one: arrays of "q" are of
// another scalar type, np.longlong.
const char* format_of(DType t) {
  static constexpr const char* int64 = sizeof(long) == 8 ? "l" : "q";
  static constexpr const char* codes[kNumDTypes] = {"?", "B",     "b", "h", "i",  int64,
                                                    "e", nullptr, "f", "d", "Zf", "Zd"};
  return codes[static_cast<int>(t)];
}

// What a view points into, from getbuffer to releasebuffer.
struct Exported {
  explicit Exported(const Tensor& t) : tensor(alias(t)) { tensor.storage()->add_export(); }
  ~Exported() { tensor.storage()->drop_export(); }
  Tensor tensor;
  std::vector<Py_ssize_t> shape, strides;
};

bool is_dense(const Tensor& t, bool fortran) {
  int64_t expected = 1;
  for (int64_t i = 0; i < t.dim(); ++i) {
    const auto d = static_cast<size_t>(fortran ? i : t.dim() - 1 - i);
    if (t.sizes()[d] != 1 && t.strides()[d] != expected) return false;
    expected *= t.sizes()[d];
  }
  return true;
}

// Why the memory cannot be shown like this; empty if it can.
std::string refusal(const Tensor& t, int flags) {
  if (!t.device().is_cpu()) return "the tensor is not in host memory; try .cpu()";
  if (!format_of(t.dtype())) return "Python has no buffer format for bfloat16; try .float()";
  if (requires_grad(t)) return "the tensor requires grad, which a buffer would lose; try .detach()";
  if ((flags & PyBUF_WRITABLE) && t.storage()->read_only())
    return "the tensor's memory is read-only";
  const bool c = t.is_contiguous() || t.numel() == 0;
  const bool fortran = is_dense(t, true);
  if ((flags & PyBUF_STRIDES) != PyBUF_STRIDES && !c)
    return "the tensor is not contiguous; try .contiguous()";
  if ((flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS && !c)
    return "the tensor is not C-contiguous";
  if ((flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS && !fortran && t.numel() > 0) {
    return "the tensor is not Fortran-contiguous";
  }
  if ((flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_ANY_CONTIGUOUS && !c && !fortran) {
    return "the tensor is not contiguous";
  }
  return {};
}

}  // namespace

int get_buffer(PyObject* o, Py_buffer* view, int flags) {
  view->obj = nullptr;
  return guard(
      [&] {
        const Tensor& t = unwrap(o);
        if (const std::string why = refusal(t, flags); !why.empty()) {
          PyErr_SetString(PyExc_BufferError, ("buffer: " + why).c_str());
          return -1;
        }
        graph::note_read(t, "an array of a tensor's memory");
        auto exported = std::make_unique<Exported>(t);
        const auto item = static_cast<Py_ssize_t>(t.item_size());
        for (int64_t s : t.sizes()) exported->shape.push_back(static_cast<Py_ssize_t>(s));
        for (int64_t s : t.strides())
          exported->strides.push_back(static_cast<Py_ssize_t>(s) * item);
        view->buf = t.host_data();
        view->len = static_cast<Py_ssize_t>(t.nbytes());
        view->itemsize = item;
        view->readonly = t.storage()->read_only();
        view->ndim = static_cast<int>(t.dim());
        view->format = (flags & PyBUF_FORMAT) ? const_cast<char*>(format_of(t.dtype())) : nullptr;
        view->shape = (flags & PyBUF_ND) ? exported->shape.data() : nullptr;
        view->strides =
            (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? exported->strides.data() : nullptr;
        view->suboffsets = nullptr;
        view->internal = exported.release();
        Py_INCREF(o);
        view->obj = o;
        return 0;
      },
      -1);
}

void release_buffer(PyObject*, Py_buffer* view) {
  const std::unique_ptr<Exported> exported(static_cast<Exported*>(view->internal));
  view->internal = nullptr;
}

}  // namespace rt::py
