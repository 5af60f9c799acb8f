#include "mlcompute/plan.h"

namespace rt::mlcompute {

namespace {

template <class E, size_t N>
const char* at(const char* const (&names)[N], E e) {
  return names[static_cast<size_t>(e)];
}

struct CollectWeights {
  std::vector<TensorId>* list;
  void operator()(const char*, const Weight& w) const {
    if (w.id != kNoTensor) list->push_back(w.id);
  }
  template <class T>
  void operator()(const char*, const T&) const {}
};

}  // namespace

const char* name(Role r) {
  static constexpr const char* names[] = {"input", "label", "weight", "statistic", "result"};
  return at(names, r);
}
const char* name(PoolingKind k) {
  static constexpr const char* names[] = {"max", "average"};
  return at(names, k);
}
const char* name(ActivationKind k) {
  static constexpr const char* names[] = {
      "relu", "leaky_relu", "relu_n",      "linear",      "sigmoid",     "hard_sigmoid",
      "tanh", "absolute",   "soft_plus",   "soft_sign",   "elu",         "log_sigmoid",
      "selu", "celu",       "hard_shrink", "soft_shrink", "tanh_shrink", "threshold",
      "gelu", "hard_swish", "clamp"};
  return at(names, k);
}
const char* name(ArithmeticKind k) {
  static constexpr const char* names[] = {"add", "subtract", "multiply", "divide",
                                          "exp", "log",      "sqrt"};
  return at(names, k);
}
const char* name(ReductionKind k) {
  static constexpr const char* names[] = {"sum", "mean"};
  return at(names, k);
}
const char* name(LossKind k) {
  static constexpr const char* names[] = {"mean_squared_error",    "mean_absolute_error",   "huber",
                                          "softmax_cross_entropy", "sigmoid_cross_entropy", "log"};
  return at(names, k);
}
const char* name(OptimizerKind k) {
  static constexpr const char* names[] = {"sgd", "adam", "adamw"};
  return at(names, k);
}
const char* name(const LayerSpec& spec) {
  return std::visit([](const auto& s) { return s.kName; }, spec);
}

std::vector<TensorId> weights_of(const LayerSpec& spec) {
  std::vector<TensorId> list;
  std::visit([&](const auto& s) { s.each(CollectWeights{&list}); }, spec);
  return list;
}

}  // namespace rt::mlcompute
