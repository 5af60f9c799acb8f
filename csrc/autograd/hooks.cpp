// Hooks on gradients: lists that grow while other threads run them, and retained gradients.
#include <algorithm>
#include <iterator>

#include "autograd/node.h"
#include "core/fork.h"
#include "ops/ops.h"

namespace rt {

namespace {

// Guards all lists of hooks, and what nodes know of tensors that retain their gradients. One for
// all, since hooks are few. Nothing that could need the GIL happens under it: hooks are let go, and
// called, outside.
std::mutex& hooks_mutex() {
  static std::mutex m;
  return m;
}
const ForkGuard fork_guard(ForkOrder::Hooks, hooks_mutex);

}  // namespace

void HookList::add(HookRef hook) {
  std::vector<HookRef> gone;
  std::lock_guard lock(hooks_mutex());
  const auto first_gone = std::stable_partition(hooks_.begin(), hooks_.end(),
                                                [](const HookRef& h) { return !h->removed(); });
  gone.assign(std::make_move_iterator(first_gone), std::make_move_iterator(hooks_.end()));
  hooks_.erase(first_gone, hooks_.end());
  hooks_.push_back(std::move(hook));
  any_.store(true, std::memory_order_release);
}

std::vector<HookRef> HookList::snapshot() const {
  if (empty()) return {};
  std::lock_guard lock(hooks_mutex());
  return hooks_;
}

std::vector<HookRef> HookList::take() {
  std::lock_guard lock(hooks_mutex());
  any_.store(false, std::memory_order_release);
  return std::exchange(hooks_, {});
}

namespace {

void add_result_hook(Node& node, Node::ResultHook hook) {
  std::vector<Node::ResultHook> gone;
  std::lock_guard lock(hooks_mutex());
  auto& list = node.result_hooks;
  const auto first_gone = std::stable_partition(
      list.begin(), list.end(),
      [](const Node::ResultHook& h) { return h.retain_into || !h.hook->removed(); });
  gone.assign(std::make_move_iterator(first_gone), std::make_move_iterator(list.end()));
  list.erase(first_gone, list.end());
  list.push_back(std::move(hook));
  node.has_result_hooks.store(true, std::memory_order_release);
}

// Whether the node still has to keep a gradient there: the tensor may have gone, or moved on.
bool retains(const Node& node, const AutogradMeta* meta) {
  for (const Node::ResultHook& h : node.result_hooks) {
    if (h.retain_into == meta) return true;
  }
  return false;
}

void keep_gradient(Node& node, AutogradMeta* meta, const Tensor& g) {
  for (;;) {
    Tensor before;
    {
      std::lock_guard lock(hooks_mutex());
      if (!retains(node, meta)) return;
      std::lock_guard inner(meta->mutex);
      before = meta->grad;
    }
    Tensor sum = before.defined() ? ops::add(before, g) : ops::clone(g);
    std::lock_guard lock(hooks_mutex());
    if (!retains(node, meta)) return;
    std::lock_guard inner(meta->mutex);
    if (!meta->grad.is_same(before)) continue;  // another pass was faster
    std::swap(meta->grad, sum);
    return;
  }
}

}  // namespace

void stop_retaining(Node& node, const AutogradMeta* meta) {
  std::lock_guard lock(hooks_mutex());
  std::erase_if(node.result_hooks,
                [&](const Node::ResultHook& h) { return h.retain_into == meta; });
}

void start_retaining(Node& node, AutogradMeta* meta, uint32_t output) {
  add_result_hook(node, {output, nullptr, meta});
}

void call_result_hooks(Node& node, Gradients& grads) {
  if (!node.has_result_hooks.load(std::memory_order_acquire)) return;
  const auto snapshot = [&] {
    std::lock_guard lock(hooks_mutex());
    return node.result_hooks;
  };
  const bool any = std::any_of(grads.begin(), grads.end(), [](auto& g) { return g.defined(); });
  for (const Node::ResultHook& h : snapshot()) {
    if (!any || h.retain_into || h.output >= grads.size()) continue;
    // Undefined, which Python sees as None, where only other results have gradients.
    Gradients one{grads[h.output]};
    h.hook->call(one, nullptr);
    grads[h.output] = std::move(one[0]);
  }
  // What is retained is what the hooks leave, in memory of its own. The list is read again: a hook
  // may have let go of a tensor that retains.
  for (const Node::ResultHook& h : snapshot()) {
    if (!h.retain_into || h.output >= grads.size() || !grads[h.output].defined()) continue;
    keep_gradient(node, h.retain_into, grads[h.output]);
  }
}

void add_tensor_hook(const Tensor& t, HookRef hook) {
  RT_CHECK(requires_grad(t), Runtime, "register_hook",
           "cannot register a hook on a tensor that doesn't require gradient", describe(t));
  if (Ref<Node> fn = grad_fn(t)) {
    add_result_hook(*fn, {output_number(t), std::move(hook), nullptr});
  } else {
    autograd_meta(t).hooks.add(std::move(hook));
  }
}

void add_post_accumulate_hook(const Tensor& t, HookRef hook) {
  RT_CHECK(requires_grad(t), Runtime, "register_post_accumulate_grad_hook",
           "cannot register a hook on a tensor that doesn't require gradient", describe(t));
  RT_CHECK(is_leaf(t), Runtime, "register_post_accumulate_grad_hook",
           "post accumulate grad hooks cannot be registered on non-leaf tensors", describe(t));
  autograd_meta(t).post_hooks.add(std::move(hook));
}

void retain_grad(const Tensor& t) {
  RT_CHECK(requires_grad(t), Runtime, "retain_grad",
           "can't retain_grad on Tensor that has requires_grad=False", describe(t));
  Ref<Node> fn = grad_fn(t);
  AutogradMeta& meta = autograd_meta(t);
  if (!fn || meta.retains_grad) return;
  meta.retains_grad = true;
  start_retaining(*fn, &meta, output_number(t));
}

}  // namespace rt
