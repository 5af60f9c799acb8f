#include "autograd/vjp.h"

#include <cctype>

#include "ops/ops.h"

namespace rt {

namespace {

// What hooks give back for an input stands for it in the graph too: it gets the input's history,
// and none of its own.
class PackedInput final : public PackedTensor {
 public:
  PackedInput(std::shared_ptr<PackedTensor> packed, Edge history)
      : packed_(std::move(packed)), history_(std::move(history)) {}
  Tensor unpack() override {
    Tensor t = packed_->unpack();
    if (!modes().grad) return t;
    t = detach(t);
    if (history_.node) set_history(t, history_.node, history_.output);
    return t;
  }

 private:
  std::shared_ptr<PackedTensor> packed_;
  Edge history_;
};

}  // namespace

SavedTensor::SavedTensor(const Tensor& t, int output)
    : version_(t.defined() ? t.version() : 0), output_(output) {
  if (!t.defined()) return;
  RT_CHECK(!t.impl()->inference_, Runtime, "save_for_backward",
           "Inference tensors cannot be saved for backward", describe(t),
           "t.clone() outside inference_mode");
  // A Python number is nothing that a hook would want to keep elsewhere.
  if (SavedTensorHooks* hooks = t.is_wrapped_number() ? nullptr : modes().saved_hooks) {
    // Whatever the hooks do is not part of the graph, nor packed itself.
    struct Restore {
      SavedTensorHooks* saved = modes().saved_hooks;
      ~Restore() { modes().saved_hooks = saved; }
    } restore;
    modes().saved_hooks = hooks->outer;
    NoGradGuard guard;
    packed_ = hooks->pack(output >= 0 ? alias(t) : t);
    if (output < 0) packed_ = std::make_shared<PackedInput>(std::move(packed_), gradient_edge(t));
    return;
  }
  tensor_ = output >= 0 ? alias(t) : t;
}

Tensor SavedTensor::unpack(const Ref<Node>& owner) const {
  if (packed_) {
    const Tensor t = packed_->unpack();
    if (output_ < 0 || !modes().grad || !is_differentiable(t.dtype())) return t;
    const Tensor result = alias(t);
    set_history(result, owner, static_cast<uint32_t>(output_));
    return result;
  }
  if (!tensor_.defined()) return {};
  if (tensor_.version() != version_) {
    std::string source = "";
    if (output_ >= 0) {
      source = cat_str(", which is output ", output_, " of ", owner->name(), ",");
    } else if (requires_grad(tensor_) && grad_fn(tensor_)) {
      source = cat_str(", which is output ", static_cast<int64_t>(output_number(tensor_)), " of ",
                       grad_fn(tensor_)->name(), ",");
    }
    RT_FAIL(Runtime, owner->name(),
            cat_str("one of the variables needed for gradient computation has been modified by an "
                    "inplace operation: ",
                    describe(tensor_), source, " is at version ",
                    static_cast<int64_t>(tensor_.version()), "; expected version ",
                    static_cast<int64_t>(version_), " instead"),
            "",
            "the out-of-place form, or a clone() before the write; "
            "rustorch.autograd.set_detect_anomaly(True) names the forward line");
  }
  if (output_ < 0 || !modes().grad || !is_differentiable(tensor_.dtype())) return tensor_;
  Tensor t = alias(tensor_);
  set_history(t, owner, static_cast<uint32_t>(output_));
  return t;
}

bool saves(const OpRecord& op, const Value* args, size_t i) {
  if (!((op.saved_args >> i) & 1u)) return false;
  bool any = op.saved_for[i] == 0;
  for (size_t k = 0; k < op.schema.args.size() && !any; ++k) {
    if (!((op.saved_for[i] >> k) & 1u)) continue;
    const Tensor& reader = args[k].tensor();
    any = reader.defined() && requires_grad(reader);
  }
  return any;
}

OpNode::OpNode(const OpRecord& op, const Value* args) : op_(op) {
  const size_t n = op.schema.args.size();
  args_.reserve(n);
  first_input_.reserve(n);
  const auto take = [&](const Tensor& t, bool save) {
    edges.push_back(gradient_edge(t));
    inputs_.push_back(t.defined() ? InputMeta(t) : InputMeta());
    saved_args_.push_back(save ? SavedTensor(t, -1) : SavedTensor());
  };
  for (size_t i = 0; i < n; ++i) {
    const bool save = saves(op, args, i);
    first_input_.push_back(static_cast<int>(inputs_.size()));
    if (op.schema.args[i].kind == ArgKind::Tensor) {
      take(args[i].tensor(), save);
      args_.emplace_back();
    } else if (op.schema.args[i].kind == ArgKind::TensorList) {
      for (const Tensor& t : args[i].get<std::vector<Tensor>>()) take(t, save);
      args_.emplace_back(static_cast<int64_t>(inputs_.size()) - first_input_.back());
    } else {
      args_.push_back(args[i]);
    }
  }
}

std::string OpNode::name() const {
  std::string s;
  bool upper = true;
  for (char c : op_.schema.base_name) {
    if (c == '_' || c == '.') {
      upper = true;
      continue;
    }
    s += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return s + "Backward0";
}

void OpNode::save_returns(const Value* returns) {
  if (op_.saved_returns == 0) return;
  for (size_t i = 0; i < op_.schema.returns.size(); ++i) {
    const bool save = (op_.saved_returns >> i) & 1u;
    saved_returns_.push_back(save ? SavedTensor(returns[i].get<Tensor>(), static_cast<int>(i))
                                  : SavedTensor());
  }
}

void OpNode::release() {
  std::vector<SavedTensor> args,
      returns;  // what goes may need the GIL, so it goes outside of the lock
  std::lock_guard lock(mutex_);
  released_ = true;
  args.swap(saved_args_);
  returns.swap(saved_returns_);
}

Gradients OpNode::apply(Gradients grads, const std::vector<bool>& needed) {
  VjpContext context(*this, grads, needed, nullptr);
  op_.spec.vjp(context);
  return context.take();
}

Gradients OpNode::apply_to_sums(Gradients grads, const std::vector<bool>& needed,
                                const GatheredSums& sums) {
  VjpContext context(*this, grads, needed, &sums);
  op_.spec.vjp(context);
  return context.take();
}

VjpContext::VjpContext(OpNode& node, Gradients& grads, const std::vector<bool>& needed,
                       const GatheredSums* sums)
    : node_(node), grads_(grads), needed_(needed), sums_(sums), out_(node.edges.size()) {}

size_t VjpContext::flat(int arg, int item) const {
  return static_cast<size_t>(node_.first_input_[static_cast<size_t>(arg)] + item);
}

Tensor VjpContext::grad_or_zeros(int i) const {
  if (has_grad(i)) return grad(i);
  const InputMeta& m = result_meta(i);
  return ops::zeros(m.sizes, m.dtype, m.device);
}

bool VjpContext::needs(int arg, int item) const {
  const size_t i = flat(arg, item);
  return i < needed_.size() && needed_[i];
}

const InputMeta& VjpContext::meta(int arg, int item) const {
  return node_.inputs_[flat(arg, item)];
}

int64_t VjpContext::list_size(int arg) const {
  return node_.args_[static_cast<size_t>(arg)].get<int64_t>();
}

const InputMeta& VjpContext::result_meta(int i) const {
  return node_.results[static_cast<size_t>(i)];
}

void VjpContext::set(int arg, int item, Tensor g) {
  if (!g.defined()) return;
  const InputMeta& m = meta(arg, item);
  if (is_complex(g.dtype()) && !is_complex(m.dtype)) g = ops::real(g);
  if (node_.op_.spec.broadcasts && !(g.sizes() == IntList(m.sizes)))
    g = ops::sum_to_size(g, m.sizes);
  if (g.dtype() != m.dtype) g = ops::to(g, m.dtype);
  RT_CHECK(g.sizes() == IntList(m.sizes), Runtime, node_.name(),
           cat_str("returned a gradient of shape ", g.sizes(), " for an input of shape ", m.sizes));
  out_[flat(arg, item)] = std::move(g);
}

Tensor VjpContext::sum_for(int arg, const Tensor& values) const {
  if (!sums_ || !needs(arg)) return {};
  const InputMeta& m = meta(arg);
  Tensor sum = sums_->writable(flat(arg, 0));
  const bool fits = sum.defined() && sum.sizes() == IntList(m.sizes) &&
                    sum.dtype() == values.dtype() && sum.device() == values.device();
  return fits ? sum : Tensor();
}

void VjpContext::check_not_released() const {
  RT_CHECK(
      !node_.released_, Runtime, node_.name(),
      "Trying to backward through the graph a second time (or directly access saved tensors "
      "after they have already been freed). Specify retain_graph=True when calling .backward() "
      "or autograd.grad() the first time",
      "", "retain_graph=True in the first backward");
}

SavedTensor VjpContext::saved(bool result, size_t i) const {
  std::lock_guard lock(node_.mutex_);
  check_not_released();
  return (result ? node_.saved_returns_ : node_.saved_args_)[i];
}

// Unpacked from a copy, without the lock: Python may have to run for it.
Tensor VjpContext::input(int arg, int item) const {
  return saved(false, flat(arg, item)).unpack(Ref<Node>(&node_));
}

bool VjpContext::has_input(int arg) const { return saved(false, flat(arg, 0)).defined(); }

Tensor VjpContext::result(int i) const {
  return saved(true, static_cast<size_t>(i)).unpack(Ref<Node>(&node_));
}

}  // namespace rt
