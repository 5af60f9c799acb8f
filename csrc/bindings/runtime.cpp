// Devices, memory, threads and process-wide settings.
#include "bindings/libraries.h"
#include "bindings/python.h"
#include "core/device.h"
#include "cpu/parallel.h"
#include "cpu/simd_level.h"
#include "ops/index_support.h"
#include "ops/uninitialized.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace rt::py {

namespace {

// ---- Devices ----

template <class F>
void for_each_device(F&& f) {
  for (int i = 0; i < kNumDeviceTypes; ++i) {
    const auto type = static_cast<DeviceType>(i);
    Engine* engine = find_engine(type);
    std::string why;
    if (!engine || !engine->available(&why)) continue;
    for (int n = 0; n < engine->device_count(); ++n) f(Device{type, static_cast<int8_t>(n)});
  }
}

PyObject* available_devices(PyObject*, PyObject*) {
  return guard([&]() -> PyObject* {
    Object list = checked(PyList_New(0));
    for_each_device([&](Device d) {
      checked(PyList_Append(list.get(), checked(PyUnicode_FromString(to_string(d).c_str())).get()));
    });
    return list.release();
  });
}

// Of one type, without opening the engines of others.
PyObject* device_count(PyObject*, PyObject* device) {
  return guard([&]() -> PyObject* {
    Engine* engine = find_engine(to_device(device).type);
    std::string why;
    return PyLong_FromLong(engine && engine->available(&why) ? engine->device_count() : 0);
  });
}

template <class F>
PyObject* with_engine(PyObject* device, const char* name, F&& f) {
  return guard([&]() -> PyObject* {
    const Device d = to_device(device);
    return f(engine_for(d, name), d);
  });
}

PyObject* memory_stats(PyObject*, PyObject* device) {
  return with_engine(device, "memory_stats", [](Engine& engine, Device d) {
    const MemoryStats s = engine.memory_stats(d);
    return Py_BuildValue(
        "{s:L,s:L,s:L,s:L,s:L,s:L}", "allocated", static_cast<long long>(s.allocated),
        "peak_allocated", static_cast<long long>(s.peak_allocated), "cached",
        static_cast<long long>(s.cached), "allocations", static_cast<long long>(s.allocations),
        "cache_hits", static_cast<long long>(s.cache_hits), "limit",
        static_cast<long long>(s.limit));
  });
}
PyObject* empty_cache(PyObject*, PyObject* device) {
  return with_engine(device, "empty_cache", [](Engine& engine, Device d) -> PyObject* {
    engine.empty_cache(d);
    Py_RETURN_NONE;
  });
}
PyObject* reset_peak(PyObject*, PyObject* device) {
  return with_engine(device, "reset_peak_memory_stats", [](Engine& engine, Device d) -> PyObject* {
    engine.reset_peak_memory(d);
    Py_RETURN_NONE;
  });
}
PyObject* synchronize(PyObject*, PyObject* device) {
  return with_engine(device, "synchronize", [](Engine& engine, Device d) -> PyObject* {
    {
      const ReleaseGil released(true);
      engine.synchronize(d);
    }
    Py_RETURN_NONE;
  });
}
PyObject* set_memory_limit(PyObject*, PyObject* args) {
  PyObject* device = nullptr;
  long long bytes = 0;
  if (!PyArg_ParseTuple(args, "OL:_set_memory_limit", &device, &bytes)) return nullptr;
  return with_engine(device, "set_memory_limit", [bytes](Engine& engine, Device d) -> PyObject* {
    RT_CHECK(bytes >= 0, Value, "set_memory_limit", "a limit cannot be negative",
             cat_str(int64_t{bytes}), "0 for no limit");
    engine.set_memory_limit(d, bytes);
    Py_RETURN_NONE;
  });
}

// ---- Threads ----

PyObject* get_num_threads(PyObject*, PyObject*) { return PyLong_FromLong(cpu::get_num_threads()); }

PyObject* set_num_threads(PyObject*, PyObject* count) {
  return guard([&]() -> PyObject* {
    RT_CHECK(PyLong_Check(count) && !PyBool_Check(count), Type, "set_num_threads", "expects an int",
             Py_TYPE(count)->tp_name);
    const long n = PyLong_AsLong(count);
    if (n == -1 && PyErr_Occurred()) return nullptr;
    RT_CHECK(n >= 1 && n <= 4096, Runtime, "set_num_threads",
             "expects a positive number of threads", cat_str(int64_t{n}));
    cpu::set_num_threads(static_cast<int>(n));
    Py_RETURN_NONE;
  });
}

// ---- Default dtype ----

PyObject* get_default_dtype(PyObject*, PyObject*) { return dtype_object(default_dtype()); }

PyObject* set_default_dtype(PyObject*, PyObject* dtype) {
  return guard([&]() -> PyObject* {
    RT_CHECK(is_dtype(dtype), Type, "set_default_dtype", "invalid dtype object",
             Py_TYPE(dtype)->tp_name, "rustorch.float32 or rustorch.float64");
    const DType t = to_dtype(dtype);
    RT_CHECK(is_floating(t), Type, "set_default_dtype",
             "only floating-point types are supported as the default type", name(t),
             "float16, bfloat16, float32 or float64");
    set_default_dtype(t);
    Py_RETURN_NONE;
  });
}

// ---- Uninitialised memory, checks of indices, denormal numbers ----

PyObject* set_fills_uninitialized(PyObject*, PyObject* on) {
  ops::set_fills_uninitialized(on == Py_True);
  Py_RETURN_NONE;
}

PyObject* set_index_checks(PyObject*, PyObject* wait) {
  set_index_checks_wait(wait == Py_True);
  Py_RETURN_NONE;
}
PyObject* get_index_checks(PyObject*, PyObject*) { return PyBool_FromLong(index_checks_wait()); }

PyObject* set_flush_denormal(PyObject*, PyObject* mode) {
  return guard([&]() -> PyObject* {
    RT_CHECK(PyBool_Check(mode), Type, "set_flush_denormal", "flush_denormal expects a bool",
             Py_TYPE(mode)->tp_name);
    [[maybe_unused]] const bool on = mode == Py_True;
#if defined(__SSE2__)
    constexpr unsigned bits = 0x8040;  // results and operands
    _mm_setcsr(on ? _mm_getcsr() | bits : _mm_getcsr() & ~bits);
    Py_RETURN_TRUE;
#elif defined(__aarch64__)
    constexpr uint64_t bit = uint64_t{1} << 24;
    uint64_t control;
    asm volatile("mrs %0, fpcr" : "=r"(control));
    control = on ? control | bit : control & ~bit;
    asm volatile("msr fpcr, %0" ::"r"(control));
    Py_RETURN_TRUE;
#else
    Py_RETURN_FALSE;
#endif
  });
}

// ---- What was built ----

PyObject* build_info(PyObject*, PyObject*) {
  const char* simd[] = {"baseline", "avx2", "avx512"};
#if defined(__clang__)
  const char* compiler = "clang " __clang_version__;
#else
  const char* compiler = "g++ " __VERSION__;
#endif
#if defined(NDEBUG)
  const char* build = "release";
#else
  const char* build = "debug";
#endif
#if defined(RT_USE_ONEDNN)
  const char* matrix = "oneDNN";
#elif defined(RT_USE_ACCELERATE)
  const char* matrix = "Accelerate";
#else
  const char* matrix = "OpenBLAS";
#endif
  return Py_BuildValue("{s:s,s:s,s:s,s:s,s:l}", "compiler", compiler, "build", build,
                       "matrix_library", matrix, "simd", simd[static_cast<int>(cpu::simd_level())],
                       "cpp_standard", static_cast<long>(__cplusplus));
}

PyMethodDef functions[] = {
    {"available_devices", available_devices, METH_NOARGS,
     "available_devices()\n--\n\nThe names of the devices that ops can run on, \"cpu\" first."},
    {"_device_count", device_count, METH_O, nullptr},
    {"_memory_stats", memory_stats, METH_O, nullptr},
    {"_empty_cache", empty_cache, METH_O, nullptr},
    {"_reset_peak_memory_stats", reset_peak, METH_O, nullptr},
    {"_set_memory_limit", set_memory_limit, METH_VARARGS, nullptr},
    {"_synchronize", synchronize, METH_O, nullptr},
    {"get_num_threads", get_num_threads, METH_NOARGS,
     "get_num_threads()\n--\n\nHow many threads an op may use on the CPU."},
    {"set_num_threads", set_num_threads, METH_O,
     "set_num_threads(n)\n--\n\nSets how many threads an op may use on the CPU, for the whole "
     "process.\n\n"
     "Raises RuntimeError unless n is at least 1. Follows `torch.set_num_threads`."},
    {"get_default_dtype", get_default_dtype, METH_NOARGS,
     "get_default_dtype()\n--\n\nThe dtype that Python floats become; float32 unless set."},
    {"set_default_dtype", set_default_dtype, METH_O,
     "set_default_dtype(d)\n--\n\nSets the dtype that Python floats become.\n\n"
     "Raises TypeError unless it is a floating-point dtype. Follows `torch.set_default_dtype`."},
    {"_set_fills_uninitialized", set_fills_uninitialized, METH_O, nullptr},
    {"_set_index_checks_wait", set_index_checks, METH_O, nullptr},
    {"_index_checks_wait", get_index_checks, METH_NOARGS, nullptr},
    {"set_flush_denormal", set_flush_denormal, METH_O,
     "set_flush_denormal(mode)\n--\n\nWhether numbers too small for full precision count as zero "
     "in "
     "the calling thread; returns whether the processor can do that.\n\n"
     "Raises TypeError unless mode is a bool. Follows `torch.set_flush_denormal`."},
    {"_build_info", build_info, METH_NOARGS, nullptr},
    {}};

}  // namespace

void init_runtime(PyObject* module) {
  checked(PyModule_AddFunctions(module, functions));
  checked(PyModule_AddFunctions(module, library_functions));
  start_library_log();
}

}  // namespace rt::py
