// The tape: nodes that turn gradients of results into gradients of inputs, and the edges between.
#pragma once

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

// A callback on gradients; Python's live behind it. Its id removes it.
class Hook {
 public:
  virtual ~Hook() = default;
  virtual void call(Gradients& grads, const Gradients* outputs) = 0;
};
struct HookEntry {
  int64_t id;
  std::shared_ptr<Hook> hook;
};

// What a leaf, or an op result, needs to be differentiated.
struct AutogradMeta {
  Tensor grad;
  Ref<Node> grad_fn;
  uint32_t output = 0;
  uint32_t view_version = 0;  // storage version at which a view's grad_fn was made
  // Makes the view again from its base, for views that change the dtype; unset where strides do it.
  std::function<Tensor(const Tensor& base)> replay;
  bool retains_grad = false;
  Node* accumulator = nullptr;   // borrowed: the node owns the leaf, and clears this when it goes
  std::mutex mutex;              // guards accumulator and grad against concurrent backwards
  std::vector<HookEntry> hooks;  // on this tensor's gradient
  std::vector<HookEntry> post_hooks;  // after the gradient has been accumulated
};

AutogradMeta& autograd_meta(const Tensor& t);  // made on first use

struct InputMeta {
  InputMeta() = default;
  explicit InputMeta(const Tensor& t);
  Dims sizes, strides;
  int64_t offset = 0;
  DType dtype = DType::Float32;
  Device device;
};

class Node : public RefCounted {
 public:
  Node();
  ~Node() override;

  virtual std::string name() const = 0;
  // grads: one a result; returns one an edge. `needed[i]`: whether edge i's gradient is wanted.
  virtual Gradients apply(Gradients grads, const std::vector<bool>& needed) = 0;
  // Frees what was saved for backward; a later apply() is an error.
  virtual void release() {}
  // For the owners of Python objects: visits them for the garbage collector.
  virtual void* python_object() const { return nullptr; }

  uint64_t sequence = 0;  // later ops have larger numbers and run first
  std::vector<Edge> edges;
  std::vector<InputMeta> results;  // shape and type of each result, to check and make gradients
  std::vector<HookEntry> pre_hooks, post_hooks;
  // tensor hooks of results (kept here so that they run however the gradient arrives)
  struct ResultHook {
    uint32_t output;
    HookEntry entry;
    AutogradMeta* retain_into;  // keeps the gradient there instead of calling a hook
  };
  std::vector<ResultHook> result_hooks;
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

 protected:
  void dispose() override;

 private:
  Tensor leaf_;
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
// Keeps how `view` was made from x, for views whose dtype is not their base's.
void note_view_replay(const Tensor& view, const Tensor& x, const OpRecord& op, const Value* args);
// The same memory without history; writes through either are seen by both.
Tensor detach(const Tensor& t);
// Throws as PyTorch does if `t` may not be written in place now.
void check_inplace(const Tensor& t, const char* op);

int64_t add_tensor_hook(const Tensor& t, std::shared_ptr<Hook> hook);
int64_t add_post_accumulate_hook(const Tensor& t, std::shared_ptr<Hook> hook);
int64_t next_hook_id();
void remove_hook(std::vector<HookEntry>& list, int64_t id);
void remove_tensor_hook(const Tensor& t, int64_t id);
void retain_grad(const Tensor& t);

}  // namespace rt
