#include "graph/trace.h"

#include <algorithm>

#include "ops/ops.h"

namespace rt::graph {

namespace {

thread_local Tracer* t_tracer = nullptr;

void (*g_warning)(const std::string&) = nullptr;
std::string (*g_location)() = nullptr;

using Types = std::vector<std::optional<TensorType>>;

template <class F>
void for_each_tensor(const OpRecord& op, const rt::Value* args, F&& f) {
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    if (const auto* t = std::get_if<Tensor>(&args[i])) {
      if (t->defined()) f(*t, i, size_t{0});
    } else if (const auto* l = std::get_if<std::vector<Tensor>>(&args[i])) {
      for (size_t k = 0; k < l->size(); ++k) {
        if ((*l)[k].defined()) f((*l)[k], i, k);
      }
    }
  }
}

// What an op gives for these arguments, by computing it; empty where it draws numbers or fails.
Types probe(const OpRecord& op, const rt::Value* args) {
  if (op.spec.random) return {};
  NoGradGuard guard;
  rt::Value returns[OpRecord::kMaxReturns];
  try {
    call_boxed(op, args, returns);
  } catch (const Error&) {
    return {};  // the call itself will say what is wrong
  }
  Types types;
  for (size_t i = 0; i < op.schema.returns.size(); ++i) {
    const Tensor& t = returns[i].tensor();
    types.push_back(t.defined() ? std::optional(type_of(t)) : std::nullopt);
  }
  return types;
}

// In place, whether the op's own result surely has the dtype of what it is written to.
bool keeps_dtype(const OpRecord& op, const rt::Value* args) {
  const DType own = args[0].tensor().dtype();
  bool same = op.spec.random || (op.spec.vjp && !op.spec.integer_result && is_floating(own));
  for_each_tensor(op, args, [&](const Tensor& t, size_t, size_t) { same &= t.dtype() == own; });
  return same;
}

bool same_window(const Tensor& a, const Tensor& b) {
  return a.storage() == b.storage() && a.offset() == b.offset() && a.dtype() == b.dtype() &&
         a.sizes() == b.sizes() && a.strides() == b.strides();
}

}  // namespace

Tracer* tracer() { return t_tracer; }

void set_trace_hooks(void (*warning)(const std::string& message), std::string (*location)()) {
  g_warning = warning;
  g_location = location;
}

Tracer::Tracer() : grad_at_start_(modes().grad) {
  RT_CHECK(!t_tracer, Runtime, "trace", "this thread is recording a graph already", "",
           "calling the recorded module inside, which records what it runs");
  outer = modes().interceptor;
  modes().interceptor = this;
  t_tracer = this;
}
Tracer::~Tracer() {
  modes().interceptor = outer;
  t_tracer = nullptr;
}

void Tracer::warn(const std::string& message) const {
  if (g_warning) g_warning(message);
}

ValueId Tracer::add_input(const Tensor& t, std::string name) {
  const ValueId v = graph_->add_input(std::move(name), type_of(t));
  depends_.push_back(true);
  carries_.push_back(is_differentiable(t.dtype()));
  see_root(t, v);
  return v;
}

ValueId Tracer::add_tensor(ValueKind kind, const Tensor& t, std::string name) {
  const ValueId v = graph_->add_tensor(kind, std::move(name), t);
  depends_.push_back(kind != ValueKind::Constant);
  carries_.push_back(kind == ValueKind::Parameter && is_differentiable(t.dtype()));
  see_root(t, v);
  return v;
}

ValueId Tracer::add_node(Node node, std::span<const std::optional<TensorType>> types) {
  bool depends = node.random, carries_grad = false;
  for_each_input(node, [&](ValueId v) {
    depends |= depends_[static_cast<size_t>(v)];
    carries_grad |= carries(v);
  });
  carries_grad &= node.grad && node.op->schema.name != "detach";
  const size_t at = graph_->add_node(std::move(node), types);
  depends_.resize(graph_->values().size(), depends);
  for (size_t v = carries_.size(); v < graph_->values().size(); ++v) {
    carries_.push_back(carries_grad && is_differentiable(graph_->values()[v].type.dtype));
  }
  const auto& outputs = graph_->nodes()[at].outputs;
  return outputs.empty() ? kNoValue : outputs[0];
}

const Node& Tracer::copy_node(Node node, std::span<const std::optional<TensorType>> types) {
  add_node(std::move(node), types);
  return graph_->nodes().back();
}

Argument Tracer::read_argument(const OpRecord& op, size_t i, const rt::Value& v) {
  if (const auto* t = std::get_if<Tensor>(&v)) {
    if (!t->defined()) return rt::Value();
    if (t->is_wrapped_number() && op.schema.args[i].operand && !find(*t)) {
      return rt::Value(item(*t));
    }
    return read(*t);
  }
  if (const auto* l = std::get_if<std::vector<Tensor>>(&v)) {
    std::vector<ValueId> list;
    for (const Tensor& t : *l) list.push_back(t.defined() ? read(t) : kNoValue);
    return list;
  }
  if (v.is<Ref<Generator>>()) {
    warn(cat_str(op.name(), "(): the graph draws from the default generator, not from this one"));
    return rt::Value();
  }
  return v;
}

Node Tracer::make_node(const OpRecord& op, const rt::Value* args) {
  Node n;
  n.op = &op;
  n.grad = grad_.value_or(modes().grad || !grad_at_start_);
  for (size_t i = 0; i < op.schema.args.size(); ++i)
    n.args.push_back(read_argument(op, i, args[i]));
  if (g_location) n.location = g_location();
  return n;
}

// Runs the call and notes whether it drew random numbers.
void Tracer::run_watched(OpCall& call, Node* node) {
  Device device;
  for_each_tensor(call.op, call.args,
                  [&](const Tensor& t, size_t, size_t) { device = t.device(); });
  const Ref<Generator> generator = default_generator(device);
  const uint64_t before = generator->state().offset;
  call.run();
  node->random = call.op.spec.random || generator->state().offset != before;
  if (node->random) {
    warn(cat_str(call.op.name(), "(): every run of the graph draws new random numbers"));
  }
}

void Tracer::set_results(Node* node, const rt::Value* returns, Types* types) const {
  const auto put = [&](const Tensor& t) {
    types->push_back(t.defined() ? std::optional(type_of(t)) : std::nullopt);
  };
  for (size_t i = 0; i < node->op->schema.returns.size(); ++i) {
    if (const auto* l = std::get_if<std::vector<Tensor>>(&returns[i])) {
      node->counts.push_back(static_cast<int32_t>(l->size()));
      for (const Tensor& t : *l) put(t);
    } else if (node->op->schema.returns[i].type == "Tensor") {
      node->counts.push_back(-1);
      put(returns[i].tensor());
    } else {
      node->counts.push_back(0);
    }
  }
}

void Tracer::call(OpCall& call) {
  switch (call.form) {
    case OpCall::Form::Plain:
      return call_plain(call);
    case OpCall::Form::Inplace:
      return call.op.spec.view ? call_inplace_view(call) : call_inplace(call);
    case OpCall::Form::Out:
      return call_out(call);
  }
}

void Tracer::call_plain(OpCall& call) {
  const OpRecord& op = call.op;
  Node node = make_node(op, call.args);
  struct Written {
    Tensor tensor;
    size_t arg;
    uint32_t version;
  };
  std::vector<Written> watched;
  for_each_tensor(op, call.args, [&](const Tensor& t, size_t i, size_t) {
    watched.push_back({t, i, t.version()});
  });
  if (op.schema.name == "view" && find(call.args[0].tensor())->memory->written) {
    node.op = find_op("reshape");  // the value that it views may lie otherwise in memory
  }
  run_watched(call, &node);
  if (op.schema.returns[0].type == "bool" && !watched.empty() && op.schema.returns.size() == 1 &&
      !node.op->schema.args.empty()) {
    bool depends = false;
    for_each_input(node, [&](ValueId v) { depends |= depends_[static_cast<size_t>(v)]; });
    const std::string_view of_type = op.name();
    if (depends && (of_type == "equal" || of_type == "allclose" || of_type == "is_nonzero")) {
      warn(cat_str(op.name(), "(): the answer stays what it is now in every run of the graph"));
    }
  }
  Types types;
  set_results(&node, call.returns, &types);
  const size_t results = types.size();
  for (const Written& w : watched) {
    if (w.tensor.version() == w.version) continue;
    node.form = NodeForm::Write;
    const auto arg = static_cast<uint32_t>(w.arg);
    if (std::find(node.writes.begin(), node.writes.end(), arg) == node.writes.end()) {
      node.writes.push_back(arg);
    }
  }
  std::vector<Tensor> written;  // all items of a written list, as the node gives them
  for (uint32_t arg : node.writes) {
    for (const Written& w : watched) {
      if (w.arg != arg) continue;
      written.push_back(w.tensor);
      types.push_back(type_of(w.tensor));
    }
  }
  add_node(std::move(node), types);
  const Node added = graph_->nodes().back();
  note_results(added, call);
  for (size_t i = 0; i < written.size(); ++i) {
    write(*find(written[i]), added.outputs[results + i], true);
  }
}

// Results that lie in the memory of an argument are views of it, whatever op made them.
void Tracer::note_results(const Node& node, const OpCall& call) {
  size_t part = 0;
  const auto note = [&](const Tensor& t) {
    const size_t at = part++;
    if (!t.defined()) return;
    const ValueId v = node.outputs[at];
    Seen* parent = nullptr;
    std::pair<size_t, size_t> place;
    for_each_tensor(call.op, call.args, [&](const Tensor& arg, size_t i, size_t k) {
      if (parent || !(arg.storage() == t.storage())) return;
      parent = find(arg);
      place = {i, k};
    });
    if (!parent) {
      if (!find(t)) see_root(t, v);
      return;
    }
    if (node.form == NodeForm::Write) {
      for (uint32_t w : node.writes) {
        if (w == place.first) return;  // it is, or shows, what was written
      }
    }
    if (parent->tensor.is_same(t)) {
      parent->value = v;
    } else {
      see_part(t, parent, node, place, at, v);
    }
  };
  for (size_t i = 0; i < call.op.schema.returns.size(); ++i) {
    if (const auto* l = std::get_if<std::vector<Tensor>>(&call.returns[i])) {
      for (const Tensor& t : *l) note(t);
    } else if (call.op.schema.returns[i].type == "Tensor") {
      note(call.returns[i].tensor());
    }
  }
}

// The op's first result, converted if what it is written to has another dtype.
ValueId Tracer::add_plain(Node node, const TensorType& type, DType wanted) {
  std::optional<TensorType> t = type;
  const bool grad = node.grad;
  std::string location = node.location;
  ValueId v = add_node(std::move(node), {&t, 1});
  if (type.dtype == wanted) return v;
  Node cast;
  cast.op = find_op("_to_copy");
  cast.grad = grad;
  cast.location = std::move(location);
  cast.args = {v, rt::Value(wanted), rt::Value(type.device)};
  cast.counts = {-1};
  t->dtype = wanted;
  return add_node(std::move(cast), {&t, 1});
}

void Tracer::call_inplace(OpCall& call) {
  const OpRecord& op = call.op;
  const Tensor self = call.args[0].tensor();
  if (op.schema.base_name == "copy" && same_window(self, call.args[1].tensor())) {
    return call.run();  // x[a:b] += y writes what already stands there
  }
  before_write(self);
  Node node = make_node(op, call.args);
  TensorType type = type_of(self);
  if (!keeps_dtype(op, call.args)) {
    const Types types = probe(op, call.args);
    if (!types.empty() && types[0]) type = *types[0];
  }
  run_watched(call, &node);
  node.counts = {-1};
  const bool grad = node.grad;
  write(*find(self), add_plain(std::move(node), type, self.dtype()), grad);
}

// t_(), squeeze_() and their like: the tensor becomes a view of what it was.
void Tracer::call_inplace_view(OpCall& call) {
  const Tensor self = call.args[0].tensor();
  Node node = make_node(call.op, call.args);
  Seen* before = find(self);
  call.run();
  node.counts = {-1};
  const std::optional<TensorType> type = type_of(self);
  const ValueId v = add_node(std::move(node), {&type, 1});
  see_part(self, before, graph_->nodes().back(), {0, 0}, 0, v);
}

void Tracer::call_out(OpCall& call) {
  const OpRecord& op = call.op;
  std::vector<Tensor> before;
  for (const Tensor& t : call.outs) {
    before_write(t);
    before.push_back(alias(t));
  }
  Node node = make_node(op, call.args);
  Types types = probe(op, call.args);
  const int dtype = op.schema.index_of("dtype"), device = op.schema.index_of("device");
  if (call.outs.size() == 1 && dtype >= 0 && device >= 0) {
    // A function that makes a tensor makes it as `out` is.
    node.args[static_cast<size_t>(dtype)] = rt::Value(call.outs[0].dtype());
    node.args[static_cast<size_t>(device)] = rt::Value(call.outs[0].device());
    types.clear();
  }
  run_watched(call, &node);
  const bool grad = node.grad;
  node.counts.assign(call.outs.size(), -1);
  if (types.size() != call.outs.size()) {
    types.clear();
    for (const Tensor& t : call.outs) types.emplace_back(type_of(t));
  }
  add_node(std::move(node), types);
  const std::vector<ValueId> results = graph_->nodes().back().outputs;
  for (size_t i = 0; i < call.outs.size(); ++i) {
    const Tensor& out = call.outs[i];
    ValueId v = results[i];
    if (types[i]->dtype != out.dtype()) {
      Node cast;
      cast.op = find_op("_to_copy");
      cast.grad = grad;
      cast.args = {v, rt::Value(out.dtype()), rt::Value(out.device())};
      cast.counts = {-1};
      const std::optional<TensorType> type = type_of(out);
      v = add_node(std::move(cast), {&type, 1});
    }
    if (same_window(before[i], out)) {
      write(*find(out), v, true);
    } else {
      see_root(out, v);  // it was resized: what else lay in its memory is no longer read through it
    }
  }
}

void Tracer::run_inside(const OpRecord& op, const rt::Value* args, rt::Value* returns, bool grad) {
  grad_ = grad;
  op.boxed(op, args, returns);
}

void Tracer::note_read(const Tensor& t, const char* what) {
  // Tensors that were never seen are data of the program.
  const auto known = by_storage_.find(t.storage().get());
  if (known == by_storage_.end()) return;
  const Memory& m = *known->second;
  if (depends_[static_cast<size_t>(m.root->value)]) {
    warn(cat_str(what,
                 ": the value of a tensor becomes a Python value, which stays what it is now "
                 "in every run of the graph"));
  }
}

void Tracer::note_made(const Tensor& t) {
  add_tensor(ValueKind::Constant, t, "");
  by_tensor_[t.impl()]->memory->made_inside = true;
}

Ref<Graph> Tracer::finish() {
  for (ValueId v : outputs_) graph_->add_output(v);
  for (const Memory& m : memories_) {
    if (!m.written || m.origin == kNoValue || m.made_inside) continue;
    if (graph_->value(m.origin).kind == ValueKind::Constant) {
      graph_->set_kind(m.origin, ValueKind::Buffer);
    }
    if (m.root->value != m.origin) graph_->add_mutation(m.origin, m.root->value);
  }
  for (const Mutation& m : mutations_) graph_->add_mutation(m.target, m.value);
  graph_->finish();
  return graph_;
}

}  // namespace rt::graph
