#include "autograd/engine.h"

#include <atomic>
#include <queue>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "ops/ops.h"
#include "ops/record.h"
#include "ops/whole_ops.h"

namespace rt {

namespace {

// What one backward pass knows of a node.
struct Task {
  int dependencies = 0;       // edges into it that have not delivered yet
  bool wanted = true;         // on a path to an input that was asked for
  Gradients inbox;            // one slot a result
  std::vector<int> captures;  // indices into the result list, with their output in capture_outputs
  std::vector<uint32_t> capture_outputs;
};

std::atomic<int64_t> g_passes{0};  // global: passes of all threads are told apart by their number

// Whether what this pass has gathered may be written: nobody else can see its memory, and no graph
// is made of the writing.
bool is_writable_sum(const Tensor& t) {
  if (modes().grad || t.use_count() != 1) return false;
  const Storage& memory = *t.storage();
  return memory.use_count() == 1 && memory.resizable() && !memory.read_only() &&
         (!t.impl()->inference_ || modes().inference) && !has_internal_overlap(t);
}

class Pass {
 public:
  Pass(const BackwardOptions& options, bool accumulate_all)
      : options_(options), accumulate_all_(accumulate_all) {}

  Gradients run(const std::vector<Edge>& roots, Gradients root_grads,
                const std::vector<Edge>& inputs, bool accumulate_inputs);

  int64_t number() const { return number_; }
  bool runs(const Node& node) const {
    const auto it = tasks_.find(const_cast<Node*>(&node));
    return it != tasks_.end() && it->second.wanted;
  }

 private:
  struct Later {
    bool operator()(const Ref<Node>& a, const Ref<Node>& b) const {
      return a->sequence < b->sequence;
    }
  };

  // What is gathered for the inputs of one node.
  class Sums final : public GatheredSums {
   public:
    Sums(const Pass& pass, const Node& node) : pass_(pass), node_(node) {}
    Tensor writable(size_t edge) const override {
      const Edge& e = node_.edges[edge];
      if (!e.node) return {};
      const Gradients& inbox = pass_.tasks_.at(e.node.get()).inbox;
      if (inbox.size() <= e.output) return {};
      const Tensor& sum = inbox[e.output];
      return sum.defined() && is_writable_sum(sum) ? sum : Tensor();
    }

   private:
    const Pass& pass_;
    const Node& node_;
  };

  void count_dependencies(const std::vector<Edge>& roots);
  void mark_wanted(const std::vector<Edge>& roots);
  void deliver(const Edge& edge, Tensor g);
  void run_node(const Ref<Node>& node, Task& task);
  void check_gradients(const Node& node, Gradients& grads);

  BackwardOptions options_;
  bool accumulate_all_;
  int64_t number_ = g_passes.fetch_add(1, std::memory_order_relaxed);
  std::unordered_map<Node*, Task> tasks_;
  std::priority_queue<Ref<Node>, std::vector<Ref<Node>>, Later> ready_;
  Gradients captured_;
};

void Pass::count_dependencies(const std::vector<Edge>& roots) {
  std::vector<Node*> stack;
  for (const Edge& e : roots) {
    if (tasks_.try_emplace(e.node.get()).second) stack.push_back(e.node.get());
  }
  while (!stack.empty()) {
    Node* node = stack.back();
    stack.pop_back();
    for (const Edge& e : node->edges) {
      if (!e.node) continue;
      const auto [it, fresh] = tasks_.try_emplace(e.node.get());
      it->second.dependencies++;
      if (fresh) stack.push_back(e.node.get());
    }
  }
}

// With named inputs only the paths that lead to them run. Iterative depth-first: a node is wanted
// if it captures or any of its edges leads to a wanted node.
void Pass::mark_wanted(const std::vector<Edge>& roots) {
  std::unordered_set<Node*> seen;
  struct Frame {
    Node* node;
    size_t next;
  };
  std::vector<Frame> stack;
  for (auto& [node, task] : tasks_) task.wanted = !task.captures.empty();
  for (const Edge& root : roots) {
    if (!seen.insert(root.node.get()).second) continue;
    stack.push_back({root.node.get(), 0});
    while (!stack.empty()) {
      Frame& f = stack.back();
      if (f.next < f.node->edges.size()) {
        Node* child = f.node->edges[f.next++].node.get();
        if (child && seen.insert(child).second) stack.push_back({child, 0});
        continue;
      }
      Task& task = tasks_.at(f.node);
      for (const Edge& e : f.node->edges) {
        if (e.node && tasks_.at(e.node.get()).wanted) task.wanted = true;
      }
      stack.pop_back();
    }
  }
}

void Pass::deliver(const Edge& edge, Tensor g) {
  Task& task = tasks_.at(edge.node.get());
  if (g.defined()) {
    if (task.inbox.size() <= edge.output) {
      task.inbox.resize(std::max<size_t>(edge.node->results.size(), edge.output + 1));
    }
    Tensor& slot = task.inbox[edge.output];
    if (!slot.defined()) {
      slot = std::move(g);
    } else if (slot.dtype() == g.dtype() && slot.sizes() == g.sizes() && is_writable_sum(slot)) {
      ops::add_(slot, g);
    } else {
      slot = ops::add(slot, g);
    }
  }
}

void Pass::check_gradients(const Node& node, Gradients& grads) {
  RT_CHECK(grads.size() <= node.edges.size() || node.edges.empty(), Runtime, node.name(),
           cat_str("returned an incorrect number of gradients (expected ", node.edges.size(),
                   ", got ", grads.size(), ")"));
  grads.resize(node.edges.size());
  if (!modes().anomaly || !anomaly_checks_nan()) return;
  for (size_t i = 0; i < grads.size(); ++i) {
    if (!grads[i].defined() || !is_differentiable(grads[i].dtype())) continue;
    NoGradGuard guard;
    if (item(ops::any(ops::isnan(grads[i]))).to_bool()) {
      RT_FAIL(Runtime, node.name(),
              cat_str("Function '", node.name(), "' returned nan values in its ", i, "th output.",
                      node.trace.empty() ? "" : " The forward call that made it:\n" + node.trace));
    }
  }
}

void Pass::run_node(const Ref<Node>& node, Task& task) {
  Gradients grads = std::move(task.inbox);
  grads.resize(std::max(grads.size(), node->results.size()));
  call_result_hooks(*node, grads);
  // The hooks of tensors, a leaf's too, see the gradient before it is captured; those of the node
  // only run with the node.
  const auto* accumulate = dynamic_cast<const AccumulateGrad*>(node.get());
  if (accumulate) accumulate->call_hooks(grads);
  for (size_t i = 0; i < task.captures.size(); ++i) {
    captured_[static_cast<size_t>(task.captures[i])] = grads[task.capture_outputs[i]];
  }
  if (accumulate && !accumulate_all_) return;

  bool any = false;
  for (const Tensor& g : grads) any |= g.defined();
  std::vector<bool> needed(node->edges.size());
  bool any_needed = accumulate != nullptr;
  for (size_t i = 0; i < needed.size(); ++i) {
    const Edge& e = node->edges[i];
    needed[i] = e.node && tasks_.at(e.node.get()).wanted;
    any_needed = any_needed || needed[i];
  }
  Gradients next;
  if (any && any_needed) {
    for (const HookRef& h : node->pre_hooks.snapshot()) h->call(grads, nullptr);
    std::vector<Tensor> seen;
    if (!node->post_hooks.empty()) seen = grads;
    // A gradient that somebody is to see is made as a tensor of its own.
    const bool seen_alone = !node->post_hooks.empty() || (modes().anomaly && anomaly_checks_nan());
    try {
      next = seen_alone ? node->apply(std::move(grads), needed)
                        : node->apply_to_sums(std::move(grads), needed, Sums(*this, *node));
    } catch (Error& e) {
      if (node->trace.empty()) throw;
      RT_FAIL(Runtime, node->name(),
              cat_str(e.what(), "; the forward call that made it:\n", node->trace));
    }
    if (!node->edges.empty()) check_gradients(*node, next);
    for (const HookRef& h : node->post_hooks.snapshot()) h->call(next, &seen);
    if (!options_.retain_graph) node->release();
    // A gradient that is a view of what the formula made has that memory to itself.
    if (!options_.create_graph) {
      for (const Tensor& g : next) detail::drop_inner_view(g);
    }
  }
  next.resize(node->edges.size());
  for (size_t i = 0; i < node->edges.size(); ++i) {
    const Edge& e = node->edges[i];
    if (!e.node) continue;
    Task& target = tasks_.at(e.node.get());
    if (target.wanted) deliver(e, std::move(next[i]));
    if (--target.dependencies == 0 && target.wanted) ready_.push(e.node);
  }
}

Gradients Pass::run(const std::vector<Edge>& roots, Gradients root_grads,
                    const std::vector<Edge>& inputs, bool accumulate_inputs) {
  count_dependencies(roots);
  captured_.resize(inputs.size());
  if (!inputs.empty()) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Edge& e = inputs[i];
      const auto it = e.node ? tasks_.find(e.node.get()) : tasks_.end();
      if (it == tasks_.end()) continue;
      it->second.captures.push_back(static_cast<int>(i));
      it->second.capture_outputs.push_back(e.output);
    }
    mark_wanted(roots);
  }
  accumulate_all_ = inputs.empty() || accumulate_inputs;
  GradModeGuard mode(options_.create_graph);
  for (size_t i = 0; i < roots.size(); ++i) deliver(roots[i], std::move(root_grads[i]));
  std::unordered_set<Node*> queued;
  for (const Edge& e : roots) {
    const Task& task = tasks_.at(e.node.get());
    if (task.dependencies == 0 && task.wanted && queued.insert(e.node.get()).second) {
      ready_.push(e.node);
    }
  }
  while (!ready_.empty()) {
    const Ref<Node> node = ready_.top();
    ready_.pop();
    run_node(node, tasks_.at(node.get()));
  }
  return std::move(captured_);
}

thread_local const Pass* t_pass = nullptr;

// A node's result, to be differentiated without the tensor that it was.
void add_root(const Edge& edge, Tensor g, std::vector<Edge>& roots, Gradients& grads) {
  RT_CHECK(edge.output < edge.node->results.size(), Value, "backward",
           "the node has no such result",
           cat_str(edge.node->name(), " and number ", static_cast<int64_t>(edge.output)));
  const InputMeta& m = edge.node->results[edge.output];
  if (!g.defined()) {
    int64_t count = 1;
    for (int64_t n : m.sizes) count *= n;
    RT_CHECK(count == 1 && !is_complex(m.dtype), Runtime, "backward",
             "grad can be implicitly created only for real scalar outputs",
             to_string(IntList(m.sizes)), "a gradient of the result's shape");
    g = ops::ones(m.sizes, m.dtype, m.device);
  }
  RT_CHECK(g.sizes() == IntList(m.sizes) && g.dtype() == m.dtype, Runtime, "backward",
           "the gradient must have the shape and dtype of the node's result",
           cat_str(describe(g), " for ", name(m.dtype), IntList(m.sizes)));
  roots.push_back(edge);
  grads.push_back(std::move(g));
}

}  // namespace

int64_t current_pass() { return t_pass ? t_pass->number() : -1; }
bool pass_runs(const Node& node) { return t_pass && t_pass->runs(node); }

bool& anomaly_checks_nan() {
  thread_local bool checks = true;
  return checks;
}

Gradients run_backward(const std::vector<Differentiated>& outputs, TensorList grad_outputs,
                       const std::vector<Differentiated>& inputs, const BackwardOptions& options,
                       bool accumulate) {
  std::vector<Edge> roots;
  Gradients root_grads;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].edge.node) {
      add_root(outputs[i].edge, i < grad_outputs.size() ? grad_outputs[i] : Tensor(), roots,
               root_grads);
      continue;
    }
    const Tensor& out = outputs[i].tensor;
    enter_whole_ops(out);
    const Edge root = requires_grad(out) ? gradient_edge(out) : Edge();
    RT_CHECK(
        static_cast<bool>(root.node), Runtime, "backward",
        cat_str("element ", i, " of tensors does not require grad and does not have a grad_fn"),
        describe(out), "requires_grad=True on an input, outside no_grad");
    Tensor g = i < grad_outputs.size() ? grad_outputs[i] : Tensor();
    if (!g.defined()) {
      RT_CHECK(out.numel() == 1, Runtime, "backward",
               "grad can be implicitly created only for scalar outputs", describe(out),
               "a gradient= of the output's shape, or out.sum().backward()");
      RT_CHECK(!is_complex(out.dtype()), Runtime, "backward",
               "grad can be implicitly created only for real scalar outputs", describe(out),
               "a gradient= of the output's shape");
      g = ops::ones(out.sizes(), out.dtype(), out.device());
    } else {
      RT_CHECK(g.sizes() == out.sizes(), Runtime, "backward",
               cat_str("Mismatch in shape: grad_output[", i, "] has a shape of ", g.sizes(),
                       " and output[", i, "] has a shape of ", out.sizes(), "."));
      RT_CHECK(is_complex(g.dtype()) == is_complex(out.dtype()), Runtime, "backward",
               cat_str("For complex Tensors, both grad_output and output are required to have the "
                       "same dtype. Mismatch in dtype: grad_output[",
                       i, "] has a dtype of ", name(g.dtype()), " and output[", i,
                       "] has a dtype of ", name(out.dtype()), "."));
      if (g.dtype() != out.dtype()) {
        GradModeGuard mode(options.create_graph);
        g = ops::to(g, out.dtype());
      }
    }
    roots.push_back(root);
    root_grads.push_back(std::move(g));
  }
  std::vector<Edge> wanted;
  for (const Differentiated& d : inputs) {
    RT_CHECK(d.edge.node || requires_grad(d.tensor), Runtime, "grad",
             "One of the differentiated Tensors does not require grad", describe(d.tensor));
    wanted.push_back(d.edge.node ? d.edge : gradient_edge(d.tensor));
  }
  Pass pass(options, inputs.empty() || accumulate);
  Gradients result;
  {
    // One pass may be started inside another (checkpointing); its modes are its own.
    struct Current {
      const Pass* outer;
      explicit Current(const Pass* pass) : outer(std::exchange(t_pass, pass)) {}
      ~Current() { t_pass = outer; }
    } current(&pass);
    result = pass.run(roots, std::move(root_grads), wanted, accumulate);
  }
  if (!inputs.empty() && !accumulate) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      RT_CHECK(options.allow_unreachable || result[i].defined(), Runtime, "grad",
               "One of the differentiated Tensors appears to not have been used in the graph. Set "
               "allow_unused=True if this is the desired behavior",
               inputs[i].tensor.defined() ? describe(inputs[i].tensor) : wanted[i].node->name());
    }
  }
  return result;
}

Gradients run_backward(TensorList outputs, TensorList grad_outputs, TensorList inputs,
                       const BackwardOptions& options, bool accumulate) {
  const auto list = [](TensorList tensors) {
    std::vector<Differentiated> made;
    for (const Tensor& t : tensors) made.push_back({t, {}});
    return made;
  };
  return run_backward(list(outputs), grad_outputs, list(inputs), options, accumulate);
}

}  // namespace rt
