#include "mlcompute/program.h"

#include <cstring>
#include <unordered_map>

#include "ops/ops.h"

namespace rt::mlcompute {

namespace {

Handle made(Handle h, const char* call, const std::string& what) {
  RT_CHECK(h != nullptr, Runtime, "mlcompute", cat_str(call, " gave nil"), what);
  return h;
}
void accepted(bool yes, const char* call, const std::string& what) {
  RT_CHECK(yes, Runtime, "mlcompute", cat_str(call, " answered NO"), what);
}

Memory memory_of(const Tensor& t) { return {t.data(), t.nbytes(), t.storage()}; }

Tensor one_hot(const TensorPlan& plan, const Tensor& numbers) {
  const int64_t rows = numbers.numel(), classes = plan.classes;
  Tensor rows_of_ones = empty({rows, classes}, DType::Float32, {}, "mlcompute");
  float* out = rows_of_ones.data<float>();
  std::memset(out, 0, rows_of_ones.nbytes());
  const int64_t* in = numbers.data<int64_t>();
  for (int64_t i = 0; i < rows; ++i) {
    RT_CHECK(in[i] >= 0 && in[i] < classes, Index, "mlcompute",
             cat_str("label '", plan.name, "' must be a class from 0 to ", classes - 1),
             cat_str(in[i]));
    out[i * classes + in[i]] = 1;
  }
  return rows_of_ones;
}

}  // namespace

Tensor prepare(const TensorPlan& plan, const Tensor& given) {
  const DType wanted = plan.classes ? DType::Int64 : DType::Float32;
  RT_CHECK(given.dtype() == wanted, Type, "mlcompute",
           cat_str(name(plan.role), " '", plan.name, "' must be ", wanted), describe(given),
           "to(dtype)");
  RT_CHECK(given.sizes() == IntList(plan.outside), Runtime, "mlcompute",
           cat_str(name(plan.role), " '", plan.name, "' must have shape ", IntList(plan.outside)),
           describe(given), "a graph for this shape");
  Tensor t = alias(given);
  if (!t.device().is_cpu()) t = ops::to(t, Device{});
  t = ops::contiguous(t);
  return plan.classes ? one_hot(plan, t) : t;
}

Program::Program(Framework& framework, Plan plan, Unit unit)
    : framework_(framework), plan_(std::move(plan)), tensors_(plan_.tensors.size()) {
  RT_CHECK(unit != Unit::NeuralEngine || !plan_.optimizer, NotImplemented, "mlcompute",
           "the Neural Engine runs inference graphs alone", "device 'ane'", "'cpu' or 'gpu'");
  build(unit);
}

Handle Program::make_tensor(const TensorPlan& t) {
  const std::string what = cat_str(name(t.role), " '", t.name, "' of shape ", IntList(t.shape));
  if (!t.tensor.defined()) {
    return made(framework_.tensor(t.shape), "[MLCTensor tensorWithShape:dataType:]", what);
  }
  Tensor host = alias(t.tensor);
  if (!host.device().is_cpu()) host = ops::to(host, Device{});
  return made(framework_.tensor(t.shape, memory_of(ops::contiguous(host))),
              "[MLCTensor tensorWithShape:data:dataType:]", what);
}

void Program::build_layers(const Handle& graph) {
  for (size_t i = 0; i < plan_.tensors.size(); ++i) {
    if (plan_.tensors[i].role != Role::Result) tensors_[i] = make_tensor(plan_.tensors[i]);
  }
  for (const LayerPlan& l : plan_.layers) {
    const std::string what = cat_str(name(l.spec), " for ", l.origin);
    const Handle layer = made(framework_.layer(l.spec, tensors_), "[MLCLayer layer...]", what);
    if (std::holds_alternative<Loss>(l.spec)) {
      loss_ = layer;  // the training graph puts it behind the last node
      continue;
    }
    std::vector<Handle> sources;
    for (TensorId s : l.sources) sources.push_back(tensors_[static_cast<size_t>(s)]);
    tensors_[static_cast<size_t>(l.result)] =
        made(framework_.node(graph, layer, sources, l.frozen),
             "[MLCGraph nodeWithLayer:sources:disableUpdate:]", what);
  }
}

NamedHandles Program::named(std::span<const TensorId> ids) const {
  NamedHandles list;
  for (TensorId t : ids) list.emplace_back(plan_.tensor(t).name, tensors_[static_cast<size_t>(t)]);
  return list;
}

void Program::build(Unit unit) {
  const Handle device = made(framework_.device(unit), "[MLCDevice deviceWithType:]", name(unit));
  const Handle graph = made(framework_.graph(), "[MLCGraph graph]", "a new graph");
  build_layers(graph);
  const std::string what = cat_str(plan_.layers.size(), " layers on ", name(unit));
  if (plan_.optimizer) {
    lr_ = plan_.optimizer->lr;
    optimizer_ = made(framework_.optimizer(*plan_.optimizer), "[MLCOptimizer optimizer...]",
                      name(plan_.optimizer->kind));
    runnable_ = made(framework_.training_graph(graph, loss_, optimizer_),
                     "[MLCTrainingGraph graphWithGraphObjects:lossLayer:optimizer:]", what);
    accepted(framework_.add_inputs(runnable_, named(plan_.inputs), named(plan_.labels)),
             "[MLCTrainingGraph addInputs:lossLabels:]", what);
    accepted(framework_.compile(runnable_, device), "[MLCTrainingGraph compileWithOptions:device:]",
             what);
    return;
  }
  runnable_ =
      made(framework_.inference_graph(graph), "[MLCInferenceGraph graphWithGraphObjects:]", what);
  accepted(framework_.add_inputs(runnable_, named(plan_.inputs), {}),
           "[MLCInferenceGraph addInputs:]", what);
  accepted(framework_.add_outputs(runnable_, named(plan_.outputs)),
           "[MLCInferenceGraph addOutputs:]", what);
  accepted(framework_.compile(runnable_, device), "[MLCInferenceGraph compileWithOptions:device:]",
           what);
}

NamedMemory Program::bind(std::span<const TensorId> ids, std::span<const Tensor> tensors,
                          const char* what) const {
  RT_CHECK(tensors.size() == ids.size(), Type, "mlcompute",
           cat_str("the graph takes ", ids.size(), " ", what), cat_str(tensors.size()));
  NamedMemory list;
  for (size_t i = 0; i < ids.size(); ++i) {
    const TensorPlan& t = plan_.tensor(ids[i]);
    list.emplace_back(t.name, memory_of(prepare(t, tensors[i])));
  }
  return list;
}

std::vector<Tensor> Program::run(std::span<const Tensor> inputs) {
  std::lock_guard lock(mutex_);
  RT_CHECK(!plan_.optimizer, Runtime, "mlcompute", "a training graph is not run forward alone");
  const NamedMemory in = bind(plan_.inputs, inputs, "inputs");
  std::vector<Tensor> results;
  NamedMemory out;
  std::unordered_map<TensorId, size_t> first;  // a tensor may be given twice, and is bound once
  for (size_t i = 0; i < plan_.outputs.size(); ++i) {
    const TensorId t = plan_.outputs[i];
    results.push_back(empty(plan_.output_sizes[i], DType::Float32, {}, "mlcompute"));
    if (!first.emplace(t, i).second) continue;
    out.emplace_back(plan_.tensor(t).name, memory_of(results.back()));
  }
  std::string failure;
  accepted(framework_.execute_inference(runnable_, in, out, plan_.batch, &failure),
           "[MLCInferenceGraph executeWithInputsData:...]", failure);
  RT_CHECK(failure.empty(), Runtime, "mlcompute", "the run failed", failure);
  for (size_t i = 0; i < results.size(); ++i) {
    const Tensor& from = results[first.at(plan_.outputs[i])];
    if (!from.is_same(results[i])) {
      std::memcpy(results[i].data(), from.data(), results[i].nbytes());
    }
  }
  return results;
}

double Program::step(std::span<const Tensor> inputs, std::span<const Tensor> labels) {
  std::lock_guard lock(mutex_);
  RT_CHECK(plan_.optimizer, Runtime, "mlcompute", "an inference graph has no steps");
  const NamedMemory in = bind(plan_.inputs, inputs, "inputs");
  const NamedMemory targets = bind(plan_.labels, labels, "labels");
  double loss = 0;
  std::string failure;
  accepted(framework_.execute_training(runnable_, in, targets, plan_.batch, &loss, &failure),
           "[MLCTrainingGraph executeWithInputsData:lossLabelsData:...]", failure);
  RT_CHECK(failure.empty(), Runtime, "mlcompute", "the step failed", failure);
  ++steps_;
  return loss;
}

void Program::set_learning_rate(double lr) {
  std::lock_guard lock(mutex_);
  RT_CHECK(plan_.optimizer, Runtime, "mlcompute", "an inference graph has no learning rate");
  if (lr == lr_) return;
  framework_.set_learning_rate(optimizer_, lr);
  lr_ = lr;
}

void Program::write_back() {
  std::lock_guard lock(mutex_);
  if (steps_ == 0) return;
  framework_.synchronize_updates(runnable_);
  for (size_t i = 0; i < plan_.tensors.size(); ++i) {
    const TensorPlan& t = plan_.tensors[i];
    if (!t.trained && t.role != Role::Statistic) continue;
    const Tensor fresh = empty(t.outside, DType::Float32, {}, "mlcompute");
    accepted(framework_.read(tensors_[i], fresh.data(), fresh.nbytes()),
             "[MLCTensor copyDataFromDeviceMemoryToBytes:length:synchronizeWithDevice:]", t.name);
    ops::copy_(alias(t.tensor), fresh);
  }
  for (const auto& [counter, each] : plan_.counters) {
    const int64_t now = item(counter).to_int() + each * steps_;
    ops::fill_(alias(counter), Scalar(now));
  }
  steps_ = 0;
}

}  // namespace rt::mlcompute
