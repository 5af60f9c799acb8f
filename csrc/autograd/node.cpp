#include "autograd/node.h"

#include <atomic>

#include "ops/ops.h"

namespace rt {

namespace {
std::atomic<uint64_t> g_sequence{0};  // global: orders nodes of one graph made by several threads
}

InputMeta::InputMeta(const Tensor& t)
    : sizes(t.sizes()),
      strides(t.strides()),
      offset(t.offset()),
      dtype(t.dtype()),
      device(t.device()) {}

std::string (*capture_trace)() = nullptr;

Node::Node() : sequence(g_sequence.fetch_add(1, std::memory_order_relaxed)) {
  if (modes().anomaly && capture_trace) [[unlikely]]
    trace = capture_trace();
}
Node::~Node() = default;

void Node::dispose() {
  // A chain of a million ops must not become a million nested destructors: nodes that die while
  // another is being torn down wait in a list that the outermost call empties.
  static thread_local std::vector<Node*>* pending = nullptr;
  if (pending) {
    pending->push_back(this);
    return;
  }
  std::vector<Node*> list;
  pending = &list;
  delete this;
  while (!list.empty()) {
    Node* next = list.back();
    list.pop_back();
    delete next;
  }
  pending = nullptr;
}

AccumulateGrad::AccumulateGrad(Tensor leaf) : leaf_(std::move(leaf)) {
  // Runs as soon as it is ready, so that its gradient buffer is freed early.
  sequence = UINT64_MAX;
  results.emplace_back(leaf_);
}
AccumulateGrad::~AccumulateGrad() = default;

void AccumulateGrad::dispose() {
  {
    AutogradMeta& meta = autograd_meta(leaf_);
    std::lock_guard lock(meta.mutex);
    if (meta.accumulator == this) meta.accumulator = nullptr;
  }
  Node::dispose();
}

void AccumulateGrad::call_hooks(Gradients& grads) const {
  for (const HookRef& h : autograd_meta(leaf_).hooks.snapshot()) h->call(grads, nullptr);
}

Gradients AccumulateGrad::apply(Gradients grads, const std::vector<bool>&) {
  Tensor g = std::move(grads[0]);
  if (!g.defined()) return {};
  {
    std::lock_guard one_pass(accumulating_);
    const Tensor before = gradient(leaf_);
    const bool graph = modes().grad;
    if (before.defined()) {
      if (graph) {
        set_gradient(leaf_, ops::add(before, g));
      } else {
        ops::add_(before, g);
      }
    } else if (graph) {
      set_gradient(leaf_, ops::clone(g));
    } else {
      // Taken over if nobody else can see its memory and it lies like the leaf; copied otherwise.
      const bool alone = g.use_count() == 1 && g.storage()->use_count() == 1 &&
                         g.strides() == leaf_.strides() && g.nbytes() == g.storage()->nbytes() &&
                         !g.storage()->read_only();
      if (!alone) {
        Tensor copy = empty_like(leaf_, g.dtype());
        ops::copy_(copy, g);
        g = std::move(copy);
      }
      set_gradient(leaf_, std::move(g));
    }
  }
  const HookList& post = autograd_meta(leaf_).post_hooks;
  if (!post.empty()) {
    Gradients self{leaf_};
    for (const HookRef& h : post.snapshot()) h->call(self, nullptr);
  }
  return {};
}

}  // namespace rt
