#include "bindings/generator.h"

#include <new>

namespace rt::py {

namespace {

struct GeneratorObject {
  PyObject_HEAD
  Ref<Generator> value;
};
PyTypeObject* g_type;  // made once when the module is imported

Generator& self_of(PyObject* o) { return *reinterpret_cast<GeneratorObject*>(o)->value; }

PyObject* make(PyTypeObject* type, Ref<Generator> g) {
  PyObject* o = type->tp_alloc(type, 0);
  if (o) new (&reinterpret_cast<GeneratorObject*>(o)->value) Ref<Generator>(std::move(g));
  return o;
}

PyObject* new_generator(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guard([&]() -> PyObject* {
    static const char* names[] = {"device", nullptr};
    PyObject* device = nullptr;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &device))
      return nullptr;
    return make(type, make_ref<Generator>(device ? to_device(device) : Device{}));
  });
}
void dealloc(PyObject* o) {
  PyTypeObject* type = Py_TYPE(o);
  reinterpret_cast<GeneratorObject*>(o)->value.~Ref();
  type->tp_free(o);
  Py_DECREF(type);
}

uint64_t seed_value(PyObject* o) {
  // Negative seeds are taken modulo 2^64, as PyTorch does.
  Object index = checked(PyNumber_Index(o));
  int overflow;
  const int64_t low = PyLong_AsLongLongAndOverflow(index.get(), &overflow);
  if (!overflow) return static_cast<uint64_t>(low);
  const uint64_t v = overflow > 0 ? PyLong_AsUnsignedLongLong(index.get()) : 0;
  if (overflow < 0 || PyErr_Occurred()) {
    PyErr_Clear();
    RT_FAIL(Value, "manual_seed", "Overflow when unpacking long long", "",
            "a seed from -2**63 to 2**64 - 1");
  }
  return v;
}

// ---- The state as a tensor: 16 bytes, so that saved files are the same everywhere ----

PyObject* get_state(PyObject* o, PyObject*) {
  return guard([&]() -> PyObject* {
    const Generator::State s = self_of(o).state();
    Tensor t = empty({16}, DType::UInt8);
    for (int i = 0; i < 16; ++i) {
      t.host_data<uint8_t>()[i] =
          static_cast<uint8_t>((i < 8 ? s.seed : s.offset) >> (8 * (i % 8)));
    }
    return wrap(std::move(t));
  });
}
PyObject* set_state(PyObject* o, PyObject* state) {
  return guard([&]() -> PyObject* {
    RT_CHECK(is_tensor(state), Type, "set_state", "the state must be a uint8 tensor",
             Py_TYPE(state)->tp_name);
    const Tensor& t = unwrap(state);
    RT_CHECK(t.dtype() == DType::UInt8 && t.device().is_cpu(), Type, "set_state",
             "RNG state must be a uint8 tensor", describe(t), "what get_state() returned");
    RT_CHECK(t.numel() == 16 && t.dim() == 1, Runtime, "set_state", "RNG state is wrong size",
             describe(t), "what get_state() returned");
    Generator::State s{0, 0};
    for (int i = 0; i < 16; ++i) {
      (i < 8 ? s.seed : s.offset) |= uint64_t{t.host_data<uint8_t>()[i * t.strides()[0]]}
                                     << (8 * (i % 8));
    }
    self_of(o).set_state(s);
    Py_INCREF(o);
    return o;
  });
}
PyObject* clone_state(PyObject* o, PyObject*) {
  return guard([&]() -> PyObject* {
    auto g = make_ref<Generator>(self_of(o).device());
    g->set_state(self_of(o).state());
    return make(Py_TYPE(o), std::move(g));
  });
}

// ---- Pickling and copying: the device, then seed and offset ----

PyObject* reduce(PyObject* o, PyObject*) {
  return guard([&]() -> PyObject* {
    const Generator::State s = self_of(o).state();
    Object device = checked(device_object(self_of(o).device()));
    return Py_BuildValue("(O(O)(KK))", reinterpret_cast<PyObject*>(Py_TYPE(o)), device.get(),
                         static_cast<unsigned long long>(s.seed),
                         static_cast<unsigned long long>(s.offset));
  });
}
PyObject* set_pickled_state(PyObject* o, PyObject* state) {
  return guard([&]() -> PyObject* {
    unsigned long long seed, offset;
    RT_CHECK(PyTuple_Check(state), Type, "set_state", "the state must be a tuple",
             Py_TYPE(state)->tp_name);
    if (!PyArg_ParseTuple(state, "KK", &seed, &offset)) return nullptr;
    self_of(o).set_state({seed, offset});
    Py_RETURN_NONE;
  });
}

PyMethodDef methods[] = {
    {"manual_seed",
     [](PyObject* o, PyObject* seed) {
       return guard([&]() -> PyObject* {
         self_of(o).manual_seed(seed_value(seed));
         Py_INCREF(o);
         return o;
       });
     },
     METH_O,
     "manual_seed(seed)\n--\n\nSets the seed and starts the stream over; returns the generator."},
    {"initial_seed",
     [](PyObject* o, PyObject*) { return PyLong_FromUnsignedLongLong(self_of(o).initial_seed()); },
     METH_NOARGS, "initial_seed()\n--\n\nThe seed the stream was started with."},
    {"seed", [](PyObject* o, PyObject*) { return PyLong_FromUnsignedLongLong(self_of(o).seed()); },
     METH_NOARGS, "seed()\n--\n\nSets a seed from the system's entropy and returns it."},
    {"get_state", get_state, METH_NOARGS,
     "get_state()\n--\n\nThe state as a uint8 tensor: seed and offset, little-endian."},
    {"set_state", set_state, METH_O,
     "set_state(new_state)\n--\n\nGoes back to a state that get_state() returned."},
    {"clone_state", clone_state, METH_NOARGS,
     "clone_state()\n--\n\nA new generator in the same state."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__setstate__", set_pickled_state, METH_O, nullptr},
    {"_get_state",
     [](PyObject* o, PyObject*) {
       const auto s = self_of(o).state();
       return Py_BuildValue("(KK)", static_cast<unsigned long long>(s.seed),
                            static_cast<unsigned long long>(s.offset));
     },
     METH_NOARGS, nullptr},
    {"_set_state",
     [](PyObject* o, PyObject* args) -> PyObject* {
       unsigned long long seed, offset;
       if (!PyArg_ParseTuple(args, "KK", &seed, &offset)) return nullptr;
       self_of(o).set_state({seed, offset});
       Py_RETURN_NONE;
     },
     METH_VARARGS, nullptr},
    {}};
PyGetSetDef properties[] = {
    {"device", [](PyObject* o, void*) { return device_object(self_of(o).device()); }, nullptr,
     "The device whose numbers this draws.", nullptr},
    {}};

PyObject* default_of(PyObject*, PyObject* device) {
  return guard([&] { return make(g_type, default_generator(to_device(device))); });
}
PyObject* seed_defaults(PyObject*, PyObject* seed) {
  return guard([&]() -> PyObject* {
    seed_default_generators(seed_value(seed));
    Py_RETURN_NONE;
  });
}
PyMethodDef functions[] = {{"_seed_default_generators", seed_defaults, METH_O, nullptr},
                           {"_default_generator", default_of, METH_O, nullptr},
                           {}};

}  // namespace

bool is_generator(PyObject* o) { return PyObject_TypeCheck(o, g_type); }
Ref<Generator> to_generator(PyObject* o) { return reinterpret_cast<GeneratorObject*>(o)->value; }

void init_generator(PyObject* module) {
  PyType_Slot slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(new_generator)},
      {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
      {Py_tp_methods, methods},
      {Py_tp_getset, properties},
      {Py_tp_doc, const_cast<char*>("Generator(device='cpu')\n--\n\nA seeded stream of "
                                    "random numbers (Philox4x32-10).")},
      {0, nullptr}};
  PyType_Spec spec{"rustorch.Generator", sizeof(GeneratorObject), 0,
                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  g_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
  checked(PyModule_AddObjectRef(module, "Generator", reinterpret_cast<PyObject*>(g_type)));
  checked(PyModule_AddFunctions(module, functions));
}

}  // namespace rt::py
