// Which value a tensor stands for while recording, and how writes become values.
#include <algorithm>

#include "autograd/node.h"
#include "graph/trace.h"
#include "ops/ops.h"

namespace rt::graph {

namespace {

const OpRecord& op_named(const char* name) {
  const OpRecord* op = find_op(name);
  RT_CHECK(op, Runtime, "trace", "an op that recordings need is not in this build", name);
  return *op;
}

Node plain_node(const char* op, std::vector<Argument> args) {
  Node n;
  n.op = &op_named(op);
  n.args = std::move(args);
  for (size_t i = n.args.size(); i < n.op->schema.args.size(); ++i) {
    n.args.emplace_back(n.op->schema.args[i].default_value);
  }
  n.counts = {-1};
  return n;
}

bool is_window(const Seen& s, const Tensor& t) {
  return s.memory->storage == t.storage() && s.offset == t.offset() && s.type.dtype == t.dtype() &&
         IntList(s.type.sizes) == t.sizes() && IntList(s.type.strides) == t.strides();
}

// The order of dims that undoes another.
Dims inverse(IntList order) {
  Dims back(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const int64_t d = wrap_dim(order[i], order.ssize(), "permute");
    back[static_cast<size_t>(d)] = static_cast<int64_t>(i);
  }
  return back;
}

}  // namespace

Seen* Tracer::add_seen(const Tensor& t, Memory* memory, ValueId value) {
  Seen& s = seen_.emplace_back();
  s.tensor = t;
  s.type = type_of(t);
  s.offset = t.offset();
  s.memory = memory;
  s.value = value;
  s.written = memory->written;
  memory->seen.push_back(&s);
  by_tensor_[t.impl()] = &s;
  return &s;
}

Seen* Tracer::see_root(const Tensor& t, ValueId value) {
  Memory& m = memories_.emplace_back();
  m.storage = t.storage();
  m.made_inside = true;
  if (value != kNoValue && graph_->value(value).kind != ValueKind::Result) {
    m.origin = value;
    m.made_inside = false;
  }
  by_storage_[t.storage().get()] = &m;
  m.root = add_seen(t, &m, value);
  return m.root;
}

Seen* Tracer::see_part(const Tensor& t, Seen* parent, Node maker, std::pair<size_t, size_t> place,
                       size_t part, ValueId value) {
  Seen* s = add_seen(t, parent->memory, value);
  s->parent = parent;
  s->maker = std::move(maker);
  s->place = place;
  s->part = part;
  return s;
}

Seen* Tracer::find(const Tensor& t) {
  const auto it = by_tensor_.find(t.impl());
  if (it != by_tensor_.end() && is_window(*it->second, t)) return it->second;
  const auto memory = by_storage_.find(t.storage().get());
  if (memory == by_storage_.end()) return nullptr;
  Memory& m = *memory->second;
  // Another handle of a window that is known: tensors saved for backward, tensor.data.
  for (Seen* s : m.seen) {
    if (is_window(*s, t)) return see_part(t, s, {}, {0, 0}, 0, current(*s));
  }
  // A constant's windows that nobody writes are constants too.
  const bool constant =
      m.origin != kNoValue && graph_->value(m.origin).kind == ValueKind::Constant && !m.written;
  if (constant || m.root->type.dtype != t.dtype()) return nullptr;
  std::optional<int64_t> offset;
  if (t.offset() != m.root->offset) offset = t.offset();
  Node maker = plain_node("as_strided", {current(*m.root), rt::Value(t.sizes()),
                                         rt::Value(t.strides()), rt::Value(offset)});
  const std::optional<TensorType> type = type_of(t);
  const ValueId v = add_node(maker, {&type, 1});
  maker.outputs = {v};
  return see_part(t, m.root, std::move(maker), {0, 0}, 0, v);
}

Seen* Tracer::capture(const Tensor& t) {
  const bool parameter = requires_grad(t);
  RT_CHECK(!parameter || is_leaf(t), Runtime, "trace",
           "the recorded function uses a tensor from outside that has a history of its own",
           describe(t), "passing it as an input, or .detach()");
  const ValueKind kind = parameter ? ValueKind::Parameter : ValueKind::Constant;
  add_tensor(kind, t, parameter ? "captured" : "");
  return by_tensor_[t.impl()];
}

ValueId Tracer::read(const Tensor& t) {
  Seen* s = find(t);
  return current(s ? *s : *capture(t));
}

// Chains of views are walked with a list, not by recursion: programs make long ones.
ValueId Tracer::current(Seen& last) {
  std::vector<Seen*> stale;
  for (Seen* s = &last; s->parent && s->written != s->memory->written; s = s->parent) {
    stale.push_back(s);
  }
  for (auto it = stale.rbegin(); it != stale.rend(); ++it) {
    Seen& s = **it;
    const ValueId from = s.parent->value;
    s.written = s.memory->written;
    if (!s.maker.op) {
      s.value = from;
      continue;
    }
    Node again = s.maker;
    // A new value may lie otherwise in memory, where view() would refuse.
    if (again.op->schema.name == "view") again.op = &op_named("reshape");
    Argument& base = again.args[s.place.first];
    if (auto* list = std::get_if<std::vector<ValueId>>(&base)) {
      (*list)[s.place.second] = from;
    } else {
      base = from;
    }
    std::vector<std::optional<TensorType>> types;
    for (ValueId v : s.maker.outputs) {
      types.push_back(v == kNoValue ? std::nullopt : std::optional(graph_->value(v).type));
    }
    add_node(std::move(again), types);
    s.value = graph_->nodes().back().outputs[s.part];
  }
  return last.value;
}

ValueId Tracer::scatter(const Seen& s, ValueId base, ValueId src) {
  const Seen& p = *s.parent;
  const bool same_place = s.offset == p.offset && s.type.dtype == p.type.dtype;
  if (!s.maker.op ||
      (same_place && s.type.sizes == p.type.sizes && s.type.strides == p.type.strides))
    return src;
  const auto make = [&](const char* op, std::vector<Argument> args) {
    const std::optional<TensorType> type = p.type;
    return add_node(plain_node(op, std::move(args)), {&type, 1});
  };
  Dims strides;
  int64_t numel = 1, parent_numel = 1;
  for (int64_t n : s.type.sizes) numel *= n;
  for (int64_t n : p.type.sizes) parent_numel *= n;
  if (same_place && numel == parent_numel &&
      view_strides(p.type.sizes, p.type.strides, s.type.sizes, &strides) &&
      strides == s.type.strides) {
    return make("reshape", {src, rt::Value(IntList(p.type.sizes))});
  }
  const std::string& op = s.maker.op->schema.name;
  const auto& args = s.maker.args;
  if (op == "transpose") return make("transpose", {src, args[1], args[2]});
  if (op == "t") return make("t", {src});
  if (op == "permute") {
    return make("permute", {src, rt::Value(inverse(std::get<rt::Value>(args[1]).get<Dims>()))});
  }
  if (op == "slice" || op == "select" || op == "diagonal" || op == "as_strided") {
    std::vector<Argument> list(args.begin() + 1, args.end());
    list.insert(list.begin(), {base, src});
    return make((op + "_scatter").c_str(), std::move(list));
  }
  if (s.place != std::pair<size_t, size_t>{0, 0} || !std::holds_alternative<ValueId>(args[0])) {
    RT_FAIL(Runtime, "trace", "a write through this view cannot be recorded", op,
            "writing the tensor that it is a view of");
  }
  Node n = s.maker;
  n.form = NodeForm::Scatter;
  n.args[0] = base;
  n.src = src;
  n.part = static_cast<int32_t>(s.part);
  n.outputs.clear();
  const std::optional<TensorType> type = p.type;
  return add_node(std::move(n), {&type, 1});
}

void Tracer::write(Seen& s, ValueId value, bool grad) {
  Seen* at = &s;
  std::vector<std::pair<Seen*, ValueId>> detached;  // these have the history of the write
  for (; at->parent; at = at->parent) {
    if (at->maker.op && at->maker.op->schema.name == "detach") {
      grad = false;
      detached.emplace_back(at, value);
    }
    value = scatter(*at, current(*at->parent), value);
  }
  if (!grad && carries(at->value)) {
    const std::optional<TensorType> type = at->type;
    value = add_node(plain_node("_with_values", {at->value, value}), {&type, 1});
  }
  at->value = value;
  at->written = ++at->memory->written;
  for (const auto& [seen, now] : detached) {
    seen->value = now;
    seen->written = at->written;
  }
}

// A constant made inside is as new in every run: the graph keeps what it was before the write. One
// from outside is state, which a run reads and writes.
void Tracer::before_write(const Tensor& t) {
  Seen* s = find(t);
  if (!s) s = capture(t);
  Memory& m = *s->memory;
  if (m.written || m.origin == kNoValue || !m.made_inside) return;
  NoGradGuard guard;
  graph_->set_tensor(m.origin, ops::clone(m.root->tensor));
}

}  // namespace rt::graph
