// measure_bandwidth, measure_peak_flops and probe_instruction_set of csrc/bench.
#include <string_view>

#include "bench/limits.h"
#include "bindings/python.h"

namespace rt::py {
namespace {

PyObject* bandwidth(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"nbytes", "threads", nullptr};
  long long nbytes = 0;
  int threads = 1;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Li:measure_bandwidth", const_cast<char**>(names),
                                   &nbytes, &threads)) {
    return nullptr;
  }
  return guard([&]() -> PyObject* {
    bench::Bandwidth best;
    {
      const ReleaseGil release(true);
      best = bench::measure_bandwidth(nbytes, threads);
    }
    return Py_BuildValue("(ddd)", best.read, best.copy, best.triad);
  });
}

PyObject* peak_flops(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"dtype", "threads", nullptr};
  PyObject* dtype = nullptr;
  int threads = 1;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Oi:measure_peak_flops", const_cast<char**>(names),
                                   &dtype, &threads)) {
    return nullptr;
  }
  return guard([&]() -> PyObject* {
    const DType type = to_dtype(dtype);
    RT_CHECK(type == DType::Float32 || type == DType::Float64, Type, "measure_peak_flops",
             "no probe for this dtype", name(type), "float32 or float64");
    double flops = 0;
    {
      const ReleaseGil release(true);
      flops = bench::measure_peak_flops(
          type == DType::Float32 ? bench::PeakType::Float32 : bench::PeakType::Float64, threads);
    }
    return PyFloat_FromDouble(flops);
  });
}

PyObject* instruction_set(PyObject*, PyObject*) {
  return PyUnicode_FromString(bench::probe_instruction_set());
}

// Python calls a method with keywords through a pointer of another type (METH_KEYWORDS says so).
PyCFunction with_keywords(PyCFunctionWithKeywords f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

// Python keeps a pointer to the table for as long as the module lives.
PyMethodDef functions[] = {
    {"measure_bandwidth", with_keywords(bandwidth), METH_VARARGS | METH_KEYWORDS,
     "measure_bandwidth(nbytes, threads)\n--\n\n"
     "Bytes per second that loops which read, copy and combine (a = b + s * c) arrays of `nbytes`\n"
     "together reach on `threads` threads: (read, copy, triad). Raises ValueError for sizes below\n"
     "4096 bytes or fewer than one thread."},
    {"measure_peak_flops", with_keywords(peak_flops), METH_VARARGS | METH_KEYWORDS,
     "measure_peak_flops(dtype, threads)\n--\n\n"
     "Floating-point operations per second of fused multiply-adds in the CPU's widest vectors, "
     "for\n"
     "float32 or float64. Raises TypeError for other dtypes, ValueError for fewer than one "
     "thread."},
    {"probe_instruction_set", instruction_set, METH_NOARGS,
     "probe_instruction_set()\n--\n\n"
     "The vectors that the two probes use: \"AVX-512\", \"AVX2\", \"NEON\" or \"portable\"."},
    {}};

}  // namespace

void init_bench(PyObject* module) { checked(PyModule_AddFunctions(module, functions)); }

}  // namespace rt::py
