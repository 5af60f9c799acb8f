// MLCompute in Python: plans as plain data, and programs that run where the framework is.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/python.h"
#include "mlcompute/planner.h"
#include "mlcompute/program.h"

namespace rt::py {

namespace {

namespace pb = pybind11;
using namespace mlcompute;

pb::object owned(PyObject* o) { return pb::reinterpret_steal<pb::object>(checked(o).release()); }

std::vector<Tensor> tensors_of(const pb::sequence& sequence) {
  std::vector<Tensor> list;
  for (pb::handle o : sequence) {
    RT_CHECK(is_tensor(o.ptr()), Type, "mlcompute", "expected a tensor", Py_TYPE(o.ptr())->tp_name);
    list.push_back(unwrap(o.ptr()));
  }
  return list;
}

// ---- Plans as dicts and lists ----

pb::object plain(const Dims& d) { return pb::tuple(owned(size_object(d))); }
pb::object plain(const Pair& p) { return pb::make_tuple(p[0], p[1]); }
pb::object plain(bool v) { return pb::bool_(v); }
pb::object plain(int64_t v) { return pb::int_(v); }
pb::object plain(double v) { return pb::float_(v); }
pb::object plain(Weight w) {
  return w.id == kNoTensor ? pb::object(pb::none()) : pb::object(pb::int_(w.id));
}
template <class E>
requires std::is_enum_v<E> pb::object plain(E e) { return pb::str(name(e)); }

pb::dict describe(const TensorPlan& t) {
  pb::dict d;
  d["role"] = name(t.role);
  d["name"] = t.name;
  d["shape"] = plain(t.shape);
  d["outside"] = plain(t.outside);
  d["tensor"] = t.tensor.defined() ? owned(wrap(t.tensor)) : pb::object(pb::none());
  d["trained"] = t.trained;
  d["classes"] = t.classes;
  return d;
}

pb::dict describe(const LayerPlan& l) {
  pb::dict d;
  d["layer"] = name(l.spec);
  d["sources"] = l.sources;
  d["result"] = l.result;
  d["frozen"] = l.frozen;
  d["origin"] = l.origin;
  std::visit(
      [&](const auto& spec) {
        spec.each([&](const char* field, const auto& value) { d[field] = plain(value); });
      },
      l.spec);
  return d;
}

pb::dict describe(const Plan& p) {
  pb::list tensors, layers, counters;
  for (const TensorPlan& t : p.tensors) tensors.append(describe(t));
  for (const LayerPlan& l : p.layers) layers.append(describe(l));
  for (const auto& [tensor, step] : p.counters) {
    counters.append(pb::make_tuple(owned(wrap(tensor)), step));
  }
  pb::dict d;
  d["tensors"] = tensors;
  d["layers"] = layers;
  d["inputs"] = p.inputs;
  d["labels"] = p.labels;
  d["outputs"] = p.outputs;
  pb::list sizes;
  for (const Dims& s : p.output_sizes) sizes.append(plain(s));
  d["output_sizes"] = sizes;
  d["counters"] = counters;
  d["batch"] = p.batch;
  return d;
}

OptimizerPlan optimizer_from(const pb::dict& d) {
  OptimizerPlan p;
  const auto kind = d["kind"].cast<std::string>();
  for (OptimizerKind k : {OptimizerKind::Sgd, OptimizerKind::Adam, OptimizerKind::AdamW}) {
    if (kind == name(k)) p.kind = k;
  }
  RT_CHECK(kind == name(p.kind), Value, "mlcompute", "there is no such optimizer", kind);
  p.lr = d["lr"].cast<double>();
  p.momentum = d["momentum"].cast<double>();
  p.beta1 = d["beta1"].cast<double>();
  p.beta2 = d["beta2"].cast<double>();
  p.eps = d["eps"].cast<double>();
  p.weight_decay = d["weight_decay"].cast<double>();
  p.nesterov = d["nesterov"].cast<bool>();
  p.amsgrad = d["amsgrad"].cast<bool>();
  return p;
}

Framework& framework() {
  std::string why;
  Framework* f = system_framework(&why);
  RT_CHECK(f, DeviceNotAvailable, "mlcompute", why, "", "the module itself, on another device");
  return *f;
}

}  // namespace

void init_mlcompute(PyObject* module) {
  auto m = pb::reinterpret_borrow<pb::module_>(module);
  m.def("_mlcompute_why_not", []() -> pb::object {
    std::string why;
    return system_framework(&why) ? pb::object(pb::none()) : pb::object(pb::str(why));
  });
  pb::class_<Plan>(m, "_MLComputePlan").def("describe", [](const Plan& p) { return describe(p); });
  m.def("_mlcompute_plan_inference", &plan_inference, pb::arg("graph"));
  m.def(
      "_mlcompute_plan_training",
      [](const graph::Graph& g, const pb::dict& optimizer, const pb::sequence& parameters,
         int64_t seed) {
        return plan_training(g, optimizer_from(optimizer), tensors_of(parameters), seed);
      },
      pb::arg("graph"), pb::arg("optimizer"), pb::arg("parameters"), pb::arg("seed"));
  pb::class_<Program>(m, "_MLComputeProgram")
      .def("run",
           [](Program& p, const pb::sequence& inputs) {
             const std::vector<Tensor> in = tensors_of(inputs);
             std::vector<Tensor> out;
             {
               ReleaseGil released(true);
               out = p.run(in);
             }
             pb::list list;
             for (const Tensor& t : out) list.append(owned(wrap(t)));
             return list;
           })
      .def("step",
           [](Program& p, const pb::sequence& inputs, const pb::sequence& labels) {
             const std::vector<Tensor> in = tensors_of(inputs), targets = tensors_of(labels);
             ReleaseGil released(true);
             return p.step(in, targets);
           })
      .def("set_learning_rate",
           [](Program& p, double lr) {
             ReleaseGil released(true);
             p.set_learning_rate(lr);
           })
      .def("write_back", [](Program& p) {
        ReleaseGil released(true);
        p.write_back();
      });
  m.def(
      "_mlcompute_program",
      [](const Plan& plan, const std::string& device) {
        const Unit unit = parse_unit(device);
        return std::make_unique<Program>(framework(), plan, unit);
      },
      pb::arg("plan"), pb::arg("device"));
}

}  // namespace rt::py
