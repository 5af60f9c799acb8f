// One small function for each op that MLCompute has a layer for.
#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "mlcompute/planner.h"

namespace rt::mlcompute {

namespace {

void demand(bool fits, std::string what) {
  if (!fits) throw Refusal{std::move(what)};
}

// ---- Products ----

void linear(NodeContext& c) {
  const Dims& in = c.type("input").sizes;
  const Dims& weight = c.type("weight").sizes;
  demand(in.size() == 2 && weight.size() == 2, "its input must be [batch, features]");
  c.give(FullyConnected{weight[1], weight[0], c.weight("weight", {1, weight[0] * weight[1], 1, 1}),
                        c.weight("bias", {1, weight[0], 1, 1})},
         {c.source("input")});
}

void convolution(NodeContext& c, bool transposed) {
  const Dims& in = c.type("input").sizes;
  const Dims& w =
      c.type("weight").sizes;  // out, in / groups, height, width; transposed in, out / ...
  demand(in.size() == 4, "its input must have a batch, channels, height and width");
  const int64_t groups = c.integer("groups");
  const int64_t outputs = transposed ? w[1] * groups : w[0];
  c.give(Convolution{transposed,
                     {w[2], w[3]},
                     c.pair("stride"),
                     c.pair("dilation"),
                     c.pair("padding"),
                     in[1],
                     outputs,
                     groups,
                     c.weight("weight", {1, w[0] * w[1], w[2], w[3]}),
                     c.weight("bias", {1, outputs, 1, 1})},
         {c.source("input")});
}
void conv2d(NodeContext& c) { convolution(c, false); }
void conv_transpose2d(NodeContext& c) {
  const Pair extra = c.pair("output_padding");
  demand(extra == Pair{0, 0}, "output_padding must be 0");
  convolution(c, true);
}

// ---- Pooling ----

// The framework rounds the number of windows down; ceil_mode is the same where they divide.
void check_windows(NodeContext& c, const Pooling& p) {
  const Dims& in = c.type("input").sizes;
  demand(in.size() == 4, "its input must have a batch, channels, height and width");
  const Dims& out = c.result_type().sizes;
  for (size_t i = 0; i < 2; ++i) {
    const int64_t reach = p.dilation[i] * (p.kernel[i] - 1) + 1;
    demand(out[2 + i] == (in[2 + i] + 2 * p.padding[i] - reach) / p.stride[i] + 1,
           "ceil_mode makes a window that is cut short");
  }
}

void max_pool2d(NodeContext& c) {
  demand(!c.flag("return_indices"), "indices are not given");
  const Pair kernel = c.pair("kernel_size");
  const Pooling p{
      PoolingKind::Max,  kernel, c.has("stride") ? c.pair("stride") : kernel, c.pair("dilation"),
      c.pair("padding"), true};
  check_windows(c, p);
  c.give(p, {c.source("input")});
}

void avg_pool2d(NodeContext& c) {
  demand(!c.has("divisor_override"), "divisor_override must be None");
  const Pair kernel = c.pair("kernel_size");
  const Pooling p{PoolingKind::Average,
                  kernel,
                  c.has("stride") ? c.pair("stride") : kernel,
                  {1, 1},
                  c.pair("padding"),
                  c.flag("count_include_pad")};
  check_windows(c, p);
  c.give(p, {c.source("input")});
}

void adaptive_pool(NodeContext& c, PoolingKind kind) {
  const Dims& in = c.type("input").sizes;
  const Dims& out = c.result_type().sizes;
  demand(in.size() == 4, "its input must have a batch, channels, height and width");
  Pair kernel;
  for (size_t i = 0; i < 2; ++i) {
    demand(out[2 + i] > 0 && in[2 + i] % out[2 + i] == 0, "its output must divide its input");
    kernel[i] = in[2 + i] / out[2 + i];
  }
  c.give(Pooling{kind, kernel, kernel, {1, 1}, {0, 0}, true}, {c.source("input")});
}
void adaptive_avg_pool2d(NodeContext& c) { adaptive_pool(c, PoolingKind::Average); }
void adaptive_max_pool2d(NodeContext& c) {
  demand(!c.flag("return_indices"), "indices are not given");
  adaptive_pool(c, PoolingKind::Max);
}

// ---- Activations ----

void activate(NodeContext& c, ActivationKind kind, double a = 0, double b = 0) {
  c.give(Activation{kind, a, b}, {c.source("input")});
}
template <ActivationKind kind>
void plain_activation(NodeContext& c) {
  activate(c, kind);
}
void leaky_relu(NodeContext& c) {
  activate(c, ActivationKind::LeakyRelu, c.number("negative_slope"));
}
void relu6(NodeContext& c) { activate(c, ActivationKind::ReluN, 0, 6); }
void hardtanh(NodeContext& c) {
  activate(c, ActivationKind::Clamp, c.number("min_val"), c.number("max_val"));
}
void elu(NodeContext& c) { activate(c, ActivationKind::Elu, c.number("alpha")); }
void celu(NodeContext& c) { activate(c, ActivationKind::Celu, c.number("alpha")); }
void hardshrink(NodeContext& c) { activate(c, ActivationKind::HardShrink, c.number("lambd")); }
void softshrink(NodeContext& c) { activate(c, ActivationKind::SoftShrink, c.number("lambd")); }
void threshold(NodeContext& c) {
  activate(c, ActivationKind::Threshold, c.number("threshold"), c.number("value"));
}
void hardsigmoid(NodeContext& c) { activate(c, ActivationKind::HardSigmoid, 1.0 / 6, 0.5); }
void softplus(NodeContext& c) {
  // Above the threshold ours is x, which float32 cannot tell from the formula from 20 on.
  demand(c.number("threshold") >= 20, "its threshold must be 20 or more");
  activate(c, ActivationKind::SoftPlus, c.number("beta"));
}
void gelu(NodeContext& c) {
  demand(c.text("approximate") == "none", "approximate must be 'none'");
  activate(c, ActivationKind::Gelu);
}
void silu(NodeContext& c) {
  const TensorId x = c.source("input");
  const TensorId gate =
      c.put(Activation{ActivationKind::Sigmoid}, {x}, framework_shape(c.type("input").sizes));
  c.give(Arithmetic{ArithmeticKind::Multiply}, {x, gate});
}

// ---- Arithmetic ----

void binary(NodeContext& c, ArithmeticKind kind) {
  const bool scaled = kind == ArithmeticKind::Add || kind == ArithmeticKind::Subtract;
  const double alpha = scaled ? c.number("alpha") : 1;
  const bool left = c.is_number("input"), right = c.is_number("other");
  if (left || right) {  // one is a number: a line
    const double n = c.number(left ? "input" : "other");
    const TensorId x = c.source(left ? "other" : "input");
    double a = 1, b = 0;
    switch (kind) {
      case ArithmeticKind::Add:
        a = left ? alpha : 1, b = left ? n : alpha * n;
        break;
      case ArithmeticKind::Subtract:
        a = left ? -alpha : 1, b = left ? n : -alpha * n;
        break;
      case ArithmeticKind::Multiply:
        a = n;
        break;
      default:
        demand(!left, "a number divided by a tensor has no layer");
        a = 1 / n;
    }
    c.give(Activation{ActivationKind::Linear, a, b}, {x});
    return;
  }
  demand(alpha == 1, "alpha must be 1");
  demand(IntList(c.type("input").sizes) == IntList(c.type("other").sizes),
         "both tensors must have one shape");
  c.give(Arithmetic{kind}, {c.source("input"), c.source("other")});
}
void add(NodeContext& c) { binary(c, ArithmeticKind::Add); }
void sub(NodeContext& c) { binary(c, ArithmeticKind::Subtract); }
void mul(NodeContext& c) { binary(c, ArithmeticKind::Multiply); }
void div(NodeContext& c) { binary(c, ArithmeticKind::Divide); }
void neg(NodeContext& c) { activate(c, ActivationKind::Linear, -1, 0); }
template <ArithmeticKind kind>
void unary(NodeContext& c) {
  c.give(Arithmetic{kind}, {c.source("input")});
}

// ---- Norms ----

// The framework's norms have a scale and a shift; ours may have none.
std::pair<Weight, Weight> affine(NodeContext& c, int64_t channels) {
  const Dims shape{1, channels, 1, 1};
  demand(c.has("weight") == c.has("bias"), "it must have both a weight and a bias, or neither");
  if (!c.has("weight")) return {c.filled("zeros", channels, 0), c.filled("ones", channels, 1)};
  const Weight gamma = c.weight("weight", shape);
  return {c.weight("bias", shape), gamma};
}

void batch_norm(NodeContext& c) {
  const int64_t channels = c.type("input").sizes[1];
  const bool batch = c.flag("training");
  demand(c.has("running_mean") && c.has("running_var"), "it must have running statistics");
  demand(batch == c.training(), batch ? "it is in training mode: call eval() first"
                                      : "it is in eval mode inside of a training graph");
  const TensorId x = c.source("input");
  const Weight mean = c.weight("running_mean", {1, channels, 1, 1}, Role::Statistic);
  const Weight variance = c.weight("running_var", {1, channels, 1, 1}, Role::Statistic);
  const auto [beta, gamma] = affine(c, channels);
  const double keep = batch ? 1 - c.number("momentum") : 1;
  c.give(BatchNorm{channels, mean, variance, beta, gamma, c.number("eps"), keep}, {x});
  c.writes_statistics();
}

void group_norm(NodeContext& c) {
  const int64_t channels = c.type("input").sizes[1];
  const TensorId x = c.source("input");
  const auto [beta, gamma] = affine(c, channels);
  c.give(GroupNorm{channels, c.integer("num_groups"), beta, gamma, c.number("eps")}, {x});
}

void instance_norm(NodeContext& c) {
  demand(c.flag("use_input_stats") && !c.has("running_mean"), "running statistics are not kept");
  const int64_t channels = c.type("input").sizes[1];
  const TensorId x = c.source("input");
  const auto [beta, gamma] = affine(c, channels);
  c.give(InstanceNorm{channels, beta, gamma, c.number("eps")}, {x});
}

void layer_norm(NodeContext& c) {
  const Dims normalized = c.dims("normalized_shape");
  const Dims& in = c.type("input").sizes;
  demand(normalized.size() + 1 == in.size() && in.size() != 3,
         "it must normalize all dims but the batch");
  Dims shape = framework_shape(in);
  shape.erase(0);
  const TensorId x = c.source("input");
  demand(c.has("weight") && c.has("bias"), "it must have a weight and a bias");
  const Dims weights{1, shape[0], shape[1], shape[2]};
  const Weight gamma = c.weight("weight", weights), beta = c.weight("bias", weights);
  c.give(LayerNorm{shape, beta, gamma, c.number("eps")}, {x});
}

// ---- Softmax, dropout ----

int64_t wrapped(int64_t dim, size_t rank) {
  return dim < 0 ? dim + static_cast<int64_t>(rank) : dim;
}

void softmax_like(NodeContext& c, bool log) {
  const size_t rank = c.type("input").sizes.size();
  demand(c.has("dim") && !c.has("dtype"), "dim must be given, and dtype must not");
  demand(rank == 2 || rank == 4, "its input must have two or four dims");
  const int64_t dim = wrapped(c.integer("dim"), rank);
  demand(dim != 0, "the batch is not normalized over");
  c.give(Softmax{log, dim}, {c.source("input")});
}
void softmax(NodeContext& c) { softmax_like(c, false); }
void log_softmax(NodeContext& c) { softmax_like(c, true); }

void dropout(NodeContext& c) {
  if (!c.flag("training") || c.number("p") == 0) return c.give(c.source("input"));
  demand(c.training(), "it is in training mode: call eval() first");
  demand(c.number("p") < 1, "p must be below 1");
  c.give(Dropout{c.number("p"), c.next_seed()}, {c.source("input")});
}

// ---- Shapes ----

void same_values(NodeContext& c) {
  const Dims &in = c.type("input").sizes, &out = c.result_type().sizes;
  demand(!in.empty() && !out.empty() && in[0] == out[0], "the batch must stay the first dim");
  c.give(c.source("input"));
}

void permute(NodeContext& c, Dims dims) {
  demand(dims.size() == 4 && dims[0] == 0, "of four dims, and with the batch in its place");
  c.give(Transpose{dims}, {c.source("input")});
}
void permute(NodeContext& c) {
  Dims dims = c.dims("dims");
  for (int64_t& d : dims) d = wrapped(d, dims.size());
  permute(c, dims);
}
void transpose(NodeContext& c) {
  const size_t rank = c.type("input").sizes.size();
  demand(rank == 4, "of four dims, and with the batch in its place");
  Dims dims{0, 1, 2, 3};
  std::swap(dims[static_cast<size_t>(wrapped(c.integer("dim0"), rank))],
            dims[static_cast<size_t>(wrapped(c.integer("dim1"), rank))]);
  permute(c, dims);
}

void cat(NodeContext& c) {
  const size_t rank = c.result_type().sizes.size();
  const int64_t dim = wrapped(c.integer("dim"), rank);
  demand((rank == 2 || rank == 4) && dim != 0, "of two or four dims, and not along the batch");
  c.give(Concatenation{dim}, c.sources("tensors"));
}

void reduce(NodeContext& c, ReductionKind kind) {
  const Dims& in = c.type("input").sizes;
  demand(in.size() == 4 && c.has("dim") && !c.has("dtype"), "over dims of an input of four");
  Dims dims = c.dims("dim");
  for (int64_t& d : dims) d = wrapped(d, in.size());
  std::sort(dims.begin(), dims.end());
  demand(!dims.empty() && dims[0] != 0, "the batch is not reduced");
  Dims shape = in;
  for (int64_t d : dims) shape[static_cast<size_t>(d)] = 1;
  c.give(c.put(Reduction{kind, dims}, {c.source("input")}, shape));
}
void mean(NodeContext& c) { reduce(c, ReductionKind::Mean); }
void sum(NodeContext& c) { reduce(c, ReductionKind::Sum); }

// ---- Losses ----

ReductionKind reduction(NodeContext& c) {
  const std::string& r = c.text("reduction");
  for (const char* old : {"size_average", "reduce"}) {
    demand(!c.takes(old) || !c.has(old), cat_str(old, " must be None"));
  }
  demand(r == "mean" || r == "sum", "reduction must be 'mean' or 'sum'");
  return r == "mean" ? ReductionKind::Mean : ReductionKind::Sum;
}

void give_loss(NodeContext& c, Loss loss, int64_t classes = 0) {
  loss.reduction = reduction(c);
  const Dims &in = c.type("input").sizes, &target = c.type("target").sizes;
  demand(classes || IntList(in) == IntList(target), "input and target must have one shape");
  const TensorId x = c.source("input");
  c.give(loss, {x, c.label("target", classes)});
}
void no_weight(NodeContext& c, const char* arg = "weight") {
  demand(!c.has(arg), cat_str(arg, " must be None"));
}

void cross_entropy(NodeContext& c) {
  no_weight(c);
  const Dims& in = c.type("input").sizes;
  demand(in.size() == 2, "its input must be [batch, classes]");
  demand(c.integer("ignore_index") < 0, "ignore_index must not be a class");
  const bool numbers = c.type("target").sizes.size() == 1;
  give_loss(c,
            Loss{.kind = LossKind::SoftmaxCrossEntropy,
                 .label_smoothing = c.number("label_smoothing"),
                 .classes = in[1]},
            numbers ? in[1] : 0);
}
void mse_loss(NodeContext& c) {
  no_weight(c);
  give_loss(c, Loss{.kind = LossKind::MeanSquaredError});
}
void l1_loss(NodeContext& c) {
  no_weight(c);
  give_loss(c, Loss{.kind = LossKind::MeanAbsoluteError});
}
void huber_loss(NodeContext& c) {
  no_weight(c);
  give_loss(c, Loss{.kind = LossKind::Huber, .delta = c.number("delta")});
}
void smooth_l1_loss(NodeContext& c) {
  demand(c.number("beta") == 1, "beta must be 1");
  give_loss(c, Loss{.kind = LossKind::Huber, .delta = 1});
}
void bce_with_logits(NodeContext& c) {
  no_weight(c);
  no_weight(c, "pos_weight");
  give_loss(c, Loss{.kind = LossKind::SigmoidCrossEntropy});
}
void bce(NodeContext& c) {
  no_weight(c);
  give_loss(c, Loss{.kind = LossKind::Log, .epsilon = 1e-12});
}

using A = ActivationKind;
using M = ArithmeticKind;
const std::unordered_map<std::string_view, Lowering> kLowerings = {
    {"linear", linear},
    {"conv2d", conv2d},
    {"conv_transpose2d", conv_transpose2d},
    {"max_pool2d", max_pool2d},
    {"avg_pool2d", avg_pool2d},
    {"adaptive_avg_pool2d", adaptive_avg_pool2d},
    {"adaptive_max_pool2d", adaptive_max_pool2d},
    {"relu", plain_activation<A::Relu>},
    {"relu.functional", plain_activation<A::Relu>},
    {"relu6", relu6},
    {"leaky_relu", leaky_relu},
    {"leaky_relu.functional", leaky_relu},
    {"hardtanh", hardtanh},
    {"hardtanh.functional", hardtanh},
    {"elu", elu},
    {"elu.functional", elu},
    {"celu", celu},
    {"celu.functional", celu},
    {"selu", plain_activation<A::Selu>},
    {"selu.functional", plain_activation<A::Selu>},
    {"sigmoid", plain_activation<A::Sigmoid>},
    {"logsigmoid", plain_activation<A::LogSigmoid>},
    {"hardsigmoid", hardsigmoid},
    {"hardswish", plain_activation<A::HardSwish>},
    {"silu", silu},
    {"gelu", gelu},
    {"tanh", plain_activation<A::Tanh>},
    {"tanhshrink", plain_activation<A::TanhShrink>},
    {"softplus", softplus},
    {"softsign", plain_activation<A::SoftSign>},
    {"hardshrink", hardshrink},
    {"softshrink", softshrink},
    {"threshold", threshold},
    {"threshold.functional", threshold},
    {"abs", plain_activation<A::Absolute>},
    {"neg", neg},
    {"add", add},
    {"sub", sub},
    {"mul", mul},
    {"div", div},
    {"exp", unary<M::Exp>},
    {"log", unary<M::Log>},
    {"sqrt", unary<M::Sqrt>},
    {"batch_norm", batch_norm},
    {"group_norm", group_norm},
    {"instance_norm", instance_norm},
    {"layer_norm", layer_norm},
    {"softmax", softmax},
    {"log_softmax", log_softmax},
    {"dropout", dropout},
    {"flatten", same_values},
    {"unflatten", same_values},
    {"view", same_values},
    {"reshape", same_values},
    {"squeeze", same_values},
    {"squeeze.dim", same_values},
    {"unsqueeze", same_values},
    {"contiguous", same_values},
    {"clone", same_values},
    {"permute", permute},
    {"transpose", transpose},
    {"cat", cat},
    {"mean", mean},
    {"sum", sum},
    {"cross_entropy", cross_entropy},
    {"mse_loss", mse_loss},
    {"l1_loss", l1_loss},
    {"huber_loss", huber_loss},
    {"smooth_l1_loss", smooth_l1_loss},
    {"binary_cross_entropy_with_logits", bce_with_logits},
    {"binary_cross_entropy", bce},
};

constexpr std::string_view kLosses[] = {
    "cross_entropy",       "mse_loss",       "l1_loss",
    "huber_loss",          "smooth_l1_loss", "binary_cross_entropy_with_logits",
    "binary_cross_entropy"};

}  // namespace

Lowering find_lowering(std::string_view op) {
  const auto found = kLowerings.find(op);
  return found == kLowerings.end() ? nullptr : found->second;
}
bool is_loss(std::string_view op) {
  return std::find(std::begin(kLosses), std::end(kLosses), op) != std::end(kLosses);
}

}  // namespace rt::mlcompute
