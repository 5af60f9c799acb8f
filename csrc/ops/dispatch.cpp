// The way of a boxed call: interceptors, forward, tape, views; and the in-place and out= forms.
#include "autograd/vjp.h"
#include "core/warning.h"
#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/ops.h"
#include "ops/out_dtype.h"
#include "ops/transplant.h"
#include "ops/whole_ops.h"
#include "ops/write_overlap.h"

namespace rt {

bool any_wants_grad(const OpRecord& op, const Value* args) {
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    if (const auto* t = std::get_if<Tensor>(&args[i])) {
      if (detail::wants_grad(*t)) return true;
    } else if (const auto* l = std::get_if<std::vector<Tensor>>(&args[i])) {
      if (detail::wants_grad(TensorList(*l))) return true;
    }
  }
  return false;
}

namespace {

bool records(const OpRecord& op, const Value* args) {
  return op.spec.vjp && modes().grad && any_wants_grad(op, args);
}

template <class F>
void for_each_result(const OpRecord& op, Value* returns, F&& f) {
  uint32_t number = 0;
  for (size_t i = 0; i < op.schema.returns.size(); ++i) {
    if (auto* t = std::get_if<Tensor>(&returns[i])) {
      f(*t, number++);
    } else if (auto* l = std::get_if<std::vector<Tensor>>(&returns[i])) {
      for (Tensor& t : *l) f(t, number++);
    }
  }
}

void note_view(const OpRecord& op, const Value* args, const Tensor& view) {
  const Tensor& x = args[0].tensor();
  set_view_of(view, x, modes().grad ? ViewOrigin::Tracked : ViewOrigin::NoGrad);
  const Ref<TensorImpl>& base = view.impl()->view_base_;
  // Views that are not tracked are never made again from their base.
  if (base && view.impl() != x.impl() && view.dtype() != base->dtype_ &&
      view.impl()->view_origin_ == ViewOrigin::Tracked) {
    note_view_replay(view, x, op, args);
  }
}

// The op's own forward, or the engine that takes it as a whole.
void run_forward(const OpRecord& op, const Value* args, Value* returns) {
  if (runs_whole(op, args)) [[unlikely]]
    return g_whole_ops.load(std::memory_order_acquire)->run(op, args, returns);
  op.boxed(op, args, returns);
}
bool writes_directly(const OpRecord& op, const Value* args) {
  return op.boxed_out && !runs_whole(op, args);
}

void call_recorded(const OpRecord& op, const Value* args, Value* returns) {
  if (records(op, args)) {
    auto node = make_ref<OpNode>(op, args);
    {
      // What the forward does inside is covered by the op's own vjp.
      NoGradGuard guard;
      run_forward(op, args, returns);
    }
    for_each_result(op, returns, [&](Tensor& t, uint32_t i) {
      node->results.emplace_back(t);
      if (!is_differentiable(t.dtype())) return;
      op.spec.view ? note_view(op, args, t) : detail::drop_inner_view(t);
      set_history(t, node, i);
    });
    node->save_returns(returns);
    return;
  }
  if (op.spec.vjp) {
    NoGradGuard guard;
    run_forward(op, args, returns);
  } else {
    run_forward(op, args, returns);
  }
  if (!op.spec.vjp) {
    // The parts of a composite have noted views. One of memory that nobody else holds is none.
    if (modes().grad) return;
    for_each_result(op, returns, [](Tensor& t, uint32_t) {
      const TensorImpl* base = t.defined() ? t.impl()->view_base_.get() : nullptr;
      if (base && base->use_count() == 1 && !base->requires_grad_) detail::drop_inner_view(t);
    });
    return;
  }
  for_each_result(op, returns, [&](Tensor& t, uint32_t) {
    op.spec.view ? note_view(op, args, t) : detail::drop_inner_view(t);
  });
}

void check_can_store(const OpRecord& op, const Tensor& result, const Tensor& out) {
  RT_CHECK(can_cast(result.dtype(), out.dtype()) || draws_bits(op), Runtime, op.name(),
           cat_str("result type ", torch_type_name(result.dtype()),
                   " can't be cast to the desired output type ", torch_type_name(out.dtype())));
}

// Copies a functional result into a given tensor, with PyTorch's rules for its type.
void store_result(const OpRecord& op, const Tensor& result, const Tensor& out) {
  check_can_store(op, result, out);
  ops::copy_(out, result);
}

void check_inplace_shape(const OpRecord& op, const Tensor& self, IntList result) {
  RT_CHECK(
      self.sizes() == result, Runtime, op.name(),
      cat_str("output with shape ", self.sizes(), " doesn't match the broadcast shape ", result),
      describe(self), "the out-of-place form");
}

// squeeze_, t_ and their like: the tensor itself gets the geometry that the view would have.
void call_inplace_view(const OpRecord& op, const Value* args) {
  const Tensor& self = args[0].tensor();
  const bool record = records(op, args);
  RT_CHECK(!record || !self.impl()->view_base_, Runtime, op.name(),
           "the geometry of a view that requires grad cannot be changed in place", describe(self),
           "the out-of-place form");
  Value returns[OpRecord::kMaxReturns];
  {
    NoGradGuard guard;
    run_forward(op, args, returns);
  }
  const Tensor& view = returns[0].get<Tensor>();
  Ref<OpNode> node;
  if (record) node = make_ref<OpNode>(op, args);
  self.impl()->set_geometry(Dims(view.sizes()), Dims(view.strides()), view.offset());
  self.bump_version();
  if (node) {
    node->results.emplace_back(self);
    rebase_history(self, node);
  }
}

// A function with a dtype argument converts before it computes, which its tensor cannot follow.
void check_inplace_dtype(const OpRecord& op, const Tensor& self, const Tensor& result) {
  RT_CHECK(self.dtype() == result.dtype() || op.schema.index_of("dtype") < 0, Runtime, op.name(),
           cat_str("Bad in-place call: input tensor dtype ", name(self.dtype()),
                   " and output tensor dtype ", name(result.dtype()), " should match"),
           describe(self), "the out-of-place form");
}

void write_inplace(const OpRecord& op, const Value* args) {
  const Tensor& self = args[0].tensor();
  const bool wants_grad = modes().grad && any_wants_grad(op, args);
  check_inplace(self, op.name(), wants_grad && is_differentiable(self.dtype()), op.spec.overlap_ok);
  check_write_overlap(op, args);
  if (op.spec.view) return call_inplace_view(op, args);
  const bool history = wants_grad && is_differentiable(self.dtype());
  if (!op.spec.vjp && history) {
    // A composite: compute it with history, then copy, which has a history of its own. Its parts
    // may save self, so they get a copy.
    std::vector<Value> copied(args, args + op.schema.args.size());
    copied[0] = ops::clone(self);
    Value returns[OpRecord::kMaxReturns];
    call_boxed(op, copied.data(), returns);
    const Tensor& result = returns[0].get<Tensor>();
    check_inplace_shape(op, self, result.sizes());
    check_inplace_dtype(op, self, result);
    store_result(op, result, self);
    return;
  }
  Ref<OpNode> node;
  if (history) {
    // A formula that reads the old value of self gets a copy of it, with its history.
    const bool keeps_self = saves(op, args, 0);
    if (keeps_self) {
      std::vector<Value> copied(args, args + op.schema.args.size());
      for (Value& v : copied) {
        if (v.is<Tensor>() && v.get<Tensor>().is_same(self)) v = ops::clone(self);
      }
      node = make_ref<OpNode>(op, copied.data());
    } else {
      node = make_ref<OpNode>(op, args);
    }
  }
  {
    NoGradGuard guard;
    if (writes_directly(op, args)) {
      op.boxed_out(op, args, self);
      self.bump_version();
    } else {
      Value returns[OpRecord::kMaxReturns];
      run_forward(op, args, returns);
      const Tensor& result = returns[0].get<Tensor>();
      check_inplace_shape(op, self, result.sizes());
      check_inplace_dtype(op, self, result);
      store_result(op, result, self);  // copy_ counts the write
    }
  }
  if (node) {
    node->results.emplace_back(self);
    rebase_history(self, node);
    const Value result(self);
    node->save_returns(&result);
  }
}

// A function that makes a tensor (it takes a dtype and a device) makes it as `out` is.
std::vector<Value> made_as(const OpRecord& op, const Value* args, const Tensor& out) {
  std::vector<Value> values(args, args + op.schema.args.size());
  Value& dtype = values[static_cast<size_t>(op.schema.index_of("dtype"))];
  Value& device = values[static_cast<size_t>(op.schema.index_of("device"))];
  RT_CHECK(dtype.is_none() || dtype.get<DType>() == out.dtype(), Runtime, op.name(),
           cat_str("dtype ", torch_type_name(dtype.is_none() ? out.dtype() : dtype.get<DType>()),
                   " does not match dtype of out parameter (", torch_type_name(out.dtype()), ")"));
  dtype = out.dtype();
  if (device.is_none()) device = out.device();
  return values;
}

// Whether an elementwise op may write straight into `out`: it has the shape of the result, and no
// input lies in part of its memory.
bool fills_directly(const OpRecord& op, const Value* args, const Tensor& out) {
  if (!writes_directly(op, args)) return false;
  Dims reached(static_cast<size_t>(out.dim()), 1);
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    if (args[i].is<std::vector<Tensor>>()) return false;
    const auto* t = std::get_if<Tensor>(&args[i]);
    if (!t || !t->defined()) continue;
    if (!(t->device() == out.device()) || !is_expandable_to(t->sizes(), out.sizes())) return false;
    if (partially_overlaps(out, *t)) return false;
    const int64_t lead = out.dim() - t->dim();
    for (int64_t d = 0; d < t->dim(); ++d) {
      if (t->sizes()[d] != 1) reached[d + lead] = t->sizes()[d];
    }
  }
  return IntList(reached) == out.sizes();
}

// Whether an elementwise op of that first argument gives the dtype of out, without conversion.
bool gives_dtype_of(const ElementwiseSlot& slot, const Value& input, const Tensor& out) {
  const auto* t = std::get_if<Tensor>(&input);
  return t && t->defined() && t->dtype() == out.dtype() &&
         slot.result_dtype(slot.compute_dtype(out.dtype())) == out.dtype();
}

void write_out(const OpRecord& op, const Value* args, std::span<const Tensor> outs) {
  if (modes().grad) {
    bool grad = any_wants_grad(op, args);
    for (const Tensor& t : outs) grad |= requires_grad(t);
    RT_CHECK(!grad, Runtime, op.name(),
             "functions with out=... arguments don't support automatic differentiation, but one of "
             "the arguments requires grad",
             "", "no out=, or rustorch.no_grad()");
  }
  NoGradGuard guard;
  std::vector<Value> made;
  const bool makes =
      outs.size() == 1 && op.schema.index_of("dtype") >= 0 && op.schema.index_of("device") >= 0;
  if (makes) {
    made = made_as(op, args, outs[0]);
    args = made.data();
  }
  const int dtype_at = op.schema.index_of("dtype");
  if (!makes && outs.size() == 1 && dtype_at >= 0 && args[dtype_at].is_none() &&
      computes_in(op, args[0], outs[0].dtype())) {
    made.assign(args, args + op.schema.args.size());
    made[static_cast<size_t>(dtype_at)] = outs[0].dtype();
    args = made.data();
  }
  // Where a dtype was asked for, `out` has the result's, whatever the op converts otherwise.
  const bool asked = !makes && dtype_at >= 0 && !args[dtype_at].is_none();
  const ElementwiseSlot* slot = ElementwiseSlot::of(op);
  if (outs.size() == 1 && slot) check_out_overlap(op, args, outs[0]);
  if (outs.size() == 1 && slot &&
      (gives_dtype_of(*slot, args[0], outs[0]) || (!asked && out_converts(op))) &&
      fills_directly(op, args, outs[0])) {
    check_inplace(outs[0], op.name());
    op.boxed_out(op, args, outs[0]);
    outs[0].bump_version();
    return;
  }
  Value returns[OpRecord::kMaxReturns];
  call_boxed(op, args, returns);
  RT_CHECK(outs.size() == op.schema.returns.size(), Type, op.name(),
           cat_str("out= takes ", op.schema.returns.size(), " tensor(s)"),
           cat_str(outs.size(), " tensor(s)"));
  for (size_t i = 0; i < outs.size(); ++i) {
    RT_CHECK(returns[i].is<Tensor>(), Runtime, op.name(),
             op.name() == std::string_view("nonzero")
                 ? "nonzero does not support the out kwarg when as_tuple is True"
                 : "out= takes no list of tensors");
    Tensor result = returns[i].get<Tensor>();
    // A range fills an `out` of as many elements, whatever its shape is.
    if (makes && op.schema.index_of("end") >= 0 && result.numel() == outs[i].numel()) {
      result = ops::reshape(result, outs[i].sizes());
    }
    RT_CHECK(result.device() == outs[i].device(), Runtime, op.name(),
             cat_str("expected out tensor to be on ", to_string(result.device())),
             to_string(outs[i].device()));
    RT_CHECK(
        result.dtype() == outs[i].dtype() || (!asked && out_converts(op, args, outs[i].dtype())),
        Runtime, op.name(), wrong_out_dtype(op, result.dtype(), outs[i].dtype()));
    check_can_store(op, result, outs[i]);
    if (!(outs[i].sizes() == result.sizes())) {
      if (!makes && outs[i].numel() > 0) {
        warn(op.name(),
             cat_str("An output with one or more elements was resized since it had shape ",
                     outs[i].sizes(), ", which does not match the required output shape ",
                     result.sizes(),
                     ". This behavior is deprecated, and in a future release outputs will "
                     "not be resized unless they have zero elements; try an out= of that shape, or "
                     "of no elements"));
      } else if (outs[i].numel() > 0 && op.schema.index_of("step") >= 0) {
        warn(op.name(),
             cat_str("The number of elements in the out tensor of shape ", outs[i].sizes(), " is ",
                     outs[i].numel(), " which does not match the computed number of elements ",
                     result.numel(),
                     ". Note that this may occur as a result of rounding error. The out tensor "
                     "will be resized to a tensor of shape ",
                     result.sizes(), "."));
      }
      ops::resize_(outs[i], result.sizes());
      // With the order of dims that the result would have had by itself.
      if (slot && is_non_overlapping_and_dense(result)) {
        outs[i].impl()->set_geometry(result.sizes(), result.strides(), outs[i].offset());
      }
    }
    ops::copy_(outs[i], result);
  }
}

void intercept(Interceptor* i, OpCall& call) {
  struct Restore {
    Interceptor* saved;
    ~Restore() { modes().interceptor = saved; }
  } restore{i};
  modes().interceptor = i->outer;
  i->call(call);
}

}  // namespace

std::atomic<WholeOps*> g_whole_ops{nullptr};

void run_here(OpCall& call) {
  switch (call.form) {
    case OpCall::Form::Plain:
      return call_recorded(call.op, call.args, call.returns);
    case OpCall::Form::Inplace:
      write_inplace(call.op, call.args);
      call.returns[0] = call.args[0];
      return;
    case OpCall::Form::Out:
      write_out(call.op, call.args, call.outs);
      std::copy(call.outs.begin(), call.outs.end(), call.returns);
      return;
  }
}

void OpCall::run() {
  if (Interceptor* i = modes().interceptor) return intercept(i, *this);
  run_here(*this);
}

void call_boxed(const OpRecord& op, const Value* args, Value* returns) {
  if (Interceptor* i = modes().interceptor) [[unlikely]] {
    OpCall call{op, OpCall::Form::Plain, args, returns, {}};
    return intercept(i, call);
  }
  call_recorded(op, args, returns);
}

void call_inplace(const OpRecord& op, const Value* args) {
  if (Interceptor* i = modes().interceptor) [[unlikely]] {
    Value returns[OpRecord::kMaxReturns];
    OpCall call{op, OpCall::Form::Inplace, args, returns, {}};
    return intercept(i, call);
  }
  write_inplace(op, args);
}

void call_out(const OpRecord& op, const Value* args, std::span<const Tensor> outs) {
  if (Interceptor* i = modes().interceptor) [[unlikely]] {
    Value returns[OpRecord::kMaxReturns];
    OpCall call{op, OpCall::Form::Out, args, returns, outs};
    return intercept(i, call);
  }
  write_out(op, args, outs);
}

}  // namespace rt
