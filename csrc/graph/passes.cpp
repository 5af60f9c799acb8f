// Passes make a new graph of an old one; what the graph computes stays the same.
#include <algorithm>
#include <unordered_map>

#include "graph/graph.h"

namespace rt::graph {

namespace {

using Types = std::vector<std::optional<TensorType>>;

Types types_of(const Graph& g, const Node& n) {
  Types types;
  for (ValueId v : n.outputs) {
    types.push_back(v == kNoValue ? std::nullopt : std::optional(g.value(v).type));
  }
  return types;
}

// A graph in the making, and which of its values stand for those of the old one.
class Rebuilt {
 public:
  explicit Rebuilt(const Graph& from) : from_(from), map_(from.values().size(), kNoValue) {
    for (ValueId v : from.inputs()) set(v, to_->add_input(from.value(v).name, from.value(v).type));
  }
  Graph& graph() { return *to_; }
  void set(ValueId old, ValueId now) { map_[static_cast<size_t>(old)] = now; }
  ValueId at(ValueId old) const {
    return old == kNoValue ? kNoValue : map_[static_cast<size_t>(old)];
  }

  void add_tensor(ValueId v) {
    const Value& old = from_.value(v);
    set(v, to_->add_tensor(old.kind, old.name, old.tensor));
  }
  Node mapped(const Node& n) const {
    Node copy = n;
    for (Argument& a : copy.args) {
      if (auto* one = std::get_if<ValueId>(&a)) *one = at(*one);
      if (auto* list = std::get_if<std::vector<ValueId>>(&a)) {
        for (ValueId& v : *list) v = at(v);
      }
    }
    copy.src = at(n.src);
    return copy;
  }
  size_t add(Node mapped_node, const Node& old) {
    const size_t node = to_->add_node(std::move(mapped_node), types_of(from_, old));
    set_outputs(old, to_->nodes()[node].outputs);
    return node;
  }
  void set_outputs(const Node& old, const std::vector<ValueId>& now) {
    for (size_t i = 0; i < old.outputs.size(); ++i) {
      if (old.outputs[i] != kNoValue) set(old.outputs[i], now[i]);
    }
  }
  Ref<Graph> finish() {
    for (ValueId v : from_.outputs()) to_->add_output(at(v));
    for (const Mutation& m : from_.mutations()) to_->add_mutation(at(m.target), at(m.value));
    to_->finish();
    return to_;
  }

 private:
  const Graph& from_;
  Ref<Graph> to_ = make_ref<Graph>();
  std::vector<ValueId> map_;
};

// A node with its blocks passed as well.
template <class F>
Node with_blocks(Node n, F&& pass) {
  for (Ref<Graph>& block : n.blocks) block = pass(*block);
  return n;
}

Ref<Graph> copied(const Graph& g) {
  Rebuilt r(g);
  for (ValueId v : g.tensors()) r.add_tensor(v);
  for (const Node& n : g.nodes()) r.add(r.mapped(n), n);
  return r.finish();
}

bool all_known(const Types& types) {
  return std::all_of(types.begin(), types.end(),
                     [](const auto& t) { return !t || (t->known && t->kind == TypeKind::Tensor); });
}

int64_t bytes_of(const Types& types) {
  int64_t bytes = 0;
  for (const auto& t : types) {
    if (t) bytes += checked_numel(t->sizes, "graph") * static_cast<int64_t>(item_size(t->dtype));
  }
  return bytes;
}

// What two nodes that compute the same have in common, as text; numbers are compared exactly later.
std::string key_of(const Node& n) {
  std::string key = cat_str(n.op->schema.name, "/", static_cast<int>(n.form), n.grad, n.part, "/",
                            int64_t{n.src});
  for (const Argument& a : n.args) {
    key += ';';
    if (const auto* one = std::get_if<ValueId>(&a)) {
      key += cat_str("%", int64_t{*one});
    } else if (const auto* list = std::get_if<std::vector<ValueId>>(&a)) {
      for (ValueId v : *list) key += cat_str("%", int64_t{v});
    } else {
      key += to_string(std::get<rt::Value>(a));
    }
  }
  return key;
}

}  // namespace

Ref<Graph> eliminate_dead_code(const Graph& g) {
  std::vector<bool> live(g.values().size(), false);
  std::vector<bool> kept(g.nodes().size(), false);
  const auto use = [&](ValueId v) { live[static_cast<size_t>(v)] = true; };
  for (ValueId v : g.outputs()) use(v);
  for (const Mutation& m : g.mutations()) {
    use(m.target);
    use(m.value);
  }
  for (size_t i = g.nodes().size(); i-- > 0;) {
    const Node& n = g.nodes()[i];
    // A draw moves the generator on, for those after it.
    const bool effects = n.form == NodeForm::Inplace || (n.op && has_effects(*n.op)) ||
                         std::any_of(n.blocks.begin(), n.blocks.end(),
                                     [](const auto& b) { return b->has_effects(); });
    kept[i] = n.random || effects ||
              std::any_of(n.outputs.begin(), n.outputs.end(),
                          [&](ValueId v) { return v != kNoValue && live[static_cast<size_t>(v)]; });
    if (kept[i]) for_each_input(n, use);
  }
  Rebuilt r(g);
  for (ValueId v : g.tensors()) {
    if (live[static_cast<size_t>(v)]) r.add_tensor(v);
  }
  for (size_t i = 0; i < g.nodes().size(); ++i) {
    if (!kept[i]) continue;
    r.add(with_blocks(r.mapped(g.nodes()[i]), eliminate_dead_code), g.nodes()[i]);
  }
  return r.finish();
}

Ref<Graph> fold_constants(const Graph& g, int64_t max_bytes) {
  if (g.has_writes()) return copied(g);  // what is written later is no constant
  NoGradGuard guard;
  Rebuilt r(g);
  for (ValueId v : g.tensors()) r.add_tensor(v);
  std::vector<rt::Value> values(g.values().size());
  for (ValueId v : g.tensors()) {
    if (g.value(v).kind == ValueKind::Constant) values[static_cast<size_t>(v)] = g.value(v).tensor;
  }
  for (const Node& n : g.nodes()) {
    const Types types = types_of(g, n);
    bool constant = n.op && !n.random && !has_effects(*n.op) && !types.empty() &&
                    all_known(types) && bytes_of(types) <= max_bytes;
    for_each_input(
        n, [&](ValueId v) { constant &= values[static_cast<size_t>(v)].tensor().defined(); });
    if (!constant) {
      const auto pass = [&](const Graph& block) { return fold_constants(block, max_bytes); };
      r.add(with_blocks(r.mapped(n), pass), n);
      continue;
    }
    std::vector<rt::Value> results;
    run_node(n, values, &results);
    for (size_t i = 0; i < n.outputs.size(); ++i) {
      const ValueId v = n.outputs[i];
      if (v == kNoValue) continue;
      values[static_cast<size_t>(v)] = results[i];
      r.set(v, r.graph().add_tensor(ValueKind::Constant, "", results[i].tensor()));
    }
  }
  // The constants that only folded nodes read are gone.
  return eliminate_dead_code(*r.finish());
}

Ref<Graph> merge_common_subexpressions(const Graph& g) {
  if (g.has_writes()) return copied(g);               // two copies of a tensor are written apart
  constexpr size_t kComparedBytes = size_t{1} << 20;  // larger constants are compared by identity
  Rebuilt r(g);
  std::vector<ValueId> constants;
  for (ValueId v : g.tensors()) {
    const Value& value = g.value(v);
    if (value.kind != ValueKind::Constant) {
      r.add_tensor(v);
      continue;
    }
    const auto same = std::find_if(constants.begin(), constants.end(), [&](ValueId o) {
      const Tensor& t = g.value(o).tensor;
      if (!(value.type == g.value(o).type)) return false;
      return t.is_same(value.tensor) ||
             (value.tensor.nbytes() <= kComparedBytes && same_bytes(t, value.tensor));
    });
    if (same != constants.end()) {
      r.set(v, r.at(*same));
    } else {
      r.add_tensor(v);
      constants.push_back(v);
    }
  }
  std::unordered_map<std::string, std::vector<size_t>> known;
  for (const Node& n : g.nodes()) {
    Node now = r.mapped(n);
    if (n.random || n.form == NodeForm::Write || !n.op || has_effects(*n.op)) {
      r.add(with_blocks(std::move(now), merge_common_subexpressions), n);
      continue;
    }
    auto& candidates = known[key_of(now)];
    const auto same = std::find_if(candidates.begin(), candidates.end(), [&](size_t i) {
      const Node& o = r.graph().nodes()[i];
      return o.op == now.op && o.counts == now.counts &&
             types_of(r.graph(), o) == types_of(g, n) &&  // a value that is not set has any type
             std::equal(o.args.begin(), o.args.end(), now.args.begin(), now.args.end(),
                        same_argument);
    });
    if (same != candidates.end()) {
      r.set_outputs(n, r.graph().nodes()[*same].outputs);
    } else {
      candidates.push_back(r.add(std::move(now), n));
    }
  }
  return r.finish();
}

}  // namespace rt::graph
