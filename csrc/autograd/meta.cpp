// Histories of tensors: leaves, results, views and in-place writes.
#include "autograd/vjp.h"
#include "core/fork.h"
#include "ops/ops.h"

namespace rt {

namespace {

// Two threads may be the first to use a shared tensor. Global: taken once a tensor.
std::mutex& making_meta() {
  static std::mutex m;
  return m;
}
const ForkGuard fork_guard(ForkOrder::AutogradMeta, making_meta);

}  // namespace

AutogradMeta& autograd_meta(const Tensor& t) {
  auto& meta = t.impl()->autograd_;
  if (!meta) {
    std::lock_guard lock(making_meta());
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

void set_view_of(const Tensor& view, const Tensor& x, ViewOrigin origin) {
  TensorImpl *v = view.impl(), *p = x.impl();
  if (v == p || p->inference_) return;
  // Floats seen in the memory of integers have a history of their own: the base can have none.
  if (!is_differentiable(x.dtype()) && is_differentiable(view.dtype())) return;
  v->view_base_ = p->view_base_ ? p->view_base_ : x.ref();
  v->view_version_ = view.version();
  if (modes().inference) origin = ViewOrigin::Inference;
  v->view_origin_ = origin == ViewOrigin::Tracked ? p->view_origin_ : origin;
}

void mark_multi_output(TensorList views) {
  if (!modes().grad) return;
  for (const Tensor& t : views) {
    if (t.impl()->view_base_) t.impl()->view_origin_ = ViewOrigin::MultiOutput;
  }
}

void detail::note_untracked_view(const Tensor& view, const Tensor& x) {
  set_view_of(view, x, ViewOrigin::NoGrad);
}

void detail::drop_inner_view(const Tensor& result) {
  // A result that is an argument handed through stays what it was.
  if (!result.defined() || !result.impl()->view_base_ || result.use_count() > 1) return;
  result.impl()->view_base_ = nullptr;
  result.impl()->view_origin_ = ViewOrigin::Tracked;
}

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

// Every change of a tensor's node goes through here: the old node points at the meta of a tensor
// that retains its gradient, and must not once the tensor is no longer its result. Returns the old
// node, for the caller to let go outside of locks.
Ref<Node> exchange_grad_fn(AutogradMeta& meta, Ref<Node> node, uint32_t output) {
  if (meta.retains_grad) {
    if (meta.grad_fn) stop_retaining(*meta.grad_fn, &meta);
    if (node) start_retaining(*node, &meta, output);
  }
  std::lock_guard lock(meta.mutex);
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
  if (!p->view_base_) return p->autograd_ ? p->autograd_->grad_fn : nullptr;
  const bool base_wants_grad = p->view_base_->requires_grad_;
  const uint32_t version = t.version();
  if (p->autograd_) {
    std::lock_guard lock(p->autograd_->mutex);
    if (p->view_version_ == version) return p->autograd_->grad_fn;
    if (!base_wants_grad && (!p->autograd_->grad_fn || p->view_origin_ == ViewOrigin::Tracked)) {
      return p->autograd_->grad_fn;
    }
  } else if (!base_wants_grad || p->view_version_ == version) {
    return nullptr;
  }
  // The base was written since: what the view holds now came through the base.
  check_view_origin(t, "grad_fn", true);
  AutogradMeta& meta = autograd_meta(t);
  GradModeGuard guard(true);
  UnseenByInterceptors unseen;
  const Tensor fresh = ViewOfBase(t)(Tensor(p->view_base_));
  const AutogradMeta& fresh_meta = autograd_meta(fresh);
  // Two threads may find the same view out of date, and make the same history of it.
  const Ref<Node> old = exchange_grad_fn(meta, fresh_meta.grad_fn, fresh_meta.output);
  std::lock_guard lock(meta.mutex);
  p->view_version_ = version;
  p->requires_grad_ = true;
  return fresh_meta.grad_fn;
}

bool is_leaf(const Tensor& t) {
  if (!requires_grad(t)) return true;
  const TensorImpl* p = t.impl();
  if (p->view_origin_ != ViewOrigin::Tracked) return !p->autograd_ || !p->autograd_->grad_fn;
  return !grad_fn(t);
}

uint32_t output_number(const Tensor& t) {
  return t.impl()->autograd_ ? t.impl()->autograd_->output : 0;
}

Edge gradient_edge(const Tensor& t) {
  if (!t.defined() || !requires_grad(t)) return {};
  if (Ref<Node> fn = grad_fn(t)) return {std::move(fn), output_number(t)};
  if (!t.impl()->requires_grad_) return {};  // only its base does, and it is no result of that
  AutogradMeta& meta = autograd_meta(t);
  const auto live = [&]() -> Ref<Node> {
    return meta.accumulator ? Ref<Node>::try_retain(meta.accumulator) : nullptr;
  };
  {
    std::lock_guard lock(meta.mutex);
    if (Ref<Node> node = live()) return {std::move(node), 0};
  }
  // Made and, if another thread was faster, let go outside of the lock.
  Ref<Node> fresh = make_ref<AccumulateGrad>(t);
  std::lock_guard lock(meta.mutex);
  if (Ref<Node> node = live()) return {std::move(node), 0};
  meta.accumulator = fresh.get();
  return {std::move(fresh), 0};
}

void set_history(const Tensor& t, Ref<Node> node, uint32_t output) {
  AutogradMeta& meta = autograd_meta(t);
  const Ref<Node> old = exchange_grad_fn(meta, std::move(node), output);
  t.impl()->view_version_ = t.version();
  t.impl()->requires_grad_ = true;
}

namespace {

// A tensor's hooks stay with the node that made its old value; a retained gradient is its newest's.
void replace_history(const Tensor& t, Ref<Node> node) {
  const std::vector<HookRef> of_the_old_value = autograd_meta(t).hooks.take();
  set_history(t, std::move(node), 0);
}

}  // namespace

void AutogradMetaDeleter::operator()(AutogradMeta* m) const {
  if (m->retains_grad && m->grad_fn) stop_retaining(*m->grad_fn, m);
  delete m;
}

void rebase_history(const Tensor& t, Ref<Node> node) {
  TensorImpl* p = t.impl();
  if (p->view_base_) {
    const Tensor base(p->view_base_);
    auto copy = make_ref<CopySlices>(base, t, std::move(node));
    replace_history(base, std::move(copy));
    const Ref<Node> old = exchange_grad_fn(autograd_meta(t), nullptr, 0);
    p->view_version_ = t.version() - 1;  // made again from the base on demand
    p->requires_grad_ = true;
    return;
  }
  replace_history(t, std::move(node));
}

Tensor detach(const Tensor& t) { return alias(t); }

Tensor gradient(const Tensor& t) {
  AutogradMeta* meta = t.impl()->autograd_.get();
  if (!meta) return {};
  std::lock_guard lock(meta->mutex);
  return meta->grad;
}

void set_gradient(const Tensor& t, Tensor grad) {
  AutogradMeta& meta = autograd_meta(t);
  std::lock_guard lock(meta.mutex);
  std::swap(meta.grad, grad);
}

void set_requires_grad(const Tensor& t, bool value) {
  RT_CHECK(!value || is_differentiable(t.dtype()), Runtime, "requires_grad_",
           "Only Tensors of floating point and complex dtype can require gradients", describe(t),
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

}  // namespace rt
