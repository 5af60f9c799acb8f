// Whether a tensor may be written in place.
#include "autograd/node.h"

namespace rt {

void check_view_origin(const Tensor& t, const char* op, bool through_base) {
  const TensorImpl* p = t.impl();
  const ViewOrigin origin = p->view_origin_;
  if (origin == ViewOrigin::Tracked) return;
  const std::string who =
      through_base ? "its base or another view of its base has been" : "is being";
  const Ref<Node> fn = p->autograd_ ? p->autograd_->grad_fn : nullptr;
  const std::string output = fn ? cat_str("Output ", static_cast<int64_t>(output_number(t)), " of ",
                                          fn->name(), " is a view")
                                : "";
  const bool inference = origin == ViewOrigin::Inference;
  const char* mode = inference ? "inference_mode" : "no_grad";
  std::string what, why, hint;
  if (inference || origin == ViewOrigin::NoGrad || !fn) {
    what = cat_str(
        fn ? output + " of a view which was created in" : std::string("A view was created in"),
        inference ? " inference mode and " : " no_grad mode and ", who,
        inference ? " modified inplace in normal mode."
                  : " modified inplace with grad mode enabled.");
  } else {
    what = cat_str(output, " and ", who, " modified inplace.");
  }
  switch (origin) {
    case ViewOrigin::NoGrad:
    case ViewOrigin::Inference:
      why = cat_str(
          " Given that this use case is ambiguous and error-prone, it is forbidden: move the view "
          "and the "
          "inplace operation either both inside the ",
          mode, " block (not tracked) or both outside (tracked).");
      break;
    case ViewOrigin::MultiOutput:
      why =
          " This view is the output of a function that returns multiple views. Such functions do "
          "not allow the "
          "output views to be modified inplace.";
      hint = "the out-of-place operation";
      break;
    case ViewOrigin::Function:
      why =
          " This view was created inside a custom Function (or because an input was returned "
          "as-is) and the "
          "autograd logic to handle view+inplace would override the custom backward associated "
          "with the custom "
          "Function, leading to incorrect gradients. This behavior is forbidden.";
      hint = "cloning the output of the custom Function";
      break;
    case ViewOrigin::Tracked:
      break;
  }
  RT_FAIL(Runtime, op, what + why, describe(t), hint);
}

void check_inplace(const Tensor& t, const char* op, bool operands_want_grad, bool overlap_ok) {
  RT_CHECK(!t.storage()->read_only(), Runtime, op,
           "the tensor's memory is read-only and cannot be written in place", describe(t),
           "t.clone() first");
  RT_CHECK(
      overlap_ok || !repeats_elements(t), Runtime, op,
      "unsupported operation: more than one element of the written-to tensor refers to a single "
      "memory location",
      cat_str(describe(t), " with strides ", t.strides()), "t.clone() before the operation");
  const TensorImpl* p = t.impl();
  if (p->inference_) {
    RT_CHECK(modes().inference, Runtime, op,
             "Inplace update to inference tensor outside InferenceMode is not allowed", describe(t),
             "t.clone() outside inference_mode");
    return;
  }
  if (!modes().grad) return;
  const bool wants_grad = requires_grad(t);
  if (!wants_grad && !operands_want_grad) return;
  if (p->view_base_) {
    check_view_origin(t, op, false);
    RT_CHECK(!wants_grad || !is_leaf(Tensor(p->view_base_)) || !p->view_base_->requires_grad_,
             Runtime, op,
             "a view of a leaf Variable that requires grad is being used in an in-place operation.",
             describe(t), "rustorch.no_grad(), or the out-of-place form");
  }
  RT_CHECK(!wants_grad || !is_leaf(t), Runtime, op,
           "a leaf Variable that requires grad is being used in an in-place operation.",
           describe(t), "rustorch.no_grad(), or the out-of-place form");
}

}  // namespace rt
