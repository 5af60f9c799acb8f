// cuDNN: convolutions, by its graph API. Its functions as a table, so that tests can put their own
// in.
#pragma once

#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "gpu/dense_library.h"

namespace rt::gpu::cuda {

// What is used of cudnn_graph.h, version 9.
struct Cudnn {
  using Handle = void*;
  using Descriptor = void*;

  size_t (*version)();
  const char* (*error_string)(int);
  void (*last_error)(char*, size_t);
  int (*create)(Handle*);
  int (*set_stream)(Handle, void* stream);
  int (*create_descriptor)(int type, Descriptor*);
  int (*destroy_descriptor)(Descriptor);
  int (*finalize)(Descriptor);
  int (*set)(Descriptor, int attribute, int type, int64_t count, const void*);
  int (*get)(Descriptor, int attribute, int type, int64_t wanted, int64_t* count, void*);
  int (*execute)(Handle, Descriptor plan, Descriptor pack);
};

enum CudnnStatus : int { kCudnnSuccess = 0, kCudnnNotSupported = 3000, kCudnnInternalError = 4000 };
enum CudnnDataType : int { kCudnnFloat = 0, kCudnnHalf = 2, kCudnnBFloat16 = 9 };
constexpr int kCudnnCrossCorrelation = 1;

enum CudnnDescriptorType : int {
  kCudnnConvolution = 1,
  kCudnnEngine = 2,
  kCudnnEngineConfig = 3,
  kCudnnHeuristics = 4,
  kCudnnPlan = 5,
  kCudnnForward = 10,
  kCudnnBackwardFilter = 11,
  kCudnnBackwardData = 12,
  kCudnnGraph = 15,
  kCudnnVariantPack = 16,
  kCudnnTensor = 17,
};
enum CudnnType : int {
  kCudnnTypeHandle = 0,
  kCudnnTypeDataType = 1,
  kCudnnTypeInt64 = 3,
  kCudnnTypeFloat = 4,
  kCudnnTypePointer = 6,
  kCudnnTypeConvolutionMode = 7,
  kCudnnTypeHeuristicMode = 8,
  kCudnnTypeNumericalNote = 11,
  kCudnnTypeDescriptor = 15,
};
enum CudnnAttribute : int {
  kCudnnConvComputeType = 100,
  kCudnnConvMode = 101,
  kCudnnConvDilations = 102,
  kCudnnConvStrides = 103,
  kCudnnConvPostPaddings = 104,
  kCudnnConvPrePaddings = 105,
  kCudnnConvSpatialDims = 106,
  kCudnnHeurMode = 200,
  kCudnnHeurGraph = 201,
  kCudnnHeurResults = 202,
  kCudnnConfigEngine = 300,
  kCudnnPlanHandle = 400,
  kCudnnPlanConfig = 401,
  kCudnnPlanWorkspace = 402,
  // Alpha, beta, the convolution, then its tensors.
  kCudnnForwardAlpha = 700,
  kCudnnForwardBeta = 701,
  kCudnnForwardConv = 702,
  kCudnnForwardW = 703,
  kCudnnForwardX = 704,
  kCudnnForwardY = 705,
  kCudnnDataAlpha = 706,
  kCudnnDataBeta = 707,
  kCudnnDataConv = 708,
  kCudnnDataW = 709,
  kCudnnDataX = 710,
  kCudnnDataY = 711,
  kCudnnFilterAlpha = 712,
  kCudnnFilterBeta = 713,
  kCudnnFilterConv = 714,
  kCudnnFilterW = 715,
  kCudnnFilterX = 716,
  kCudnnFilterY = 717,
  kCudnnGraphHandle = 800,
  kCudnnGraphOps = 801,
  kCudnnTensorAlignment = 900,
  kCudnnTensorDataType = 901,
  kCudnnTensorDims = 902,
  kCudnnTensorStrides = 903,
  kCudnnTensorId = 906,
  kCudnnPackIds = 1000,
  kCudnnPackPointers = 1001,
  kCudnnPackWorkspace = 1003,
  kCudnnEngineNotes = 1303,
};
enum CudnnHeuristicMode : int { kCudnnHeurFallback = 2, kCudnnHeurA = 3 };
enum CudnnNote : int {
  kCudnnTensorCore = 0,
  kCudnnDownConverts = 1,
  kCudnnReducedReduction = 2,
  kCudnnFFT = 3,
  kCudnnNondeterministic = 4,
  kCudnnWinograd = 5,
};
// An engine that needs more is passed over.
inline constexpr int64_t kCudnnMostWorkspace = int64_t{1} << 30;

// Whether an engine with these notes computes as we promise: sums in float32 of products of the
// inputs as they are, where NaN and infinity stay where they belong (transforms spread them);
// float32 with all its bits unless TF32 is allowed.
bool engine_allowed(const ConvKey& key, const int* notes, int64_t count);

// The library, or null with the reason; opened once. RUSTORCH_CUDNN names a file.
const Cudnn* open_cudnn(LibraryReport* report);

// The convolutions of one device. Its context is current in every call.
class CudnnConvolutions {
 public:
  explicit CudnnConvolutions(const Cudnn& library) : dnn_(library) {}
  // Starts the library; false, with the reason, if it cannot run here.
  bool start(std::string* why_not);

  // Null for what it does not take, with the call that said so.
  std::shared_ptr<const LibraryPlan> find(const ConvKey& key, std::string* why_not);
  // False for what it turns out not to take; errors name the call and the convolution.
  bool run(const ConvKey& key, const LibraryPlan& plan, const Arguments& memory, void* stream,
           std::string* why_not);

 private:
  std::shared_ptr<const LibraryPlan> make(const ConvKey& key) const;
  const Cudnn& dnn_;
  Cudnn::Handle handle_ = nullptr;
  std::mutex mutex_;  // a handle serves one thread at a time
  // Null: refused.
  std::unordered_map<ConvKey, std::shared_ptr<const LibraryPlan>, KeyHash<ConvKey>,
                     KeyEqual<ConvKey>>
      plans_;
};

}  // namespace rt::gpu::cuda
