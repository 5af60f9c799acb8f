#include "gpu/cuda/cudnn.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "gpu/cuda/shared_library.h"

namespace rt::gpu::cuda {

namespace {

constexpr size_t kMostPlans = 1024;
constexpr int64_t kMostEngines = 64;  // that one heuristic is asked for
constexpr int64_t kMostNotes = 10;    // kinds of them
enum TensorId : int64_t { kX = 1, kW = 2, kY = 3 };

// A call that did not succeed; caught where a case is then left to the shaders.
struct CallFailed {
  std::string call;
  int status;
};

void require(const char* call, int status) {
  if (status != kCudnnSuccess) throw CallFailed{call, status};
}

// A backend descriptor.
class Item {
 public:
  Item(const Cudnn& dnn, int type) : dnn_(&dnn) {
    require("cudnnBackendCreateDescriptor", dnn.create_descriptor(type, &handle_));
  }
  Item(Item&& o) noexcept : dnn_(o.dnn_), handle_(std::exchange(o.handle_, nullptr)) {}
  Item(const Item&) = delete;
  Item& operator=(Item&&) = delete;
  ~Item() {
    if (handle_) (void)dnn_->destroy_descriptor(handle_);
  }
  void set(int attribute, int type, int64_t count, const void* values) {
    require("cudnnBackendSetAttribute", dnn_->set(handle_, attribute, type, count, values));
  }
  void set(int attribute, const Item& item) {
    set(attribute, kCudnnTypeDescriptor, 1, &item.handle_);
  }
  void number(int attribute, int64_t value) { set(attribute, kCudnnTypeInt64, 1, &value); }
  void choice(int attribute, int type, int value) { set(attribute, type, 1, &value); }
  void finalize() { require("cudnnBackendFinalize", dnn_->finalize(handle_)); }
  int try_finalize() { return dnn_->finalize(handle_); }
  int64_t get(int attribute, int type, int64_t wanted, void* values) const {
    int64_t count = 0;
    require("cudnnBackendGetAttribute",
            dnn_->get(handle_, attribute, type, wanted, &count, values));
    return count;
  }
  void* handle() const { return handle_; }

 private:
  const Cudnn* dnn_;
  void* handle_ = nullptr;
};

// A plan keeps what it was made of.
struct CudnnPlan final : LibraryPlan {
  CudnnPlan(Item plan, std::vector<Item> parts, int64_t workspace)
      : LibraryPlan(static_cast<size_t>(workspace)),
        parts(std::move(parts)),
        plan(std::move(plan)) {}
  std::vector<Item> parts;
  Item plan;
};

int data_type(const ConvKey& key) {
  const auto type = static_cast<DType>(key.type);
  return type == DType::Float32   ? kCudnnFloat
         : type == DType::Float16 ? kCudnnHalf
                                  : kCudnnBFloat16;
}

Item tensor(const Cudnn& dnn, const ConvKey& key, TensorId id, const int64_t* sizes,
            int64_t align) {
  const int64_t dims = key.spatial + 2;
  std::array<int64_t, 5> strides{};
  int64_t step = 1;
  for (int64_t d = dims - 1; d >= 0; --d) {
    strides[static_cast<size_t>(d)] = step;
    step *= sizes[d];
  }
  Item t(dnn, kCudnnTensor);
  t.choice(kCudnnTensorDataType, kCudnnTypeDataType, data_type(key));
  t.set(kCudnnTensorDims, kCudnnTypeInt64, dims, sizes);
  t.set(kCudnnTensorStrides, kCudnnTypeInt64, dims, strides.data());
  t.number(kCudnnTensorId, id);
  t.number(kCudnnTensorAlignment, align);
  t.finalize();
  return t;
}

Item convolution(const Cudnn& dnn, const ConvKey& key) {
  Item c(dnn, kCudnnConvolution);
  c.choice(kCudnnConvComputeType, kCudnnTypeDataType, kCudnnFloat);
  c.choice(kCudnnConvMode, kCudnnTypeConvolutionMode, kCudnnCrossCorrelation);
  c.number(kCudnnConvSpatialDims, key.spatial);
  c.set(kCudnnConvDilations, kCudnnTypeInt64, key.spatial, key.dilation);
  c.set(kCudnnConvStrides, kCudnnTypeInt64, key.spatial, key.stride);
  c.set(kCudnnConvPrePaddings, kCudnnTypeInt64, key.spatial, key.padding);
  c.set(kCudnnConvPostPaddings, kCudnnTypeInt64, key.spatial, key.padding);
  c.finalize();
  return c;
}

Item operation(const Cudnn& dnn, const ConvKey& key, const Item& conv, const Item& x, const Item& w,
               const Item& y) {
  struct Names {
    int type, alpha, beta, conv, x, w, y;
  };
  static constexpr Names kNames[] = {
      {kCudnnForward, kCudnnForwardAlpha, kCudnnForwardBeta, kCudnnForwardConv, kCudnnForwardX,
       kCudnnForwardW, kCudnnForwardY},
      {kCudnnBackwardData, kCudnnDataAlpha, kCudnnDataBeta, kCudnnDataConv, kCudnnDataX,
       kCudnnDataW, kCudnnDataY},
      {kCudnnBackwardFilter, kCudnnFilterAlpha, kCudnnFilterBeta, kCudnnFilterConv, kCudnnFilterX,
       kCudnnFilterW, kCudnnFilterY}};
  const Names& n = kNames[static_cast<size_t>(key.pass)];
  const float alpha = 1, beta = 0;
  Item op(dnn, n.type);
  op.set(n.conv, conv);
  op.set(n.x, x);
  op.set(n.w, w);
  op.set(n.y, y);
  op.set(n.alpha, kCudnnTypeFloat, 1, &alpha);
  op.set(n.beta, kCudnnTypeFloat, 1, &beta);
  op.finalize();
  return op;
}

// What a heuristic has to propose, best first.
std::vector<Item> engine_configs(const Cudnn& dnn, const Item& graph, int mode) {
  Item heuristics(dnn, kCudnnHeuristics);
  heuristics.set(kCudnnHeurGraph, graph);
  heuristics.choice(kCudnnHeurMode, kCudnnTypeHeuristicMode, mode);
  heuristics.finalize();
  const int64_t all = heuristics.get(kCudnnHeurResults, kCudnnTypeDescriptor, 0, nullptr);
  std::vector<Item> configs;
  std::vector<void*> handles;
  for (int64_t i = 0; i < std::min(all, kMostEngines); ++i) {
    handles.push_back(configs.emplace_back(dnn, kCudnnEngineConfig).handle());
  }
  if (configs.empty()) return configs;
  const int64_t got =
      heuristics.get(kCudnnHeurResults, kCudnnTypeDescriptor, static_cast<int64_t>(handles.size()),
                     static_cast<void*>(handles.data()));
  while (static_cast<int64_t>(configs.size()) > got) configs.pop_back();
  return configs;
}

bool takes(const Cudnn& dnn, const ConvKey& key, const Item& config) {
  const Item engine(dnn, kCudnnEngine);
  void* handle = engine.handle();
  if (config.get(kCudnnConfigEngine, kCudnnTypeDescriptor, 1, static_cast<void*>(&handle)) != 1) {
    return false;
  }
  std::array<int, kMostNotes> notes{};
  const int64_t count =
      engine.get(kCudnnEngineNotes, kCudnnTypeNumericalNote, kMostNotes, notes.data());
  return engine_allowed(key, notes.data(), std::min(count, kMostNotes));
}

void* address(const Arguments::Slot& slot) {
  return static_cast<char*>(slot.block.address) + slot.offset;
}

}  // namespace

bool engine_allowed(const ConvKey& key, const int* notes, int64_t count) {
  const bool exact = static_cast<DType>(key.type) == DType::Float32 && !key.tf32;
  for (int64_t i = 0; i < count; ++i) {
    switch (notes[i]) {
      case kCudnnDownConverts:
      case kCudnnReducedReduction:
      case kCudnnFFT:
      case kCudnnWinograd:
        return false;
      case kCudnnTensorCore:
        if (exact) return false;
        break;
      case kCudnnNondeterministic:
        if (key.deterministic) return false;
        break;
      default:
        break;
    }
  }
  return true;
}

const Cudnn* open_cudnn(LibraryReport* report) {
  static Cudnn dnn;
  static LibraryReport found;
  static const bool opened = [&] {
    found.name = "cudnn";
    found.why_not = "libcudnn is not found: pip install 'rustorch[cuda]'";
    for (const std::string& path : library_candidates("RUSTORCH_CUDNN", "libcudnn.so.", {9})) {
      SharedLibrary library;
      if (!library.open(path)) continue;
      if (library.load("cudnnGetVersion", dnn.version) &&
          library.load("cudnnGetErrorString", dnn.error_string) &&
          library.load("cudnnGetLastErrorString", dnn.last_error) &&
          library.load("cudnnCreate", dnn.create) &&
          library.load("cudnnSetStream", dnn.set_stream) &&
          library.load("cudnnBackendCreateDescriptor", dnn.create_descriptor) &&
          library.load("cudnnBackendDestroyDescriptor", dnn.destroy_descriptor) &&
          library.load("cudnnBackendFinalize", dnn.finalize) &&
          library.load("cudnnBackendSetAttribute", dnn.set) &&
          library.load("cudnnBackendGetAttribute", dnn.get) &&
          library.load("cudnnBackendExecute", dnn.execute)) {
        found.path = library.path();
        found.version = static_cast<int64_t>(dnn.version());
        found.why_not.clear();
        return true;
      }
      found.why_not = library.why_not();
    }
    return false;
  }();
  *report = found;
  return opened ? &dnn : nullptr;
}

namespace {
std::string failed(const Cudnn& dnn, const std::string& call, int status) {
  const char* name = dnn.error_string(status);
  std::array<char, 256> text{};
  dnn.last_error(text.data(), text.size());
  text.back() = 0;
  std::string message = cat_str(call, ": ", name ? name : std::to_string(status).c_str());
  return text[0] ? cat_str(message, " (", std::string(text.data()), ")") : message;
}
}  // namespace

bool CudnnConvolutions::start(std::string* why_not) {
  const int status = dnn_.create(&handle_);
  if (status != kCudnnSuccess) *why_not = failed(dnn_, "cudnnCreate", status);
  return status == kCudnnSuccess;
}

std::shared_ptr<const LibraryPlan> CudnnConvolutions::make(const ConvKey& key) const {
  std::vector<Item> parts;
  parts.reserve(8);
  const Item& x = parts.emplace_back(tensor(dnn_, key, kX, key.x, key.x_align));
  const Item& w = parts.emplace_back(tensor(dnn_, key, kW, key.w, key.w_align));
  const Item& y = parts.emplace_back(tensor(dnn_, key, kY, key.y, key.y_align));
  const Item& conv = parts.emplace_back(convolution(dnn_, key));
  const Item& op = parts.emplace_back(operation(dnn_, key, conv, x, w, y));
  Item& graph = parts.emplace_back(dnn_, kCudnnGraph);
  graph.set(kCudnnGraphHandle, kCudnnTypeHandle, 1, &handle_);
  graph.set(kCudnnGraphOps, op);
  graph.finalize();
  CallFailed last{"no engine computes as exactly as it must", kCudnnNotSupported};
  for (int mode : {kCudnnHeurA, kCudnnHeurFallback}) {
    for (Item& config : engine_configs(dnn_, graph, mode)) {
      if (!takes(dnn_, key, config)) continue;
      Item plan(dnn_, kCudnnPlan);
      plan.set(kCudnnPlanHandle, kCudnnTypeHandle, 1, &handle_);
      plan.set(kCudnnPlanConfig, config);
      // Not every engine that is proposed runs the case after all.
      if (const int status = plan.try_finalize()) {
        last = {"cudnnBackendFinalize of the plan", status};
        continue;
      }
      int64_t workspace = 0;
      (void)plan.get(kCudnnPlanWorkspace, kCudnnTypeInt64, 1, &workspace);
      if (workspace > kCudnnMostWorkspace) {
        last = {cat_str("an engine needs a workspace of ", workspace, " bytes"),
                kCudnnNotSupported};
        continue;
      }
      parts.push_back(std::move(config));
      return std::make_shared<CudnnPlan>(std::move(plan), std::move(parts), workspace);
    }
  }
  throw last;
}

std::shared_ptr<const LibraryPlan> CudnnConvolutions::find(const ConvKey& key,
                                                           std::string* why_not) {
  std::lock_guard lock(mutex_);
  if (const auto it = plans_.find(key); it != plans_.end()) return it->second;
  if (plans_.size() >= kMostPlans) plans_.clear();
  try {
    return plans_[key] = make(key);
  } catch (const CallFailed& e) {
    *why_not = failed(dnn_, e.call, e.status);
  }
  return plans_[key] = nullptr;
}

bool CudnnConvolutions::run(const ConvKey& key, const LibraryPlan& plan, const Arguments& memory,
                            void* stream, std::string* why_not) {
  const auto slots = memory.slots();
  const std::array<int64_t, 3> ids{kX, kW, kY};
  const std::array<void*, 3> pointers{address(slots[0]), address(slots[1]), address(slots[2])};
  void* const workspace = plan.workspace() > 0 ? address(slots[3]) : nullptr;
  std::lock_guard lock(mutex_);
  try {
    Item pack(dnn_, kCudnnVariantPack);
    pack.set(kCudnnPackIds, kCudnnTypeInt64, 3, ids.data());
    pack.set(kCudnnPackPointers, kCudnnTypePointer, 3, static_cast<const void*>(pointers.data()));
    pack.set(kCudnnPackWorkspace, kCudnnTypePointer, 1, static_cast<const void*>(&workspace));
    pack.finalize();
    require("cudnnSetStream", dnn_.set_stream(handle_, stream));
    require(
        "cudnnBackendExecute",
        dnn_.execute(handle_, static_cast<const CudnnPlan&>(plan).plan.handle(), pack.handle()));
    return true;
  } catch (const CallFailed& e) {
    const std::string what = failed(dnn_, e.call, e.status);
    const bool refused = e.status >= kCudnnNotSupported && e.status < kCudnnInternalError;
    RT_CHECK(refused, Runtime, "cuda", what, describe(key));
    plans_[key] = nullptr;
    *why_not = what;
    return false;
  }
}

}  // namespace rt::gpu::cuda
