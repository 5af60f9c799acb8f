// The tape: nodes that turn gradients of results into gradients of inputs, and the edges between.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/modes.h"

namespace rt {

class Node;
struct OpRecord;

struct Edge {
  Ref<Node> node;       // null: nothing upstream wants a gradient
  uint32_t output = 0;  // which result of that node this is
};

using Gradients = std::vector<Tensor>;  // an undefined tensor is a zero gradient

// A callback on gradients; Python's live behind it.
class Hook {
 public:
  virtual ~Hook() = default;
  virtual void call(Gradients& grads, const Gradients* outputs) = 0;
  // Whether its handle has taken it away. Such a hook does nothing, wherever it still hangs.
  virtual bool removed() const { return false; }
};
using HookRef = std::shared_ptr<Hook>;

// Hooks in order; may be added to by one thread while a backward pass on another runs them.
class HookList {
 public:
  bool empty() const { return !any_.load(std::memory_order_acquire); }
  void add(HookRef hook);
  std::vector<HookRef> snapshot() const;
  std::vector<HookRef> take();  // leaves it empty

 private:
  std::atomic<bool> any_{false};
  std::vector<HookRef> hooks_;  // guarded by one lock for all lists
};

// What a leaf, or an op result, needs to be differentiated.
struct AutogradMeta {
  Tensor grad;
  Ref<Node> grad_fn;
  uint32_t output = 0;
  // Makes the view again from its base, for views that change the dtype; unset where strides do it.
  std::function<Tensor(const Tensor& base)> replay;
  bool retains_grad = false;
  Node* accumulator = nullptr;  // borrowed: the node owns the leaf, and clears this when it goes
  // Guards grad, grad_fn and accumulator against other threads. May be waited for with the GIL
  // held, so nothing that could need the GIL (a destructor, a node's making) happens under it.
  std::mutex mutex;
  HookList hooks;       // on a leaf's gradient
  HookList post_hooks;  // after a leaf's gradient has been accumulated
};

AutogradMeta& autograd_meta(const Tensor& t);  // made on first use
Tensor gradient(const Tensor& t);              // its .grad, undefined if there is none
void set_gradient(const Tensor& t, Tensor grad);

struct InputMeta {
  InputMeta() = default;
  explicit InputMeta(const Tensor& t);
  Dims sizes, strides;
  int64_t offset = 0;
  DType dtype = DType::Float32;
  Device device;
};

// What the engine has gathered so far for the inputs of the node that it runs.
class GatheredSums {
 public:
  virtual ~GatheredSums() = default;
  // The sum for an edge, where it may be added to in place: the engine alone can see its memory,
  // and nothing has to see the gradient that is added. Undefined elsewhere.
  virtual Tensor writable(size_t edge) const = 0;
};

class Node : public RefCounted {
 public:
  Node();
  ~Node() override;

  virtual std::string name() const = 0;
  // grads: one a result; returns one an edge. `needed[i]`: whether edge i's gradient is wanted.
  virtual Gradients apply(Gradients grads, const std::vector<bool>& needed) = 0;
  // As apply(), for the engine: a gradient may be added to the sum for its edge by the node itself,
  // which returns none for it.
  virtual Gradients apply_to_sums(Gradients grads, const std::vector<bool>& needed,
                                  const GatheredSums&) {
    return apply(std::move(grads), needed);
  }
  // Frees what was saved for backward; a later apply() is an error.
  virtual void release() {}
  // For the owners of Python objects: visits them for the garbage collector.
  virtual void* python_object() const { return nullptr; }

  uint64_t sequence = 0;  // later ops have larger numbers and run first
  std::vector<Edge> edges;
  std::vector<InputMeta> results;  // shape and type of each result, to check and make gradients
  HookList pre_hooks, post_hooks;
  // Hooks of tensors that are results, kept here so that they run however the gradient arrives, and
  // the tensors that retain theirs. Guarded by the lock of all hook lists; the flag spares it.
  struct ResultHook {
    uint32_t output;
    HookRef hook;
    AutogradMeta* retain_into;  // keeps the gradient there instead of calling a hook
  };
  std::vector<ResultHook> result_hooks;
  std::atomic<bool> has_result_hooks{false};
  std::string trace;  // where it was made, under anomaly mode
  // The Python object that wraps this node, while it lives (borrowed; guarded by the GIL).
  void* pyobj = nullptr;

 protected:
  void dispose() override;  // drops long chains without recursion
};

// Describes where the forward runs (Python's stack), for anomaly mode; set by the bindings.
// Global: one interpreter a process.
extern std::string (*capture_trace)();

// Adds a gradient to a leaf's .grad.
class AccumulateGrad final : public Node {
 public:
  explicit AccumulateGrad(Tensor leaf);
  ~AccumulateGrad() override;
  std::string name() const override { return "AccumulateGrad"; }
  Gradients apply(Gradients grads, const std::vector<bool>& needed) override;
  const Tensor& leaf() const { return leaf_; }
  // The leaf's own hooks, on the gradient that arrived.
  void call_hooks(Gradients& grads) const;

 protected:
  void dispose() override;

 private:
  Tensor leaf_;
  std::mutex accumulating_;  // one pass at a time; only waited for without the GIL
};

// The node and result that produced t; the accumulator of a leaf; null if t wants no gradient.
Edge gradient_edge(const Tensor& t);
Ref<Node> grad_fn(const Tensor& t);  // null for a leaf
bool is_leaf(const Tensor& t);
uint32_t output_number(const Tensor& t);
// Makes `node`'s result `output` the history of t.
void set_history(const Tensor& t, Ref<Node> node, uint32_t output);
// As set_history, for a tensor that was written in place: through its base if it is a view.
void rebase_history(const Tensor& t, Ref<Node> node);
void set_requires_grad(const Tensor& t, bool value);
// Makes `view` a view of x (or of its base): `origin` says how, unless x itself is of a stricter
// one.
void set_view_of(const Tensor& view, const Tensor& x, ViewOrigin origin);
// The views that a function returned together may not be written in place.
void mark_multi_output(TensorList views);
// Keeps how `view` was made from x, for views whose dtype is not their base's.
void note_view_replay(const Tensor& view, const Tensor& x, const OpRecord& op, const Value* args);
// The same memory without history; writes through either are seen by both.
Tensor detach(const Tensor& t);
// Throws as PyTorch does if t is a view of a kind that neither it nor (`through_base`) its base may
// be written.
void check_view_origin(const Tensor& t, const char* op, bool through_base);
// Throws as PyTorch does if `t` may not be written in place now.
// `operands_want_grad`: what is written has a history, whether or not t has.
// `overlap_ok`: elements that lie in one place are written with one value.
void check_inplace(const Tensor& t, const char* op, bool operands_want_grad = false,
                   bool overlap_ok = false);

// A hook stays with the value that the tensor has now; a retained gradient is that of the newest.
void add_tensor_hook(const Tensor& t, HookRef hook);
void add_post_accumulate_hook(const Tensor& t, HookRef hook);
void retain_grad(const Tensor& t);
// The two halves of it, for a tensor whose node changes.
void start_retaining(Node& node, AutogradMeta* meta, uint32_t output);
void stop_retaining(Node& node, const AutogradMeta* meta);
// Runs the hooks of results on their gradients, then keeps the retained ones.
void call_result_hooks(Node& node, Gradients& grads);

}  // namespace rt
