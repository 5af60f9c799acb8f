// Core ML behind the interfaces of executor.h and native.h. What can be decided without it is in
// transfer.cpp.
#import <CoreML/CoreML.h>
#import <CoreVideo/CoreVideo.h>
#import <Foundation/Foundation.h>

#include <algorithm>
#include <mutex>

#include "coreml/native.h"
#include "ops/ops.h"

namespace rt::coreml {

namespace {

// ---- Strings, numbers, errors ----

NSString* to_ns(const std::string& s) {
  return [[NSString alloc] initWithBytes:s.data() length:s.size() encoding:NSUTF8StringEncoding];
}
std::string to_std(NSString* s) { return s ? s.UTF8String : ""; }

NSArray<NSNumber*>* numbers(IntList list) {
  NSMutableArray<NSNumber*>* array = [NSMutableArray arrayWithCapacity:list.size()];
  for (int64_t n : list) [array addObject:@(n)];
  return array;
}
Dims dims(NSArray<NSNumber*>* list) {
  Dims d;
  for (NSNumber* n in list) d.push_back(n.longLongValue);
  return d;
}

std::string describe(NSError* error) {
  if (!error) return "no reason given";
  std::string text = cat_str(to_std(error.domain), " ", static_cast<int64_t>(error.code), ": ",
                             to_std(error.localizedDescription));
  NSError* below = error.userInfo[NSUnderlyingErrorKey];
  if (below) text += " (" + to_std(below.localizedDescription) + ")";
  return text;
}
[[noreturn]] void fail(FailureKind kind, const char* call, NSError* error) {
  throw Failure(kind, "coreml", cat_str(call, " failed"), describe(error));
}

// Core ML raises where arguments make no sense to it.
template <class F>
auto guarded(FailureKind kind, F&& f) {
  @autoreleasepool {
    @try {
      return f();
    } @catch (NSException* e) {
      throw Failure(kind, "coreml", "Core ML raised an exception",
                    cat_str(to_std(e.name), ": ", to_std(e.reason)));
    }
  }
}

// ---- Arrays ----

MLMultiArrayDataType array_type(DType dtype) {
  switch (dtype) {
    case DType::Float16:
      return MLMultiArrayDataTypeFloat16;
    case DType::Float64:
      return MLMultiArrayDataTypeDouble;
    case DType::Int32:
      return MLMultiArrayDataTypeInt32;
    default:
      return MLMultiArrayDataTypeFloat32;
  }
}
DType dtype_of(MLMultiArrayDataType type) {
  switch (type) {
    case MLMultiArrayDataTypeFloat16:
      return DType::Float16;
    case MLMultiArrayDataTypeFloat32:
      return DType::Float32;
    case MLMultiArrayDataTypeDouble:
      return DType::Float64;
    case MLMultiArrayDataTypeInt32:
      return DType::Int32;
    default:
      RT_FAIL(NotImplemented, "coreml", "an array of a dtype that is not known",
              cat_str(static_cast<int64_t>(type)));
  }
}

// Over the tensor's memory, which lives until Core ML lets go of the array: later than the
// prediction, and on a thread of its own. Letting go needs no GIL.
MLMultiArray* wrap(const Tensor& t) {
  const Ref<Storage> owner = t.storage();
  const bool scalar = t.dim() == 0;
  NSError* error = nil;
  MLMultiArray* array =
      [[MLMultiArray alloc] initWithDataPointer:t.data()
                                          shape:scalar ? @[ @1 ] : numbers(t.sizes())
                                       dataType:array_type(t.dtype())
                                        strides:scalar ? @[ @1 ] : numbers(t.strides())
                                    deallocator:^(void*) {
                                      (void)owner;
                                    }
                                          error:&error];
  if (!array) fail(FailureKind::InferenceFailed, "[MLMultiArray initWithDataPointer:...]", error);
  return array;
}

struct ReleasePixelBuffer {
  void operator()(CVPixelBufferRef b) const { CVPixelBufferRelease(b); }
};
using PixelBuffer = std::unique_ptr<std::remove_pointer_t<CVPixelBufferRef>, ReleasePixelBuffer>;

// Rows in an IOSurface. Nil where the system makes none: the memory is then wrapped as it is.
MLMultiArray* make_surface(const Tensor& t, const SurfacePlan& plan) {
  const auto width = static_cast<size_t>(plan.width), height = static_cast<size_t>(plan.height);
  NSDictionary* attributes = @{(__bridge NSString*)kCVPixelBufferIOSurfacePropertiesKey : @{}};
  CVPixelBufferRef made = nullptr;
  const CVReturn answer =
      CVPixelBufferCreate(kCFAllocatorDefault, width, height, kCVPixelFormatType_OneComponent16Half,
                          (__bridge CFDictionaryRef)attributes, &made);
  if (answer != kCVReturnSuccess || !made) return nil;
  const PixelBuffer buffer(made);
  if (CVPixelBufferLockBaseAddress(made, 0) != kCVReturnSuccess) return nil;
  const size_t row = width * item_size(DType::Float16);
  copy_rows(CVPixelBufferGetBaseAddress(made), CVPixelBufferGetBytesPerRow(made), t.data(), row,
            row, height);
  CVPixelBufferUnlockBaseAddress(made, 0);
  return [[MLMultiArray alloc] initWithPixelBuffer:made shape:numbers(t.sizes())];
}

MLMultiArray* make_input(const Tensor& given, DType wanted, ComputeUnits units) {
  Tensor t = alias(given);
  if (!t.device().is_cpu()) t = ops::to(t, Device{});
  const Passage passage = choose_passage(t.dtype(), t.sizes(), t.strides(), wanted, units);
  if (passage != Passage::Wrapped) t = ops::contiguous(ops::to(t, wanted));
  if (passage == Passage::Surface) {
    if (MLMultiArray* array = make_surface(t, *plan_surface(wanted, t.sizes()))) return array;
  }
  return wrap(t);
}

// Into `out`, unless Core ML has written there already: a backing is a proposal.
void take_output(MLMultiArray* array, MLMultiArray* backing, const Tensor& out) {
  if (array == backing) return;
  const DType dtype = dtype_of(array.dataType);
  Dims sizes = dims(array.shape), strides = dims(array.strides);
  if (out.dim() == 0 && array.count == 1) sizes.clear(), strides.clear();
  __block std::exception_ptr error;  // may not cross Core ML's frames
  [array getBytesWithHandler:^(const void* bytes, NSInteger size) {
    try {
      copy_out(bytes, static_cast<size_t>(size), dtype, sizes, strides, out);
    } catch (...) {
      error = std::current_exception();
    }
  }];
  if (error) std::rethrow_exception(error);
}

// ---- Opening ----

MLComputeUnits units_of(ComputeUnits units) {
  switch (units) {
    case ComputeUnits::CpuAndNeuralEngine:
      return MLComputeUnitsCPUAndNeuralEngine;
    case ComputeUnits::CpuAndGpu:
      return MLComputeUnitsCPUAndGPU;
    case ComputeUnits::CpuOnly:
      return MLComputeUnitsCPUOnly;
    default:
      return MLComputeUnitsAll;
  }
}

MLModelConfiguration* configure(ComputeUnits units, const std::string& function) {
  MLModelConfiguration* c = [MLModelConfiguration new];
  c.computeUnits = units_of(units);
  if (function.empty()) return c;
  if (@available(macOS 15.0, *)) {
    c.functionName = to_ns(function);
    return c;
  }
  RT_FAIL(NotImplemented, "coreml", "functions of models take macOS 15 or later", function,
          "engine='rustorch'");
}

MLModel* open_model(const std::string& compiled, MLModelConfiguration* configuration) {
  NSError* error = nil;
  MLModel* model = [MLModel modelWithContentsOfURL:[NSURL fileURLWithPath:to_ns(compiled)]
                                     configuration:configuration
                                             error:&error];
  if (!model) {
    fail(FailureKind::ModelCompilationFailed, "[MLModel modelWithContentsOfURL:...]", error);
  }
  return model;
}

id<MLFeatureProvider> provider(NSDictionary<NSString*, MLMultiArray*>* arrays) {
  NSMutableDictionary<NSString*, id>* values = [NSMutableDictionary dictionary];
  for (NSString* name in arrays) {
    values[name] = [MLFeatureValue featureValueWithMultiArray:arrays[name]];
  }
  NSError* error = nil;
  id<MLFeatureProvider> made = [[MLDictionaryFeatureProvider alloc] initWithDictionary:values
                                                                                 error:&error];
  if (!made) fail(FailureKind::InferenceFailed, "[MLDictionaryFeatureProvider init...]", error);
  return made;
}

// ---- Programs of the op engine ----

class CoreMLProgram final : public Program {
 public:
  CoreMLProgram(MLModel* model, Interface interface, ComputeUnits units)
      : model_(model), interface_(std::move(interface)), units_(units) {}

  void predict(TensorList inputs, TensorList outputs) override {
    guarded(FailureKind::InferenceFailed, [&] {
      NSMutableDictionary<NSString*, MLMultiArray*>* in = [NSMutableDictionary dictionary];
      NSMutableDictionary<NSString*, MLMultiArray*>* out = [NSMutableDictionary dictionary];
      for (size_t i = 0; i < inputs.size(); ++i) {
        const Feature& f = interface_.inputs[i];
        in[to_ns(f.name)] = make_input(inputs[i], f.dtype, units_);
      }
      for (size_t i = 0; i < outputs.size(); ++i) {
        out[to_ns(interface_.outputs[i].name)] = wrap(outputs[i]);
      }
      MLPredictionOptions* options = [MLPredictionOptions new];
      options.outputBackings = out;
      NSError* error = nil;
      id<MLFeatureProvider> result;
      {
        std::lock_guard lock(mutex_);  // a model serves one thread at a time
        result = [model_ predictionFromFeatures:provider(in) options:options error:&error];
      }
      if (!result) {
        fail(FailureKind::InferenceFailed, "[MLModel predictionFromFeatures:...]", error);
      }
      for (size_t i = 0; i < outputs.size(); ++i) {
        NSString* name = to_ns(interface_.outputs[i].name);
        MLMultiArray* array = [result featureValueForName:name].multiArrayValue;
        if (!array) fail(FailureKind::InferenceFailed, "[MLFeatureValue multiArrayValue]", nil);
        take_output(array, out[name], outputs[i]);
      }
    });
  }

 private:
  std::mutex mutex_;
  MLModel* model_;
  Interface interface_;
  ComputeUnits units_;
};

// ---- Models of the user ----

class CoreMLState final : public NativeState {
 public:
  explicit CoreMLState(id state) : state(state) {}
  const id state;  // an MLState, which older systems do not know
};

// What a prediction is given, and where its outputs are wanted.
struct Request {
  id<MLFeatureProvider> features;
  MLPredictionOptions* options;
  NSDictionary<NSString*, MLMultiArray*>* backings;
  NamedTensors proposed;
};

Where where_of(id device) API_AVAILABLE(macos(14.0)) {
  if ([device isKindOfClass:[MLCPUComputeDevice class]]) return Where::Cpu;
  if ([device isKindOfClass:[MLGPUComputeDevice class]]) return Where::Gpu;
  if ([device isKindOfClass:[MLNeuralEngineComputeDevice class]]) return Where::NeuralEngine;
  return Where::Unknown;
}

void report_block(MLComputePlan* plan, MLModelStructureProgramBlock* block,
                  std::vector<OperationReport>* all) API_AVAILABLE(macos(14.4)) {
  for (MLModelStructureProgramOperation* operation in block.operations) {
    OperationReport r;
    r.op = to_std(operation.operatorName);
    r.name = to_std(operation.outputs.firstObject.name);
    MLComputePlanDeviceUsage* usage = [plan computeDeviceUsageForMLProgramOperation:operation];
    if (usage) {
      r.preferred = where_of(usage.preferredComputeDevice);
      for (id device in usage.supportedComputeDevices) r.supported.push_back(where_of(device));
    }
    MLComputePlanCost* cost = [plan estimatedCostOfMLProgramOperation:operation];
    if (cost) r.cost = cost.weight;
    all->push_back(std::move(r));
    for (MLModelStructureProgramBlock* inner in operation.blocks) report_block(plan, inner, all);
  }
}

class CoreMLModel final : public NativeModel {
 public:
  CoreMLModel(std::string compiled, ComputeUnits units, std::string function)
      : compiled_(std::move(compiled)), function_(std::move(function)), units_(units) {
    configuration_ = configure(units, function_);
    model_ = open_model(compiled_, configuration_);
    check(model_.modelDescription.inputDescriptionsByName);
    check(model_.modelDescription.outputDescriptionsByName);
  }

  NamedTensors predict(const NamedTensors& inputs, NativeState* state) override {
    return guarded(FailureKind::InferenceFailed, [&] {
      const Request request = prepare(inputs);
      NSError* error = nil;
      id<MLFeatureProvider> result;
      {
        std::lock_guard lock(mutex_);  // a model serves one thread at a time
        if (!state) {
          result = [model_ predictionFromFeatures:request.features
                                          options:request.options
                                            error:&error];
        } else if (@available(macOS 15.0, *)) {
          result = [model_ predictionFromFeatures:request.features
                                       usingState:static_cast<CoreMLState*>(state)->state
                                          options:request.options
                                            error:&error];
        }
      }
      if (!result) {
        fail(FailureKind::InferenceFailed, "[MLModel predictionFromFeatures:...]", error);
      }
      return collect(result, request);
    });
  }

  void predict_async(const NamedTensors& inputs, NativeState* state, Done done) override {
    guarded(FailureKind::InferenceFailed, [&] {
      const Request request = prepare(inputs);
      const Ref<CoreMLModel> self(this);
      const auto finish = ^(id<MLFeatureProvider> result, NSError* error) {
        @autoreleasepool {
          NamedTensors outputs;
          std::exception_ptr trouble;
          try {
            if (!result) {
              fail(FailureKind::InferenceFailed, "[MLModel predictionFromFeatures:...]", error);
            }
            outputs = self->collect(result, request);
          } catch (...) {
            trouble = std::current_exception();
          }
          done(std::move(outputs), trouble);
        }
      };
      if (!state) {
        [model_ predictionFromFeatures:request.features
                               options:request.options
                     completionHandler:finish];
      } else if (@available(macOS 15.0, *)) {
        [model_ predictionFromFeatures:request.features
                            usingState:static_cast<CoreMLState*>(state)->state
                               options:request.options
                     completionHandler:finish];
      }
    });
  }

  Ref<NativeState> make_state() override {
    return guarded(FailureKind::InferenceFailed, [&]() -> Ref<NativeState> {
      if (@available(macOS 15.0, *)) return make_ref<CoreMLState>([model_ newState]);
      RT_FAIL(NotImplemented, "coreml", "states take macOS 15 or later", compiled_,
              "engine='rustorch'");
    });
  }

  std::vector<OperationReport> report() override {
    return guarded(FailureKind::ModelCompilationFailed, [&]() -> std::vector<OperationReport> {
      if (@available(macOS 14.4, *)) return plan_report();
      RT_FAIL(NotImplemented, "coreml", "the report of a plan takes macOS 14.4 or later",
              compiled_);
    });
  }

 private:
  static void check(NSDictionary<NSString*, MLFeatureDescription*>* features) {
    for (NSString* name in features) {
      RT_CHECK(features[name].type == MLFeatureTypeMultiArray, NotImplemented, "coreml",
               "inputs and outputs are arrays here",
               cat_str("'", to_std(name), "' of another kind"), "engine='rustorch'");
    }
  }

  Request prepare(const NamedTensors& inputs) const {
    NSMutableDictionary<NSString*, MLMultiArray*>* in = [NSMutableDictionary dictionary];
    for (const auto& [name, tensor] : inputs) {
      MLFeatureDescription* d = model_.modelDescription.inputDescriptionsByName[to_ns(name)];
      RT_CHECK(d != nil, Value, "coreml", "the model has no such input", name);
      in[to_ns(name)] = make_input(tensor, dtype_of(d.multiArrayConstraint.dataType), units_);
    }
    Request r;
    r.features = provider(in);
    r.options = [MLPredictionOptions new];
    NSMutableDictionary<NSString*, MLMultiArray*>* backings = [NSMutableDictionary dictionary];
    NSDictionary<NSString*, MLFeatureDescription*>* outputs =
        model_.modelDescription.outputDescriptionsByName;
    for (NSString* name in outputs) {
      MLMultiArrayConstraint* c = outputs[name].multiArrayConstraint;
      const Dims sizes = dims(c.shape);
      const bool known = c.shapeConstraint.type == MLMultiArrayShapeConstraintTypeUnspecified &&
                         !sizes.empty() &&
                         std::all_of(sizes.begin(), sizes.end(), [](int64_t n) { return n > 0; });
      if (!known) continue;  // its size is found out by running
      r.proposed.emplace_back(to_std(name), empty(sizes, dtype_of(c.dataType), {}, "coreml"));
      backings[name] = wrap(r.proposed.back().second);
    }
    r.backings = backings;
    r.options.outputBackings = backings;
    return r;
  }

  static NamedTensors collect(id<MLFeatureProvider> result, const Request& request) {
    NamedTensors outputs;
    for (NSString* name in result.featureNames) {
      MLMultiArray* array = [result featureValueForName:name].multiArrayValue;
      if (!array) fail(FailureKind::InferenceFailed, "[MLFeatureValue multiArrayValue]", nil);
      const Dims sizes = dims(array.shape);
      Tensor out;
      for (const auto& [known, tensor] : request.proposed) {
        if (known == to_std(name) && tensor.sizes() == IntList(sizes)) out = tensor;
      }
      if (!out.defined()) out = empty(sizes, dtype_of(array.dataType), {}, "coreml");
      take_output(array, request.backings[name], out);
      outputs.emplace_back(to_std(name), out);
    }
    std::sort(outputs.begin(), outputs.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    return outputs;
  }

  std::vector<OperationReport> plan_report() API_AVAILABLE(macos(14.4)) {
    dispatch_semaphore_t finished = dispatch_semaphore_create(0);
    __block MLComputePlan* plan = nil;
    __block NSError* error = nil;
    [MLComputePlan loadContentsOfURL:[NSURL fileURLWithPath:to_ns(compiled_)]
                       configuration:configuration_
                   completionHandler:^(MLComputePlan* made, NSError* what) {
                     plan = made;
                     error = what;
                     dispatch_semaphore_signal(finished);
                   }];
    dispatch_semaphore_wait(finished, DISPATCH_TIME_FOREVER);
    if (!plan) {
      fail(FailureKind::ModelCompilationFailed, "[MLComputePlan loadContentsOfURL:...]", error);
    }
    MLModelStructureProgram* program = plan.modelStructure.program;
    RT_CHECK(program != nil, NotImplemented, "coreml", "only ML Programs are reported", compiled_);
    NSString* name = function_.empty() ? @"main" : to_ns(function_);
    MLModelStructureProgramFunction* function = program.functions[name];
    RT_CHECK(function != nil, Value, "coreml", "the program has no such function", to_std(name));
    std::vector<OperationReport> all;
    report_block(plan, function.block, &all);
    return without_constants(std::move(all));
  }

  std::mutex mutex_;
  const std::string compiled_, function_;
  const ComputeUnits units_;
  MLModelConfiguration* configuration_;
  MLModel* model_;
};

// ---- Compiling ----

class CoreMLExecutor final : public Executor, public NativeModels {
 public:
  bool available(std::string* why_not) override {
    if ([MLModel class]) return true;  // linked weakly
    *why_not = "this macOS has no Core ML";
    return false;
  }
  std::string name() override { return "Core ML"; }
  std::string version() override {
    @autoreleasepool {
      return "macOS " + to_std(NSProcessInfo.processInfo.operatingSystemVersionString);
    }
  }
  void compile(const std::string& package, const std::string& compiled) override {
    guarded(FailureKind::ModelCompilationFailed, [&] {
      NSError* error = nil;
      NSURL* made = [MLModel compileModelAtURL:[NSURL fileURLWithPath:to_ns(package)] error:&error];
      if (!made) {
        fail(FailureKind::ModelCompilationFailed, "[MLModel compileModelAtURL:error:]", error);
      }
      NSURL* target = [NSURL fileURLWithPath:to_ns(compiled)];
      if (![NSFileManager.defaultManager moveItemAtURL:made toURL:target error:&error]) {
        [NSFileManager.defaultManager removeItemAtURL:made error:nil];
        fail(FailureKind::ModelCompilationFailed, "[NSFileManager moveItemAtURL:...]", error);
      }
    });
  }
  Ref<Program> load(const std::string& compiled, const Interface& interface,
                    ComputeUnits units) override {
    return guarded(FailureKind::ModelCompilationFailed, [&]() -> Ref<Program> {
      return make_ref<CoreMLProgram>(open_model(compiled, configure(units, "")), interface, units);
    });
  }
  Ref<NativeModel> open(const std::string& compiled, ComputeUnits units,
                        const std::string& function) override {
    return guarded(FailureKind::ModelCompilationFailed, [&]() -> Ref<NativeModel> {
      return make_ref<CoreMLModel>(compiled, units, function);
    });
  }
};

bool register_core_ml() {
  auto* executor = new CoreMLExecutor;  // leaked: programs may live until the process ends
  register_platform_executor(executor);
  register_native_models(executor);
  return true;
}
[[maybe_unused]] const bool g_registered = register_core_ml();

}  // namespace

}  // namespace rt::coreml
