// A user's model in Core ML: any interface of arrays, functions, states, asynchronous runs, and the
// report of where its operations run. Implemented on Apple's systems alone (core_ml.mm).
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "coreml/executor.h"
#include "coreml/transfer.h"

namespace rt::coreml {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

// What a model keeps from one prediction to the next.
class NativeState : public RefCounted {};

class NativeModel : public RefCounted {
 public:
  // The outputs by name, sorted. Inputs may have any layout and any dtype that converts. One
  // prediction at a time runs in a model; the GIL is not needed.
  virtual NamedTensors predict(const NamedTensors& inputs, NativeState* state) = 0;
  // Returns at once; `done` is called on a thread of Core ML's, with the outputs or with an error.
  using Done = std::function<void(NamedTensors, std::exception_ptr)>;
  virtual void predict_async(const NamedTensors& inputs, NativeState* state, Done done) = 0;
  virtual Ref<NativeState> make_state() = 0;
  virtual std::vector<OperationReport> report() = 0;
};

class NativeModels {
 public:
  virtual ~NativeModels() = default;
  virtual bool available(std::string* why_not) = 0;
  // As of Executor.
  virtual std::string version() = 0;
  virtual void compile(const std::string& package, const std::string& compiled) = 0;
  // `function` is empty for the model's default one.
  virtual Ref<NativeModel> open(const std::string& compiled, ComputeUnits units,
                                const std::string& function) = 0;
};

void register_native_models(NativeModels* models);
// Null, and why, where there is no Core ML.
NativeModels* native_models(std::string* why_not);

}  // namespace rt::coreml
