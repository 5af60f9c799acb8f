// Who compiles and runs Core ML programs: Core ML itself on Apple, rustorch's interpreter of them
// where that is asked for. Everything above (what an op becomes, the cache, the device "coreml") is
// the same.
#pragma once

#include <string>
#include <vector>

#include "core/tensor.h"

namespace rt::coreml {

// Where a program may run; Core ML chooses among these for every operation.
enum class ComputeUnits : uint8_t { All, CpuAndNeuralEngine, CpuAndGpu, CpuOnly };

// An input or an output: float32, float16 or int32, of fixed sizes, never zero-dim or empty.
struct Feature {
  std::string name;
  DType dtype;
  Dims sizes;
};
struct Interface {
  std::vector<Feature> inputs, outputs;
};

// A program that is loaded.
class Program : public RefCounted {
 public:
  // Runs it. Tensors in the order of the interface, of its dtypes and sizes, contiguous, in host
  // memory; `outputs` are written. Whoever still reads their memory after the return (Core ML lets
  // go of what it was given later, on threads of its own) holds the tensors until then. May be
  // called from several threads at a time, without the GIL.
  virtual void predict(TensorList inputs, TensorList outputs) = 0;
};

class Executor {
 public:
  virtual ~Executor() = default;
  virtual bool available(std::string* why_not) = 0;
  virtual std::string name() = 0;  // "Core ML"
  // Of all that decides what a compiled program looks like: the system and its build. Part of the
  // keys of the cache.
  virtual std::string version() = 0;
  // Compiles the package at `package`, an .mlpackage, to a new file or folder `compiled`.
  virtual void compile(const std::string& package, const std::string& compiled) = 0;
  // Opens what compile() has made.
  virtual Ref<Program> load(const std::string& compiled, const Interface& interface,
                            ComputeUnits units) = 0;
};

// Executors live as long as the process. Core ML's is registered while the library loads.
void register_platform_executor(Executor* executor);
// The one in use: what was set, else the platform's; null if there is neither.
Executor* executor();
// Another one for the whole process; null goes back to the platform's.
void set_executor(Executor* executor);

// What goes wrong in Core ML, by what can be done about it.
enum class FailureKind : uint8_t {
  ModelCompilationFailed,  // another form of the op: it runs elsewhere
  InferenceFailed,         // once more, then elsewhere
  MemoryAllocationFailed,  // a smaller batch
  TensorShapeMismatch,     // inputs of the shapes that the program was made for
};
class Failure final : public Error {
 public:
  Failure(FailureKind kind, std::string op, std::string what, std::string got = {},
          std::string hint = {});
  FailureKind failure() const { return failure_; }

 private:
  FailureKind failure_;
};

}  // namespace rt::coreml
