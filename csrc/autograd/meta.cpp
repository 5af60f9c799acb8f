// Histories of tensors: leaves, results, views and in-place writes.
#include <atomic>

#include "autograd/vjp.h"
#include "ops/ops.h"

namespace rt {

AutogradMeta& autograd_meta(const Tensor& t) {
  auto& meta = t.impl()->autograd_;
  if (!meta) {
    // Two threads may be the first to use a shared tensor. Global: taken once a tensor.
    static std::mutex mutex;
    std::lock_guard lock(mutex);
    if (!meta) meta.reset(new AutogradMeta);
  }
  return *meta;
}

namespace {

// How a view lies in its base: enough to take the same view of a gradient of the base.
struct ViewOfBase {
  explicit ViewOfBase(const Tensor& view)
      : sizes(view.sizes()),
        strides(view.strides()),
        shift(view.offset() - view.impl()->view_base_->offset_) {
    const AutogradMeta* meta = view.impl()->autograd_.get();
    if (meta) replay = meta->replay;
  }
  Tensor operator()(const Tensor& base) const {
    if (replay) return replay(base);
    return ops::as_strided(base, sizes, strides, base.offset() + shift);
  }
  Dims sizes, strides;
  int64_t shift;
  std::function<Tensor(const Tensor&)> replay;
};

// After an in-place write to a view: what reached the base now reaches it around the slice, and the
// slice's share goes through the op that wrote it.
class CopySlices final : public Node {
 public:
  CopySlices(const Tensor& base, const Tensor& view, Ref<Node> fn)
      : base_sizes_(base.sizes()), base_strides_(base.strides()), view_(view), fn_(std::move(fn)) {
    edges.push_back(gradient_edge(base));
    for (size_t i = 1; i < fn_->edges.size(); ++i) edges.push_back(fn_->edges[i]);
    results.emplace_back(base);
  }

  std::string name() const override { return "CopySlices"; }
  void release() override { fn_->release(); }

  Gradients apply(Gradients grads, const std::vector<bool>& needed) override {
    Gradients out(edges.size());
    if (!grads[0].defined()) return out;
    Tensor whole = empty_strided(base_sizes_, base_strides_, grads[0].dtype(), grads[0].device(),
                                 "CopySlices");
    ops::copy_(whole, grads[0]);
    Tensor slice = view_(whole);
    Gradients inner = fn_->apply({ops::clone(slice)}, needed);
    for (size_t i = 1; i < out.size() && i < inner.size(); ++i) out[i] = std::move(inner[i]);
    if (!inner.empty() && inner[0].defined()) {
      ops::copy_(slice, inner[0]);
    } else {
      ops::zero_(slice);
    }
    if (needed[0]) out[0] = std::move(whole);
    return out;
  }

 private:
  Dims base_sizes_, base_strides_;
  ViewOfBase view_;
  Ref<Node> fn_;
};

}  // namespace

void note_view_replay(const Tensor& view, const Tensor& x, const OpRecord& op, const Value* args) {
  std::vector<Value> rest(args + 1, args + op.schema.args.size());
  std::function<Tensor(const Tensor&)> parent;
  if (x.impl()->view_base_) parent = ViewOfBase(x);
  autograd_meta(view).replay = [parent = std::move(parent), rest = std::move(rest),
                                &op](const Tensor& base) {
    std::vector<Value> args;
    args.emplace_back(parent ? parent(base) : base);
    args.insert(args.end(), rest.begin(), rest.end());
    Value returns[OpRecord::kMaxReturns];
    call_boxed(op, args.data(), returns);
    return returns[0].get<Tensor>();
  };
}

namespace {

// Guards retained-gradient entries, which the tensor and its node both reach. Global: taken rarely.
std::mutex& retain_mutex() {
  static std::mutex m;
  return m;
}

void drop_retained(AutogradMeta* meta) {
  std::lock_guard lock(retain_mutex());
  if (!meta->grad_fn) return;
  std::erase_if(meta->grad_fn->result_hooks,
                [&](const Node::ResultHook& h) { return h.retain_into == meta; });
}

void add_retained(AutogradMeta* meta, const Ref<Node>& fn, uint32_t output) {
  std::lock_guard lock(retain_mutex());
  fn->result_hooks.push_back({output, {next_hook_id(), nullptr}, meta});
}

// Every change of a tensor's node goes through here: the old node points at the meta of a tensor
// that retains its gradient, and must not once the tensor is no longer its result. Returns the old
// node, for the caller to let go outside of locks.
Ref<Node> exchange_grad_fn(AutogradMeta& meta, Ref<Node> node, uint32_t output) {
  if (meta.retains_grad) {
    drop_retained(&meta);
    if (node) add_retained(&meta, node, output);
  }
  meta.output = output;
  return std::exchange(meta.grad_fn, std::move(node));
}

// Working out a view's history is no call of the user's.
struct UnseenByInterceptors {
  Interceptor* saved = std::exchange(modes().interceptor, nullptr);
  ~UnseenByInterceptors() { modes().interceptor = saved; }
};

}  // namespace

Ref<Node> grad_fn(const Tensor& t) {
  TensorImpl* p = t.impl();
  if (!p->view_base_ || !p->view_base_->requires_grad_) {
    return p->autograd_ ? p->autograd_->grad_fn : nullptr;
  }
  AutogradMeta& meta = autograd_meta(t);
  const uint32_t version = t.version();
  {
    std::lock_guard lock(meta.mutex);
    if (meta.grad_fn && meta.view_version == version) return meta.grad_fn;
  }
  // The base was written since: what the view holds now came through the base.
  GradModeGuard guard(true);
  UnseenByInterceptors unseen;
  const Tensor fresh = ViewOfBase(t)(Tensor(p->view_base_));
  const AutogradMeta& fresh_meta = autograd_meta(fresh);
  Ref<Node> old;
  std::lock_guard lock(meta.mutex);  // two threads may find the same view out of date
  if (!meta.grad_fn || meta.view_version != version) {
    old = exchange_grad_fn(meta, fresh_meta.grad_fn, fresh_meta.output);
    meta.view_version = version;
    p->requires_grad_ = true;
  }
  return meta.grad_fn;
}

bool is_leaf(const Tensor& t) { return !requires_grad(t) || !grad_fn(t); }

uint32_t output_number(const Tensor& t) {
  return t.impl()->autograd_ ? t.impl()->autograd_->output : 0;
}

Edge gradient_edge(const Tensor& t) {
  if (!t.defined() || !requires_grad(t)) return {};
  if (Ref<Node> fn = grad_fn(t)) return {std::move(fn), output_number(t)};
  AutogradMeta& meta = autograd_meta(t);
  std::lock_guard lock(meta.mutex);
  if (meta.accumulator) {
    if (Ref<Node> live = Ref<Node>::try_retain(meta.accumulator)) return {std::move(live), 0};
  }
  auto node = make_ref<AccumulateGrad>(t);
  meta.accumulator = node.get();
  return {std::move(node), 0};
}

void set_history(const Tensor& t, Ref<Node> node, uint32_t output) {
  AutogradMeta& meta = autograd_meta(t);
  exchange_grad_fn(meta, std::move(node), output);
  meta.view_version = t.version();
  t.impl()->requires_grad_ = true;
}

namespace {

// A tensor's hooks stay with the node that made its old value; a retained gradient is its newest's.
void replace_history(const Tensor& t, Ref<Node> node) {
  AutogradMeta& meta = autograd_meta(t);
  meta.hooks.clear();
  set_history(t, std::move(node), 0);
}

}  // namespace

void AutogradMetaDeleter::operator()(AutogradMeta* m) const {
  if (m->retains_grad) drop_retained(m);
  delete m;
}

void rebase_history(const Tensor& t, Ref<Node> node) {
  TensorImpl* p = t.impl();
  if (p->view_base_) {
    const Tensor base(p->view_base_);
    auto copy = make_ref<CopySlices>(base, t, std::move(node));
    replace_history(base, std::move(copy));
    exchange_grad_fn(autograd_meta(t), nullptr, 0);  // made again from the base on demand
    p->requires_grad_ = true;
    return;
  }
  replace_history(t, std::move(node));
}

Tensor detach(const Tensor& t) { return alias(t); }

void set_requires_grad(const Tensor& t, bool value) {
  RT_CHECK(!value || is_differentiable(t.dtype()), Runtime, "requires_grad_",
           "only Tensors of floating point and complex dtype can require gradients", describe(t),
           "a float dtype");
  if (value && t.impl()->inference_ && !modes().inference) {
    RT_FAIL(Runtime, "requires_grad_",
            "setting requires_grad=True on inference tensor outside InferenceMode is not allowed",
            describe(t), "t.clone() outside inference_mode");
  }
  RT_CHECK(value || is_leaf(t), Runtime, "requires_grad_",
           "you can only change requires_grad flags of leaf variables. If you want to use a "
           "computed variable in a subgraph that doesn't require differentiation use var_no_grad = "
           "var.detach()",
           describe(t));
  if (value && grad_fn(t)) return;
  t.impl()->requires_grad_ = value;
  if (value) autograd_meta(t);
}

// It does not matter which elements share memory where all of them get one value.
static bool writes_one_value(std::string_view op) { return op == "fill" || op == "zero"; }

void check_inplace(const Tensor& t, const char* op) {
  RT_CHECK(!t.storage()->read_only(), Runtime, op,
           "the tensor's memory is read-only and cannot be written in place", describe(t),
           "t.clone() first");
  RT_CHECK(
      t.numel() <= 1 || !has_internal_overlap(t) || writes_one_value(op), Runtime, op,
      "unsupported operation: more than one element of the written-to tensor refers to a single "
      "memory location",
      cat_str(describe(t), " with strides ", t.strides()), "t.clone() before the operation");
  if (t.impl()->inference_) {
    RT_CHECK(modes().inference, Runtime, op,
             "Inplace update to inference tensor outside InferenceMode is not allowed", describe(t),
             "t.clone() outside inference_mode");
    return;
  }
  if (!modes().grad || !requires_grad(t)) return;
  if (is_leaf(t)) {
    RT_FAIL(Runtime, op,
            "a leaf Variable that requires grad is being used in an in-place operation.",
            describe(t), "rustorch.no_grad(), or the out-of-place form");
  }
  if (t.impl()->view_base_ && is_leaf(Tensor(t.impl()->view_base_)) &&
      t.impl()->view_base_->requires_grad_) {
    RT_FAIL(Runtime, op,
            "a view of a leaf Variable that requires grad is being used in an in-place operation.",
            describe(t), "rustorch.no_grad(), or the out-of-place form");
  }
}

// ---- Hooks ----

int64_t next_hook_id() {
  static std::atomic<int64_t> next{0};
  return next.fetch_add(1);
}

int64_t add_tensor_hook(const Tensor& t, std::shared_ptr<Hook> hook) {
  RT_CHECK(requires_grad(t), Runtime, "register_hook",
           "cannot register a hook on a tensor that doesn't require gradient", describe(t));
  const int64_t id = next_hook_id();
  if (Ref<Node> fn = grad_fn(t)) {
    fn->result_hooks.push_back({output_number(t), {id, std::move(hook)}, nullptr});
  } else {
    autograd_meta(t).hooks.push_back({id, std::move(hook)});
  }
  return id;
}

int64_t add_post_accumulate_hook(const Tensor& t, std::shared_ptr<Hook> hook) {
  RT_CHECK(requires_grad(t), Runtime, "register_post_accumulate_grad_hook",
           "cannot register a hook on a tensor that doesn't require gradient", describe(t));
  RT_CHECK(is_leaf(t), Runtime, "register_post_accumulate_grad_hook",
           "post accumulate grad hooks cannot be registered on non-leaf tensors", describe(t));
  const int64_t id = next_hook_id();
  autograd_meta(t).post_hooks.push_back({id, std::move(hook)});
  return id;
}

void remove_hook(std::vector<HookEntry>& list, int64_t id) {
  std::erase_if(list, [&](const HookEntry& e) { return e.id == id; });
}

void remove_tensor_hook(const Tensor& t, int64_t id) {
  if (AutogradMeta* meta = t.impl()->autograd_.get()) {
    remove_hook(meta->hooks, id);
    remove_hook(meta->post_hooks, id);
    if (meta->grad_fn) {
      std::erase_if(meta->grad_fn->result_hooks,
                    [&](const Node::ResultHook& h) { return !h.retain_into && h.entry.id == id; });
    }
  }
}

void retain_grad(const Tensor& t) {
  RT_CHECK(requires_grad(t), Runtime, "retain_grad",
           "can't retain_grad on Tensor that has requires_grad=False", describe(t));
  Ref<Node> fn = grad_fn(t);
  AutogradMeta& meta = autograd_meta(t);
  if (!fn || meta.retains_grad) return;
  meta.retains_grad = true;
  add_retained(&meta, fn, output_number(t));
}

}  // namespace rt
