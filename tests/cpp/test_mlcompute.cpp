// What is built in MLCompute, and in which order: the framework here is a double that notes each
// call and, where it is told to, refuses one.
#include <algorithm>
#include <cstring>

#include "check.h"
#include "graph/trace.h"
#include "mlcompute/planner.h"
#include "mlcompute/program.h"
#include "ops/ops.h"

namespace {

using namespace rt;
using namespace rt::mlcompute;

// An object of the framework: what it is, what it was made with, and memory where it has some.
struct Object {
  std::string text;
  Memory memory;
};

class Recorder final : public Framework {
 public:
  std::vector<std::string> calls;
  std::string refused;      // the call that gives nil or NO
  std::string failure;      // what a run ends with
  double updated = 7;       // what training makes of every weight
  std::vector<float> seen;  // the first input of the last run
  std::vector<float> labels;

  bool available(std::string*) override { return true; }
  Handle device(Unit unit) override { return note(cat_str("device ", name(unit))); }
  Handle tensor(IntList shape) override { return note(cat_str("tensor ", shape)); }
  Handle tensor(IntList shape, const Memory& memory) override {
    const Handle h = note(cat_str("tensor ", shape, " with ", memory.bytes, " bytes"));
    if (h) object(h).memory = memory;
    return h;
  }
  Handle graph() override { return note("graph"); }
  Handle layer(const LayerSpec& spec, std::span<const Handle> weights) override {
    std::string text = cat_str("layer ", name(spec));
    for (TensorId t : weights_of(spec)) {
      CHECK(weights[static_cast<size_t>(t)] != nullptr);
      text += cat_str(" <", object(weights[static_cast<size_t>(t)]).text, ">");
    }
    return note(text);
  }
  Handle node(const Handle&, const Handle& layer, std::span<const Handle> sources,
              bool frozen) override {
    std::string text = cat_str("node ", object(layer).text, " of");
    for (const Handle& s : sources) text += cat_str(" ", object(s).text.substr(0, 4));
    return note(text + (frozen ? " frozen" : ""));
  }
  Handle optimizer(const OptimizerPlan& p) override {
    return note(cat_str("optimizer ", name(p.kind), " ", p.lr));
  }
  Handle inference_graph(const Handle&) override { return note("inference"); }
  Handle training_graph(const Handle&, const Handle& loss, const Handle& optimizer) override {
    return note(cat_str("training ", object(loss).text, ", ", object(optimizer).text));
  }
  bool add_inputs(const Handle&, const NamedHandles& inputs, const NamedHandles& labels) override {
    return answer(cat_str("inputs", list(inputs), labels.empty() ? "" : " labels", list(labels)));
  }
  bool add_outputs(const Handle&, const NamedHandles& outputs) override {
    return answer(cat_str("outputs ", outputs.size()));
  }
  bool compile(const Handle&, const Handle& device) override {
    return answer(cat_str("compile for ", object(device).text));
  }
  bool execute_inference(const Handle&, const NamedMemory& inputs, const NamedMemory& outputs,
                         int64_t batch, std::string* what) override {
    *what = failure;
    look(inputs[0].second, &seen);
    for (const auto& [unused, m] : outputs) {
      std::fill_n(static_cast<float*>(m.data), m.bytes / 4, 3.0f);
    }
    return answer(cat_str("execute ", batch));
  }
  bool execute_training(const Handle&, const NamedMemory& inputs, const NamedMemory& targets,
                        int64_t batch, double* loss, std::string* what) override {
    *what = failure;
    *loss = 0.25;
    look(inputs[0].second, &seen);
    look(targets[0].second, &labels);
    return answer(cat_str("train ", batch));
  }
  void set_learning_rate(const Handle&, double lr) override { calls.push_back(cat_str("lr ", lr)); }
  void synchronize_updates(const Handle&) override { calls.push_back("synchronize"); }
  bool read(const Handle&, void* to, size_t bytes) override {
    std::fill_n(static_cast<float*>(to), bytes / 4, static_cast<float>(updated));
    return answer(cat_str("read ", bytes));
  }

  int count(const std::string& start) const {
    return static_cast<int>(std::count_if(
        calls.begin(), calls.end(), [&](const std::string& c) { return c.rfind(start, 0) == 0; }));
  }

 private:
  static Object& object(const Handle& h) { return *static_cast<Object*>(h.get()); }
  static void look(const Memory& m, std::vector<float>* into) {
    const auto* data = static_cast<const float*>(m.data);
    into->assign(data, data + m.bytes / 4);
  }
  static std::string list(const NamedHandles& handles) {
    std::string text;
    for (const auto& [name, handle] : handles) {
      CHECK(handle != nullptr);
      text += " " + name;
    }
    return text;
  }
  bool answer(std::string call) {
    calls.push_back(call);
    return refused.empty() || call.rfind(refused, 0) != 0;
  }
  Handle note(std::string call) {
    if (!answer(call)) return nullptr;
    return std::make_shared<Object>(Object{std::move(call), {}});
  }
};

Tensor values(IntList shape, float first = 0) {
  const Tensor t = empty(shape, DType::Float32);
  for (int64_t i = 0; i < t.numel(); ++i) t.data<float>()[i] = first + static_cast<float>(i);
  return t;
}

// A recording of fn(inputs), in which the named tensors are parameters.
template <class F>
Ref<graph::Graph> record(std::vector<std::pair<std::string, Tensor>> inputs,
                         std::vector<std::pair<std::string, Tensor>> parameters, F&& fn) {
  graph::Tracer tracer;
  for (const auto& [name, t] : parameters) tracer.add_tensor(graph::ValueKind::Parameter, t, name);
  for (const auto& [name, t] : inputs) tracer.add_input(t, name);
  tracer.add_output(fn());
  return graph::eliminate_dead_code(*tracer.finish());
}

Tensor call(const char* op, std::vector<Value> args) {
  const OpRecord* record = find_op(op);
  CHECK(record != nullptr);
  for (size_t i = args.size(); i < record->schema.args.size(); ++i) {
    args.push_back(record->schema.args[i].default_value);
  }
  Value result;
  call_boxed(*record, args.data(), &result);
  return result.tensor();
}

struct Net {
  Tensor x = values({2, 3}), weight = values({4, 3}, 1), bias = values({4});
  Tensor target = empty({2}, DType::Int64);
  Net() {
    target.data<int64_t>()[0] = 3;
    target.data<int64_t>()[1] = 0;
  }
  Tensor forward() const { return call("relu", {call("linear", {x, weight, bias})}); }
  Ref<graph::Graph> inference() const {
    return record({{"x", x}}, {{"weight", weight}, {"bias", bias}}, [&] { return forward(); });
  }
  Ref<graph::Graph> training() const {
    return record({{"x", x}, {"target", target}}, {{"weight", weight}, {"bias", bias}}, [&] {
      return call("cross_entropy", {forward(), target});
    });
  }
};

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void inference_is_built_in_order() {
  const Net net;
  Recorder framework;
  Program program(framework, plan_inference(*net.inference()), Unit::Gpu);
  const std::vector<std::string> wanted = {
      "device gpu",
      "graph",
      "tensor [2, 3, 1, 1]",
      "tensor [1, 12, 1, 1] with 48 bytes",
      "tensor [1, 4, 1, 1] with 16 bytes",
      "layer fully_connected <tensor [1, 12, 1, 1] with 48 bytes> <tensor [1, 4, 1, 1] with 16 "
      "bytes>"};
  for (const std::string& w : wanted) {
    CHECK(std::find(framework.calls.begin(), framework.calls.end(), w) != framework.calls.end());
  }
  const std::vector<std::string> last(framework.calls.end() - 6, framework.calls.end());
  CHECK(last[0] == "layer activation");
  CHECK(last[1] == "node layer activation of node");
  CHECK(last[2] == "inference");
  CHECK(last[3] == "inputs x");
  CHECK(last[4] == "outputs 1");
  CHECK(last[5] == "compile for device gpu");

  const Tensor inputs[] = {values({2, 3}, 10)};
  const std::vector<Tensor> out = program.run(inputs);
  CHECK(out.size() == 1 && out[0].sizes() == IntList({2, 4}));
  CHECK(out[0].data<float>()[7] == 3);
  CHECK(framework.seen == std::vector<float>({10, 11, 12, 13, 14, 15}));
  CHECK(framework.calls.back() == "execute 2");
}

// A tensor that is given twice is bound once, and comes in both shapes.
void outputs_may_repeat() {
  const Net net;
  graph::Tracer tracer;
  tracer.add_input(net.x, "x");
  const Tensor y = call("relu", {net.x});
  tracer.add_output(y);
  tracer.add_output(call("unsqueeze", {y, int64_t{2}}));
  Recorder framework;
  Program program(framework, plan_inference(*tracer.finish()), Unit::Any);
  const Tensor inputs[] = {net.x};
  const std::vector<Tensor> out = program.run(inputs);
  CHECK(out.size() == 2 && out[1].sizes() == IntList({2, 3, 1}));
  CHECK(out[0].data<float>()[5] == 3 && out[1].data<float>()[5] == 3);
}

void memory_is_the_tensor_s_own() {
  const Net net;
  Recorder framework;
  const Plan plan = plan_inference(*net.inference());
  for (const TensorPlan& t : plan.tensors) {
    if (t.name == "weight") CHECK(t.tensor.data() == net.weight.data());
  }
  const TensorPlan& input = plan.tensor(plan.inputs[0]);
  CHECK(prepare(input, net.x).data() == net.x.data());
  // Another layout has to be copied, and gives the same values.
  const Tensor turned = make_view(values({3, 2}), {2, 3}, {1, 2}, 0);
  const Tensor copy = prepare(input, turned);
  CHECK(copy.data() != turned.data() && copy.is_contiguous());
  CHECK(copy.data<float>()[1] == 2);
  CHECK(contains(error_of([&] { prepare(input, values({3, 3})); }), "must have shape [2, 3]"));
  CHECK(contains(error_of([&] {
                   prepare(input, empty({2, 3}, DType::Float64));
                 }),
                 "must be float32"));
}

// Whatever the framework refuses, the error names the call and nothing is run.
void every_refusal_is_an_error() {
  const Net net;
  const std::pair<const char*, const char*> cases[] = {
      {"device", "deviceWithType:] gave nil; got any"},
      {"graph", "[MLCGraph graph] gave nil"},
      {"tensor [2", "input 'x' of shape [2, 3, 1, 1]"},
      {"tensor [1, 12", "weight 'weight' of shape [1, 12, 1, 1]"},
      {"layer fully", "gave nil; got fully_connected for linear"},
      {"node layer act", "nodeWithLayer:sources:disableUpdate:] gave nil; got activation for relu"},
      {"inference", "graphWithGraphObjects:] gave nil"},
      {"inputs", "addInputs:] answered NO"},
      {"outputs", "addOutputs:] answered NO"},
      {"compile", "compileWithOptions:device:] answered NO; got 2 layers on any"},
  };
  for (const auto& [refused, message] : cases) {
    Recorder framework;
    framework.refused = refused;
    const std::string error =
        error_of([&] { Program(framework, plan_inference(*net.inference()), Unit::Any); });
    CHECK(contains(error, message));
    CHECK(framework.count("execute") == 0);
  }
  Recorder framework;
  Program program(framework, plan_inference(*net.inference()), Unit::Any);
  const Tensor inputs[] = {net.x};
  framework.refused = "execute";
  CHECK(contains(error_of([&] { program.run(inputs); }), "executeWithInputsData:...] answered NO"));
  framework.refused.clear();
  framework.failure = "the device went away";
  CHECK(contains(error_of([&] { program.run(inputs); }), "the run failed; got the device went"));
}

void training_updates_and_writes_back() {
  const Net net;
  Recorder framework;
  OptimizerPlan sgd;
  sgd.lr = 0.5;
  const Tensor parameters[] = {net.weight, net.bias};
  Program program(framework, plan_training(*net.training(), sgd, parameters, 0), Unit::Cpu);
  CHECK(framework.count("training layer loss, optimizer sgd 0.5") == 1);
  CHECK(framework.count("inputs x labels target") == 1);
  CHECK(framework.count("node layer loss") == 0);  // the training graph places it

  const Tensor inputs[] = {net.x}, labels[] = {net.target};
  CHECK(program.step(inputs, labels) == 0.25);
  CHECK(framework.labels == std::vector<float>({0, 0, 0, 1, 1, 0, 0, 0}));
  program.set_learning_rate(0.5);
  CHECK(framework.count("lr") == 0);
  program.set_learning_rate(0.125);
  CHECK(framework.calls.back() == "lr 0.125");

  const float before = net.weight.data<float>()[0];
  const uint32_t version = net.weight.version();
  CHECK(before == 1);
  program.write_back();
  CHECK(net.weight.data<float>()[11] == 7 && net.bias.data<float>()[3] == 7);
  CHECK(net.weight.version() > version);
  CHECK(framework.count("synchronize") == 1 && framework.count("read") == 2);
  program.write_back();  // nothing has changed since
  CHECK(framework.count("synchronize") == 1);

  net.target.data<int64_t>()[0] = 4;
  CHECK(contains(error_of([&] { program.step(inputs, labels); }), "a class from 0 to 3; got 4"));
  CHECK(contains(error_of([&] { program.run(inputs); }), "not run forward alone"));
}

void parameters_left_out_are_frozen() {
  const Net net;
  const Tensor first = values({3, 3});
  const auto g = record({{"x", net.x}, {"target", net.target}},
                        {{"first", first}, {"weight", net.weight}, {"bias", net.bias}}, [&] {
                          const Tensor h = call("linear", {net.x, first});
                          const Tensor y = call("linear", {h, net.weight, net.bias});
                          return call("cross_entropy", {y, net.target});
                        });
  const OptimizerPlan sgd;
  const Tensor both[] = {net.weight, net.bias};
  const Plan plan = plan_training(*g, sgd, both, 0);
  CHECK(plan.layers.size() == 3);
  CHECK(plan.layers[0].frozen && !plan.layers[1].frozen && !plan.layers[2].frozen);
  const Tensor one[] = {net.weight};
  CHECK(contains(error_of([&] { plan_training(*g, sgd, one, 0); }),
                 "some of its weights are trained, some not"));
  const Tensor none[] = {net.x};
  CHECK(contains(error_of([&] { plan_training(*g, sgd, none, 0); }), "no parameter of the graph"));
  CHECK(contains(error_of([&] {
                   Recorder framework;
                   Program(framework, plan_training(*g, sgd, both, 0), Unit::NeuralEngine);
                 }),
                 "inference graphs alone"));
}

void linux_has_no_mlcompute() {
#ifndef __APPLE__
  std::string why;
  CHECK(system_framework(&why) == nullptr);
  CHECK(contains(why, "macOS"));
#endif
}

}  // namespace

void test_mlcompute() {
  load_engines();
  inference_is_built_in_order();
  outputs_may_repeat();
  memory_is_the_tensor_s_own();
  every_refusal_is_an_error();
  training_updates_and_writes_back();
  parameters_left_out_are_frozen();
  linux_has_no_mlcompute();
}
