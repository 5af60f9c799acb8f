// What MLCompute is to build, as plain data: tensors, layers in the order in which they run, the
// loss and the optimizer. Nothing here needs the framework.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/tensor.h"

namespace rt::mlcompute {

using TensorId = int32_t;
inline constexpr TensorId kNoTensor = -1;
using Pair = std::array<int64_t, 2>;  // height, width

enum class Role : uint8_t { Input, Label, Weight, Statistic, Result };

// The framework's tensors have four dims: [N, C] is [N, C, 1, 1] there, of the same bytes.
struct TensorPlan {
  Role role = Role::Result;
  std::string name;      // of inputs and labels the argument's, of weights the parameter's
  Dims shape;            // in the framework
  Dims outside;          // in rustorch
  Tensor tensor = {};    // of weights and statistics, whose memory is used
  bool trained = false;  // the optimizer changes it
  int64_t classes = 0;   // of labels: class numbers, which become rows of so many; 0: plain values
};

// A tensor that belongs to a layer rather than flowing into it.
struct Weight {
  TensorId id = kNoTensor;
};

enum class PoolingKind : uint8_t { Max, Average };
enum class ActivationKind : uint8_t {
  Relu,       // max(x, 0)
  LeakyRelu,  // x, or a x below 0
  ReluN,      // min(max(x, 0), b)
  Linear,     // a x + b
  Sigmoid,
  HardSigmoid,  // min(max(a x + b, 0), 1)
  Tanh,
  Absolute,
  SoftPlus,  // log(1 + exp(a x)) / a
  SoftSign,
  Elu,  // x, or a (exp(x) - 1) below 0
  LogSigmoid,
  Selu,
  Celu,        // x, or a (exp(x / a) - 1) below 0
  HardShrink,  // 0 within [-a, a]
  SoftShrink,
  TanhShrink,
  Threshold,  // x above a, else b
  Gelu,       // with erf
  HardSwish,
  Clamp,  // min(max(x, a), b)
};
enum class ArithmeticKind : uint8_t { Add, Subtract, Multiply, Divide, Exp, Log, Sqrt };
enum class ReductionKind : uint8_t { Sum, Mean };
enum class LossKind : uint8_t {
  MeanSquaredError,
  MeanAbsoluteError,
  Huber,
  SoftmaxCrossEntropy,
  SigmoidCrossEntropy,
  Log,
};
enum class OptimizerKind : uint8_t { Sgd, Adam, AdamW };

const char* name(Role);
const char* name(PoolingKind);
const char* name(ActivationKind);
const char* name(ArithmeticKind);
const char* name(ReductionKind);
const char* name(LossKind);
const char* name(OptimizerKind);

// Each kind of layer; each() names its fields, for those who print, compare or walk them.
struct Convolution {
  static constexpr const char* kName = "convolution";
  bool transposed = false;
  Pair kernel{}, stride{}, dilation{}, padding{};
  int64_t inputs = 0, outputs = 0, groups = 1;
  Weight weight, bias;
  template <class F>
  void each(F&& f) const {
    f("transposed", transposed), f("kernel", kernel), f("stride", stride);
    f("dilation", dilation), f("padding", padding), f("inputs", inputs);
    f("outputs", outputs), f("groups", groups), f("weight", weight), f("bias", bias);
  }
};
struct FullyConnected {
  static constexpr const char* kName = "fully_connected";
  int64_t inputs = 0, outputs = 0;
  Weight weight, bias;
  template <class F>
  void each(F&& f) const {
    f("inputs", inputs), f("outputs", outputs), f("weight", weight), f("bias", bias);
  }
};
struct Pooling {
  static constexpr const char* kName = "pooling";
  PoolingKind kind = PoolingKind::Max;
  Pair kernel{}, stride{}, dilation{1, 1}, padding{};
  bool counts_padding = true;
  template <class F>
  void each(F&& f) const {
    f("kind", kind), f("kernel", kernel), f("stride", stride), f("dilation", dilation);
    f("padding", padding), f("counts_padding", counts_padding);
  }
};
struct Activation {
  static constexpr const char* kName = "activation";
  ActivationKind kind = ActivationKind::Relu;
  double a = 0, b = 0;
  template <class F>
  void each(F&& f) const {
    f("kind", kind), f("a", a), f("b", b);
  }
};
struct Arithmetic {
  static constexpr const char* kName = "arithmetic";
  ArithmeticKind kind = ArithmeticKind::Add;
  template <class F>
  void each(F&& f) const {
    f("kind", kind);
  }
};
struct BatchNorm {
  static constexpr const char* kName = "batch_norm";
  int64_t channels = 0;
  Weight mean, variance, beta, gamma;
  double eps = 0;
  double keep = 1;  // how much of the running statistics a step leaves
  template <class F>
  void each(F&& f) const {
    f("channels", channels), f("mean", mean), f("variance", variance), f("beta", beta);
    f("gamma", gamma), f("eps", eps), f("keep", keep);
  }
};
struct GroupNorm {
  static constexpr const char* kName = "group_norm";
  int64_t channels = 0, groups = 0;
  Weight beta, gamma;
  double eps = 0;
  template <class F>
  void each(F&& f) const {
    f("channels", channels), f("groups", groups), f("beta", beta), f("gamma", gamma);
    f("eps", eps);
  }
};
struct InstanceNorm {
  static constexpr const char* kName = "instance_norm";
  int64_t channels = 0;
  Weight beta, gamma;
  double eps = 0;
  template <class F>
  void each(F&& f) const {
    f("channels", channels), f("beta", beta), f("gamma", gamma), f("eps", eps);
  }
};
struct LayerNorm {
  static constexpr const char* kName = "layer_norm";
  Dims shape;  // the last dims, in the framework
  Weight beta, gamma;
  double eps = 0;
  template <class F>
  void each(F&& f) const {
    f("shape", shape), f("beta", beta), f("gamma", gamma), f("eps", eps);
  }
};
struct Softmax {
  static constexpr const char* kName = "softmax";
  bool log = false;
  int64_t dim = 1;
  template <class F>
  void each(F&& f) const {
    f("log", log), f("dim", dim);
  }
};
struct Dropout {
  static constexpr const char* kName = "dropout";
  double rate = 0;
  int64_t seed = 0;
  template <class F>
  void each(F&& f) const {
    f("rate", rate), f("seed", seed);
  }
};
struct Reshape {
  static constexpr const char* kName = "reshape";
  Dims shape;
  template <class F>
  void each(F&& f) const {
    f("shape", shape);
  }
};
struct Transpose {
  static constexpr const char* kName = "transpose";
  Dims dims;
  template <class F>
  void each(F&& f) const {
    f("dims", dims);
  }
};
struct Concatenation {
  static constexpr const char* kName = "concatenation";
  int64_t dim = 1;
  template <class F>
  void each(F&& f) const {
    f("dim", dim);
  }
};
struct Reduction {
  static constexpr const char* kName = "reduction";
  ReductionKind kind = ReductionKind::Mean;
  Dims dims;
  template <class F>
  void each(F&& f) const {
    f("kind", kind), f("dims", dims);
  }
};
struct Loss {
  static constexpr const char* kName = "loss";
  LossKind kind = LossKind::MeanSquaredError;
  ReductionKind reduction = ReductionKind::Mean;
  double label_smoothing = 0;
  int64_t classes = 1;
  double delta = 1;    // of Huber
  double epsilon = 0;  // of Log
  template <class F>
  void each(F&& f) const {
    f("kind", kind), f("reduction", reduction), f("label_smoothing", label_smoothing);
    f("classes", classes), f("delta", delta), f("epsilon", epsilon);
  }
};

using LayerSpec = std::variant<Convolution, FullyConnected, Pooling, Activation, Arithmetic,
                               BatchNorm, GroupNorm, InstanceNorm, LayerNorm, Softmax, Dropout,
                               Reshape, Transpose, Concatenation, Reduction, Loss>;
const char* name(const LayerSpec& spec);
// The tensors that belong to a layer, kNoTensor left out.
std::vector<TensorId> weights_of(const LayerSpec& spec);

struct LayerPlan {
  LayerSpec spec;
  std::vector<TensorId> sources;  // of a loss: what was computed, then the label
  TensorId result = kNoTensor;
  bool frozen = false;  // it has weights, and none of them is trained
  std::string origin;   // the op, and the user's line where it is known
};

struct OptimizerPlan {
  OptimizerKind kind = OptimizerKind::Sgd;
  double lr = 0, momentum = 0, beta1 = 0, beta2 = 0, eps = 0, weight_decay = 0;
  bool nesterov = false, amsgrad = false;
};

struct Plan {
  std::vector<TensorPlan> tensors;
  std::vector<LayerPlan> layers;
  std::vector<TensorId> inputs, labels, outputs;
  std::vector<Dims> output_sizes;          // in rustorch: one tensor may be given in several shapes
  std::optional<OptimizerPlan> optimizer;  // of training graphs
  // Integers that count steps: each gains so much with every step.
  std::vector<std::pair<Tensor, int64_t>> counters;
  int64_t batch = 0;  // the first dim of the inputs

  const TensorPlan& tensor(TensorId t) const { return tensors[static_cast<size_t>(t)]; }
};

}  // namespace rt::mlcompute
