// MLCompute behind the interface of framework.h: one call of Apple's for each method, nothing
// decided. Apple deprecates all of it from macOS 14.3 on; the warning is silenced in this file
// alone, and without this file the build is complete.
#import <Foundation/Foundation.h>
#import <MLCompute/MLCompute.h>

#include <cstring>

#include "mlcompute/framework.h"

#pragma clang diagnostic ignored "-Wdeprecated-declarations"

namespace rt::mlcompute {

namespace {

// ---- Between Objective-C and C++ ----

Handle hold(id object) {
  if (!object) return nullptr;
  return {(__bridge_retained void*)object, [](void* p) {
            @autoreleasepool {
              (void)(__bridge_transfer id)p;
            }
          }};
}
template <class T>
T* as(const Handle& h) {
  return (__bridge T*)h.get();
}
NSString* to_ns(const std::string& s) {
  return [[NSString alloc] initWithBytes:s.data() length:s.size() encoding:NSUTF8StringEncoding];
}
NSArray<NSNumber*>* numbers(IntList list) {
  NSMutableArray<NSNumber*>* array = [NSMutableArray arrayWithCapacity:list.size()];
  for (int64_t n : list) [array addObject:@(n)];
  return array;
}
NSArray<NSNumber*>* numbers(const Pair& p) { return numbers(IntList{p[0], p[1]}); }
NSUInteger count(int64_t n) { return static_cast<NSUInteger>(n); }
float real(double v) { return static_cast<float>(v); }

NSDictionary<NSString*, MLCTensor*>* tensors(const NamedHandles& named) {
  NSMutableDictionary<NSString*, MLCTensor*>* d = [NSMutableDictionary dictionary];
  for (const auto& [name, handle] : named) d[to_ns(name)] = as<MLCTensor>(handle);
  return d;
}

// The memory itself; `owner` holds it until MLCompute lets go, which needs no GIL.
MLCTensorData* wrap(const Memory& m) {
  const Ref<Storage> owner = m.owner;
  return [MLCTensorData dataWithBytesNoCopy:m.data
                                     length:m.bytes
                                deallocator:^(void*, NSUInteger) {
                                  (void)owner;
                                }];
}
NSDictionary<NSString*, MLCTensorData*>* data(const NamedMemory& named) {
  NSMutableDictionary<NSString*, MLCTensorData*>* d = [NSMutableDictionary dictionary];
  for (const auto& [name, memory] : named) d[to_ns(name)] = wrap(memory);
  return d;
}

// MLCompute raises where arguments make no sense to it.
template <class F>
auto guarded(F&& f) {
  @autoreleasepool {
    @try {
      return f();
    } @catch (NSException* e) {
      RT_FAIL(Runtime, "mlcompute", "MLCompute raised an exception",
              cat_str(e.name.UTF8String, ": ", e.reason ? e.reason.UTF8String : "no reason"));
    }
  }
}

// ---- Layers ----

struct LayerMaker {
  std::span<const Handle> weights;

  MLCTensor* of(Weight w) const {
    return w.id == kNoTensor ? nil : as<MLCTensor>(weights[static_cast<size_t>(w.id)]);
  }

  // Apple's text has sizes "in x and y", its own examples height first: the descriptor is asked.
  static MLCConvolutionDescriptor* describe(const Convolution& c, bool height_first) {
    const auto order = [&](const Pair& p) { return height_first ? p : Pair{p[1], p[0]}; };
    return [MLCConvolutionDescriptor descriptorWithType:c.transposed ? MLCConvolutionTypeTransposed
                                                                     : MLCConvolutionTypeStandard
                                            kernelSizes:numbers(order(c.kernel))
                               inputFeatureChannelCount:count(c.inputs)
                              outputFeatureChannelCount:count(c.outputs)
                                             groupCount:count(c.groups)
                                                strides:numbers(order(c.stride))
                                          dilationRates:numbers(order(c.dilation))
                                          paddingPolicy:MLCPaddingPolicyUsePaddingSize
                                           paddingSizes:numbers(order(c.padding))];
  }
  static bool same(MLCConvolutionDescriptor* d, const Convolution& c) {
    return d.kernelHeight == count(c.kernel[0]) && d.kernelWidth == count(c.kernel[1]) &&
           d.strideInY == count(c.stride[0]) && d.strideInX == count(c.stride[1]) &&
           d.dilationRateInY == count(c.dilation[0]) && d.dilationRateInX == count(c.dilation[1]) &&
           d.paddingSizeInY == count(c.padding[0]) && d.paddingSizeInX == count(c.padding[1]);
  }
  MLCLayer* operator()(const Convolution& c) const {
    MLCConvolutionDescriptor* d = describe(c, true);
    if (d && !same(d, c)) d = describe(c, false);
    if (!d || !same(d, c)) return nil;
    return [MLCConvolutionLayer layerWithWeights:of(c.weight) biases:of(c.bias) descriptor:d];
  }

  MLCLayer* operator()(const FullyConnected& f) const {
    MLCConvolutionDescriptor* d =
        [MLCConvolutionDescriptor descriptorWithKernelWidth:1
                                               kernelHeight:1
                                   inputFeatureChannelCount:count(f.inputs)
                                  outputFeatureChannelCount:count(f.outputs)];
    return [MLCFullyConnectedLayer layerWithWeights:of(f.weight) biases:of(f.bias) descriptor:d];
  }

  static MLCPoolingDescriptor* describe(const Pooling& p, bool height_first) {
    const auto order = [&](const Pair& s) { return height_first ? s : Pair{s[1], s[0]}; };
    if (p.kind == PoolingKind::Max) {
      return
          [MLCPoolingDescriptor maxPoolingDescriptorWithKernelSizes:numbers(order(p.kernel))
                                                            strides:numbers(order(p.stride))
                                                      dilationRates:numbers(order(p.dilation))
                                                      paddingPolicy:MLCPaddingPolicyUsePaddingSize
                                                       paddingSizes:numbers(order(p.padding))];
    }
    return
        [MLCPoolingDescriptor averagePoolingDescriptorWithKernelSizes:numbers(order(p.kernel))
                                                              strides:numbers(order(p.stride))
                                                        dilationRates:numbers(order(p.dilation))
                                                        paddingPolicy:MLCPaddingPolicyUsePaddingSize
                                                         paddingSizes:numbers(order(p.padding))
                                                 countIncludesPadding:p.counts_padding];
  }
  static bool same(MLCPoolingDescriptor* d, const Pooling& p) {
    return d.kernelHeight == count(p.kernel[0]) && d.kernelWidth == count(p.kernel[1]) &&
           d.strideInY == count(p.stride[0]) && d.strideInX == count(p.stride[1]) &&
           d.paddingSizeInY == count(p.padding[0]) && d.paddingSizeInX == count(p.padding[1]);
  }
  MLCLayer* operator()(const Pooling& p) const {
    MLCPoolingDescriptor* d = describe(p, true);
    if (d && !same(d, p)) d = describe(p, false);
    if (!d || !same(d, p)) return nil;
    return [MLCPoolingLayer layerWithDescriptor:d];
  }

  MLCLayer* operator()(const Activation& x) const {
    const float a = real(x.a), b = real(x.b);
    switch (x.kind) {
      case ActivationKind::Relu:
        return [MLCActivationLayer reluLayer];
      case ActivationKind::LeakyRelu:
        return [MLCActivationLayer leakyReLULayerWithNegativeSlope:a];
      case ActivationKind::ReluN:
        return [MLCActivationLayer relunLayerWithA:a b:b];
      case ActivationKind::Linear:
        return [MLCActivationLayer linearLayerWithScale:a bias:b];
      case ActivationKind::Sigmoid:
        return [MLCActivationLayer sigmoidLayer];
      case ActivationKind::HardSigmoid:
        return [MLCActivationLayer
            layerWithDescriptor:[MLCActivationDescriptor
                                    descriptorWithType:MLCActivationTypeHardSigmoid
                                                     a:a
                                                     b:b]];
      case ActivationKind::Tanh:
        return [MLCActivationLayer tanhLayer];
      case ActivationKind::Absolute:
        return [MLCActivationLayer absoluteLayer];
      case ActivationKind::SoftPlus:
        return [MLCActivationLayer softPlusLayerWithBeta:a];
      case ActivationKind::SoftSign:
        return [MLCActivationLayer softSignLayer];
      case ActivationKind::Elu:
        return [MLCActivationLayer eluLayerWithA:a];
      case ActivationKind::LogSigmoid:
        return [MLCActivationLayer logSigmoidLayer];
      case ActivationKind::Selu:
        return [MLCActivationLayer seluLayer];
      case ActivationKind::Celu:
        return [MLCActivationLayer celuLayerWithA:a];
      case ActivationKind::HardShrink:
        return [MLCActivationLayer hardShrinkLayerWithA:a];
      case ActivationKind::SoftShrink:
        return [MLCActivationLayer softShrinkLayerWithA:a];
      case ActivationKind::TanhShrink:
        return [MLCActivationLayer tanhShrinkLayer];
      case ActivationKind::Threshold:
        return [MLCActivationLayer thresholdLayerWithThreshold:a replacement:b];
      case ActivationKind::Gelu:
        return [MLCActivationLayer geluLayer];
      case ActivationKind::HardSwish:
        return [MLCActivationLayer hardSwishLayer];
      case ActivationKind::Clamp:
        return [MLCActivationLayer clampLayerWithMinValue:a maxValue:b];
    }
    return nil;
  }

  MLCLayer* operator()(const Arithmetic& a) const {
    static constexpr MLCArithmeticOperation operations[] = {
        MLCArithmeticOperationAdd,      MLCArithmeticOperationSubtract,
        MLCArithmeticOperationMultiply, MLCArithmeticOperationDivide,
        MLCArithmeticOperationExp,      MLCArithmeticOperationLog,
        MLCArithmeticOperationSqrt};
    return [MLCArithmeticLayer layerWithOperation:operations[static_cast<size_t>(a.kind)]];
  }

  MLCLayer* operator()(const BatchNorm& n) const {
    return [MLCBatchNormalizationLayer layerWithFeatureChannelCount:count(n.channels)
                                                               mean:of(n.mean)
                                                           variance:of(n.variance)
                                                               beta:of(n.beta)
                                                              gamma:of(n.gamma)
                                                    varianceEpsilon:real(n.eps)
                                                           momentum:real(n.keep)];
  }
  MLCLayer* operator()(const GroupNorm& n) const {
    return [MLCGroupNormalizationLayer layerWithFeatureChannelCount:count(n.channels)
                                                         groupCount:count(n.groups)
                                                               beta:of(n.beta)
                                                              gamma:of(n.gamma)
                                                    varianceEpsilon:real(n.eps)];
  }
  MLCLayer* operator()(const InstanceNorm& n) const {
    return [MLCInstanceNormalizationLayer layerWithFeatureChannelCount:count(n.channels)
                                                                  beta:of(n.beta)
                                                                 gamma:of(n.gamma)
                                                       varianceEpsilon:real(n.eps)];
  }
  MLCLayer* operator()(const LayerNorm& n) const {
    return [MLCLayerNormalizationLayer layerWithNormalizedShape:numbers(n.shape)
                                                           beta:of(n.beta)
                                                          gamma:of(n.gamma)
                                                varianceEpsilon:real(n.eps)];
  }
  MLCLayer* operator()(const Softmax& s) const {
    return [MLCSoftmaxLayer
        layerWithOperation:s.log ? MLCSoftmaxOperationLogSoftmax : MLCSoftmaxOperationSoftmax
                 dimension:count(s.dim)];
  }
  MLCLayer* operator()(const Dropout& d) const {
    return [MLCDropoutLayer layerWithRate:real(d.rate) seed:count(d.seed)];
  }
  MLCLayer* operator()(const Reshape& r) const {
    return [MLCReshapeLayer layerWithShape:numbers(r.shape)];
  }
  MLCLayer* operator()(const Transpose& t) const {
    return [MLCTransposeLayer layerWithDimensions:numbers(t.dims)];
  }
  MLCLayer* operator()(const Concatenation& c) const {
    return [MLCConcatenationLayer layerWithDimension:count(c.dim)];
  }
  static MLCReductionType type(ReductionKind k) {
    return k == ReductionKind::Mean ? MLCReductionTypeMean : MLCReductionTypeSum;
  }
  MLCLayer* operator()(const Reduction& r) const {
    return [MLCReductionLayer layerWithReductionType:type(r.kind) dimensions:numbers(r.dims)];
  }
  MLCLayer* operator()(const Loss& l) const {
    static constexpr MLCLossType types[] = {
        MLCLossTypeMeanSquaredError,    MLCLossTypeMeanAbsoluteError,   MLCLossTypeHuber,
        MLCLossTypeSoftmaxCrossEntropy, MLCLossTypeSigmoidCrossEntropy, MLCLossTypeLog};
    MLCLossDescriptor* d = [MLCLossDescriptor descriptorWithType:types[static_cast<size_t>(l.kind)]
                                                   reductionType:type(l.reduction)
                                                          weight:1
                                                  labelSmoothing:real(l.label_smoothing)
                                                      classCount:count(l.classes)
                                                         epsilon:real(l.epsilon)
                                                           delta:real(l.delta)];
    return [MLCLossLayer layerWithDescriptor:d];
  }
};

// ---- Running ----

constexpr int64_t kPatience = 600;  // seconds for one run, after which it counts as lost

// Runs a call that takes a completion handler, and waits until the handler has been there.
template <class Call, class Done>
bool run(Call&& call, Done&& done, std::string* failure) {
  dispatch_semaphore_t finished = dispatch_semaphore_create(0);
  __block NSError* error = nil;
  __block MLCTensor* result = nil;
  const BOOL taken = call(^(MLCTensor* tensor, NSError* what, NSTimeInterval) {
    result = tensor;
    error = what;
    dispatch_semaphore_signal(finished);
  });
  if (!taken) return false;
  const dispatch_time_t until = dispatch_time(DISPATCH_TIME_NOW, kPatience * NSEC_PER_SEC);
  if (dispatch_semaphore_wait(finished, until) != 0) {
    *failure = "MLCompute did not say that it has finished";
  } else if (error) {
    *failure = error.localizedDescription.UTF8String;
  } else {
    done(result);
  }
  return true;
}

// The mean of what a loss layer gives: one number, or one a sample.
bool read_loss(MLCTensor* tensor, double* loss) {
  const NSUInteger bytes = tensor.descriptor.tensorAllocationSizeInBytes;
  std::vector<float> values(bytes / sizeof(float));
  if (values.empty() || ![tensor copyDataFromDeviceMemoryToBytes:values.data()
                                                          length:values.size() * sizeof(float)
                                           synchronizeWithDevice:NO]) {
    return false;
  }
  double sum = 0;
  for (float v : values) sum += v;
  *loss = sum / static_cast<double>(values.size());
  return true;
}

class AppleFramework final : public Framework {
 public:
  bool available(std::string* why_not) override {
    // The framework is linked weakly: once Apple takes it away its classes are nil.
    if ([MLCGraph class] && [MLCTrainingGraph class] && [MLCInferenceGraph class]) return true;
    *why_not = "this macOS has no MLCompute any more";
    return false;
  }

  Handle device(Unit unit) override {
    return guarded([&] {
      switch (unit) {
        case Unit::Cpu:
          return hold([MLCDevice cpuDevice]);
        case Unit::Gpu:
          return hold([MLCDevice gpuDevice]);
        case Unit::NeuralEngine:
          return hold([MLCDevice aneDevice]);
        default:
          return hold([MLCDevice deviceWithType:MLCDeviceTypeAny]);
      }
    });
  }
  Handle tensor(IntList shape) override {
    return guarded([&] {
      return hold([MLCTensor tensorWithShape:numbers(shape) dataType:MLCDataTypeFloat32]);
    });
  }
  Handle tensor(IntList shape, const Memory& memory) override {
    return guarded([&] {
      return hold([MLCTensor tensorWithShape:numbers(shape)
                                        data:wrap(memory)
                                    dataType:MLCDataTypeFloat32]);
    });
  }
  Handle graph() override {
    return guarded([&] { return hold([MLCGraph graph]); });
  }
  Handle layer(const LayerSpec& spec, std::span<const Handle> weights) override {
    return guarded([&] { return hold(std::visit(LayerMaker{weights}, spec)); });
  }
  Handle node(const Handle& graph, const Handle& layer, std::span<const Handle> sources,
              bool frozen) override {
    return guarded([&] {
      NSMutableArray<MLCTensor*>* list = [NSMutableArray arrayWithCapacity:sources.size()];
      for (const Handle& s : sources) [list addObject:as<MLCTensor>(s)];
      return hold([as<MLCGraph>(graph) nodeWithLayer:as<MLCLayer>(layer)
                                             sources:list
                                       disableUpdate:frozen]);
    });
  }

  Handle optimizer(const OptimizerPlan& p) override {
    return guarded([&] {
      const bool decays = p.weight_decay != 0;
      MLCOptimizerDescriptor* d = [MLCOptimizerDescriptor
          descriptorWithLearningRate:real(p.lr)
                     gradientRescale:1
                  regularizationType:decays ? MLCRegularizationTypeL2 : MLCRegularizationTypeNone
                 regularizationScale:real(p.weight_decay)];
      switch (p.kind) {
        case OptimizerKind::Sgd:
          return hold([MLCSGDOptimizer optimizerWithDescriptor:d
                                                 momentumScale:real(p.momentum)
                                          usesNesterovMomentum:p.nesterov]);
        case OptimizerKind::Adam:
          return hold([MLCAdamOptimizer optimizerWithDescriptor:d
                                                          beta1:real(p.beta1)
                                                          beta2:real(p.beta2)
                                                        epsilon:real(p.eps)
                                                    usesAMSGrad:p.amsgrad
                                                       timeStep:1]);
        default:
          return hold([MLCAdamWOptimizer optimizerWithDescriptor:d
                                                           beta1:real(p.beta1)
                                                           beta2:real(p.beta2)
                                                         epsilon:real(p.eps)
                                                     usesAMSGrad:p.amsgrad
                                                        timeStep:1]);
      }
    });
  }

  Handle inference_graph(const Handle& graph) override {
    return guarded(
        [&] { return hold([MLCInferenceGraph graphWithGraphObjects:@[ as<MLCGraph>(graph) ]]); });
  }
  Handle training_graph(const Handle& graph, const Handle& loss, const Handle& optimizer) override {
    return guarded([&] {
      return hold([MLCTrainingGraph graphWithGraphObjects:@[ as<MLCGraph>(graph) ]
                                                lossLayer:as<MLCLayer>(loss)
                                                optimizer:as<MLCOptimizer>(optimizer)]);
    });
  }
  bool add_inputs(const Handle& runnable, const NamedHandles& inputs,
                  const NamedHandles& labels) override {
    return guarded([&]() -> bool {
      if (labels.empty()) return [as<MLCInferenceGraph>(runnable) addInputs:tensors(inputs)];
      return [as<MLCTrainingGraph>(runnable) addInputs:tensors(inputs) lossLabels:tensors(labels)];
    });
  }
  bool add_outputs(const Handle& runnable, const NamedHandles& outputs) override {
    return guarded(
        [&]() -> bool { return [as<MLCInferenceGraph>(runnable) addOutputs:tensors(outputs)]; });
  }
  bool compile(const Handle& runnable, const Handle& device) override {
    return guarded([&]() -> bool {
      if (MLCTrainingGraph* training = training_of(runnable)) {
        return [training compileWithOptions:MLCGraphCompilationOptionsNone
                                     device:as<MLCDevice>(device)];
      }
      return [as<MLCInferenceGraph>(runnable) compileWithOptions:MLCGraphCompilationOptionsNone
                                                          device:as<MLCDevice>(device)];
    });
  }

  bool execute_inference(const Handle& runnable, const NamedMemory& inputs,
                         const NamedMemory& outputs, int64_t batch, std::string* failure) override {
    return guarded([&]() -> bool {
      const auto call = [&](MLCGraphCompletionHandler handler) {
        return [as<MLCInferenceGraph>(runnable) executeWithInputsData:data(inputs)
                                                          outputsData:data(outputs)
                                                            batchSize:count(batch)
                                                              options:MLCExecutionOptionsSynchronous
                                                    completionHandler:handler];
      };
      return run(
          call, [](MLCTensor*) {}, failure);
    });
  }
  bool execute_training(const Handle& runnable, const NamedMemory& inputs,
                        const NamedMemory& labels, int64_t batch, double* loss,
                        std::string* failure) override {
    return guarded([&]() -> bool {
      const auto call = [&](MLCGraphCompletionHandler handler) {
        return [as<MLCTrainingGraph>(runnable) executeWithInputsData:data(inputs)
                                                      lossLabelsData:data(labels)
                                                lossLabelWeightsData:nil
                                                           batchSize:count(batch)
                                                             options:MLCExecutionOptionsSynchronous
                                                   completionHandler:handler];
      };
      const auto done = [&](MLCTensor* result) {
        if (!read_loss(result, loss)) *failure = "the loss could not be read";
      };
      return run(call, done, failure);
    });
  }
  void set_learning_rate(const Handle& optimizer, double lr) override {
    guarded([&] { as<MLCOptimizer>(optimizer).learningRate = real(lr); });
  }
  void synchronize_updates(const Handle& runnable) override {
    guarded([&] { [as<MLCTrainingGraph>(runnable) synchronizeUpdates]; });
  }
  bool read(const Handle& tensor, void* to, size_t bytes) override {
    return guarded([&]() -> bool {
      return [as<MLCTensor>(tensor) copyDataFromDeviceMemoryToBytes:to
                                                             length:bytes
                                              synchronizeWithDevice:YES];
    });
  }

 private:
  static MLCTrainingGraph* training_of(const Handle& h) {
    id object = (__bridge id)h.get();
    return [object isKindOfClass:[MLCTrainingGraph class]] ? object : nil;
  }
};

// Global, and leaked: programs may live until the process ends.
[[maybe_unused]] const bool g_registered = (register_framework(new AppleFramework), true);

}  // namespace

}  // namespace rt::mlcompute
