// Exchange of memory with other libraries through DLPack, versions 0 and 1. The structures are
// those of the DLPack ABI.
#include <cstdint>

#include "autograd/node.h"
#include "bindings/python.h"
#include "gpu/engine.h"
#include "graph/trace.h"

namespace rt::py {

namespace {

struct DLDevice {
  int32_t type;
  int32_t id;
};
struct DLDataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor tensor;
  void* context;
  void (*deleter)(DLManagedTensor*);
};
struct DLVersion {
  uint32_t major, minor;
};
struct DLManagedTensorVersioned {
  DLVersion version;
  void* context;
  void (*deleter)(DLManagedTensorVersioned*);
  uint64_t flags;
  DLTensor tensor;
};

constexpr uint64_t kReadOnly = 1, kIsCopied = 2;
constexpr int32_t kDLCpu = 1, kDLCuda = 2, kDLMetal = 8;
enum DLCode : uint8_t { kInt = 0, kUInt = 1, kFloat = 2, kBfloat = 4, kComplex = 5, kBool = 6 };

template <class Managed>
struct Names;
template <>
struct Names<DLManagedTensor> {
  static constexpr const char *fresh = "dltensor", *used = "used_dltensor";
};
template <>
struct Names<DLManagedTensorVersioned> {
  static constexpr const char *fresh = "dltensor_versioned", *used = "used_dltensor_versioned";
};

DLDataType to_dl(DType t) {
  const auto bits = static_cast<uint8_t>(8 * item_size(t));
  if (t == DType::Bool) return {kBool, bits, 1};
  if (t == DType::UInt8) return {kUInt, bits, 1};
  if (t == DType::BFloat16) return {kBfloat, bits, 1};
  if (is_complex(t)) return {kComplex, bits, 1};
  return {is_floating(t) ? kFloat : kInt, bits, 1};
}
DType from_dl(DLDataType d) {
  for (int i = 0; d.lanes == 1 && i < kNumDTypes; ++i) {
    const DLDataType known = to_dl(static_cast<DType>(i));
    if (known.code == d.code && known.bits == d.bits) return static_cast<DType>(i);
  }
  RT_FAIL(Runtime, "from_dlpack", "there is no tensor dtype for this DLPack type",
          cat_str("code ", int{d.code}, ", ", int{d.bits}, " bits, ", int{d.lanes}, " lanes"));
}
DLDevice to_dl(Device d) {
  switch (d.type) {
    case DeviceType::CPU:
    case DeviceType::Emulator:
      return {kDLCpu, 0};
    case DeviceType::CUDA:
      return {kDLCuda, d.index};
    case DeviceType::Metal:
      return {kDLMetal, d.index};
    default:
      RT_FAIL(Value, "dlpack", "this device has no DLPack type", to_string(d), ".cpu()");
  }
}
Device from_dl(DLDevice d) {
  // Host memory that CUDA has pinned (3) is host memory.
  if (d.type == kDLCpu || d.type == 3) return {};
  if (d.type == kDLCuda) return {DeviceType::CUDA, static_cast<int8_t>(d.id)};
  if (d.type == kDLMetal) return {DeviceType::Metal, static_cast<int8_t>(d.id)};
  RT_FAIL(Runtime, "from_dlpack", "unsupported DLPack device type", cat_str(int{d.type}));
}

// ---- Out ----

// Lives until the consumer calls the deleter, on any thread, with or without the GIL.
template <class Managed>
struct Export {
  explicit Export(const Tensor& t) : tensor(detach(t)), shape(t.sizes()), strides(t.strides()) {
    tensor.storage()->add_export();
  }
  ~Export() { tensor.storage()->drop_export(); }
  Managed managed{};
  Tensor tensor;
  Dims shape, strides;
  static void destroy(Managed* m) { delete static_cast<Export*>(m->context); }
};

template <class Managed>
void destroy_capsule(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, Names<Managed>::fresh))
    return;  // consumed: the deleter is not ours
  auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, Names<Managed>::fresh));
  if (m && m->deleter) m->deleter(m);
}

template <class Managed>
PyObject* make_capsule(const Tensor& t, uint64_t flags) {
  auto e = std::make_unique<Export<Managed>>(t);
  // Consumers may insist on strides of 1 where they do not matter.
  for (size_t d = 0; d < e->shape.size(); ++d) {
    if (e->shape[d] <= 1) e->strides[d] = 1;
  }
  Managed& m = e->managed;
  m.tensor = {t.data(),
              to_dl(t.device()),
              static_cast<int32_t>(t.dim()),
              to_dl(t.dtype()),
              e->shape.data(),
              e->strides.data(),
              0};
  m.context = e.get();
  m.deleter = &Export<Managed>::destroy;
  if constexpr (std::is_same_v<Managed, DLManagedTensorVersioned>) {
    m.version = {1, 0};
    m.flags = flags;
  }
  PyObject* capsule = PyCapsule_New(&m, Names<Managed>::fresh, destroy_capsule<Managed>);
  if (capsule) (void)e.release();
  return capsule;
}

// _to_dlpack(tensor, versioned, copied)
PyObject* to_dlpack(PyObject*, PyObject* args) {
  PyObject* o = nullptr;
  int versioned = 0, copied = 0;
  if (!PyArg_ParseTuple(args, "Opp:_to_dlpack", &o, &versioned, &copied)) return nullptr;
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(o), Type, "to_dlpack", "expected a tensor", Py_TYPE(o)->tp_name);
    const Tensor& t = unwrap(o);
    const bool read_only = t.storage()->read_only();
    graph::note_read(t, "a DLPack capsule of a tensor");
    if (versioned) {
      return make_capsule<DLManagedTensorVersioned>(
          t, (read_only ? kReadOnly : 0) | (copied ? kIsCopied : 0));
    }
    if (read_only) {
      PyErr_SetString(
          PyExc_BufferError,
          "dlpack: read-only memory cannot be exported to a consumer of DLPack before 1.0; try "
          ".clone()");
      return nullptr;
    }
    return make_capsule<DLManagedTensor>(t, 0);
  });
}

PyObject* dlpack_device(PyObject*, PyObject* o) {
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(o), Type, "dlpack_device", "expected a tensor", Py_TYPE(o)->tp_name);
    const DLDevice d = to_dl(unwrap(o).device());
    return Py_BuildValue("(ii)", d.type, d.id);
  });
}

// ---- In ----

template <class Managed>
class Import final : public MemoryOwner {
 public:
  explicit Import(Managed* m) : m_(m) {}
  ~Import() override {
    if (!m_->deleter || !Py_IsInitialized()) return;
    AcquireGil gil;  // producers in Python drop references in their deleter
    m_->deleter(m_);
  }

 private:
  Managed* m_;
};

template <class Managed>
Tensor consume(PyObject* capsule) {
  auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, Names<Managed>::fresh));
  if (!m) throw PythonError{};
  bool read_only = false;
  if constexpr (std::is_same_v<Managed, DLManagedTensorVersioned>) {
    RT_CHECK(
        m->version.major <= 1, Runtime, "from_dlpack", "the capsule is of a newer DLPack version",
        cat_str(size_t{m->version.major}, ".", size_t{m->version.minor}), "max_version=(1, 0)");
    read_only = m->flags & kReadOnly;
  }
  const DLTensor& d = m->tensor;
  const DType dtype = from_dl(d.dtype);
  const Device device = from_dl(d.device);
  // A Metal tensor's memory is a buffer object, not an address.
  RT_CHECK(device.type != DeviceType::Metal, Runtime, "from_dlpack",
           "memory of Metal cannot be taken over", to_string(device), "a copy on the CPU");
  RT_CHECK(d.ndim >= 0 && d.ndim <= 4096, Runtime, "from_dlpack",
           "a nonsensical number of dimensions", cat_str(int{d.ndim}));
  const Dims sizes{IntList(d.shape, static_cast<size_t>(d.ndim))};
  const int64_t numel = checked_numel(sizes, "from_dlpack");
  Dims strides = d.strides ? Dims(IntList(d.strides, sizes.size())) : contiguous_strides(sizes);
  int64_t reach = numel == 0 ? 0 : 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] <= 1) strides[i] = std::max<int64_t>(strides[i], 0);
    RT_CHECK(strides[i] >= 0, Value, "from_dlpack", "negative strides are not supported",
             cat_str("strides ", strides), "a copy");
    if (numel > 0) reach += (sizes[i] - 1) * strides[i];
  }
  char* data = static_cast<char*>(d.data) + d.byte_offset;
  const size_t alignment = is_complex(dtype) ? item_size(dtype) / 2 : item_size(dtype);
  RT_CHECK(reinterpret_cast<uintptr_t>(data) % alignment == 0, Value, "from_dlpack",
           "the memory is not aligned to its element type", name(dtype), "a copy");
  // Checked before the memory is ours to release.
  if (!device.is_cpu()) engine_for(device, "from_dlpack");
  auto owner = std::make_unique<Import<Managed>>(m);
  checked(PyCapsule_SetName(capsule, Names<Managed>::used));
  const size_t bytes = static_cast<size_t>(reach) * item_size(dtype);
  Ref<Storage> storage = device.is_cpu()
                             ? wrap_memory(data, bytes, device, std::move(owner))
                             : static_cast<gpu::GpuEngine&>(engine_for(device, "from_dlpack"))
                                   .wrap(data, bytes, device, std::move(owner));
  storage->set_read_only(read_only);
  return from_memory(std::move(storage), dtype, sizes, strides);
}

PyObject* from_capsule(PyObject*, PyObject* capsule) {
  return guard([&]() -> PyObject* {
    if (PyCapsule_IsValid(capsule, Names<DLManagedTensorVersioned>::fresh)) {
      return wrap(consume<DLManagedTensorVersioned>(capsule));
    }
    RT_CHECK(PyCapsule_IsValid(capsule, Names<DLManagedTensor>::fresh), Runtime, "from_dlpack",
             "expected a DLPack capsule that has not been consumed yet (a capsule can be consumed "
             "only once)",
             Py_TYPE(capsule)->tp_name);
    return wrap(consume<DLManagedTensor>(capsule));
  });
}

PyMethodDef functions[] = {{"_to_dlpack", to_dlpack, METH_VARARGS, nullptr},
                           {"_dlpack_device", dlpack_device, METH_O, nullptr},
                           {"_from_dlpack", from_capsule, METH_O, nullptr},
                           {}};

}  // namespace

void init_dlpack(PyObject* module) { checked(PyModule_AddFunctions(module, functions)); }

}  // namespace rt::py
