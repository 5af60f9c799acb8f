// The shaders on one Metal device: where they come from, and the pipelines made of them.
#pragma once

#import <Metal/Metal.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "gpu/compute_device.h"

namespace rt::gpu::metal {

class MetalKernel final : public Kernel {
 public:
  MetalKernel(std::string name, id<MTLComputePipelineState> pipeline, NSString* label)
      : Kernel(std::move(name)), pipeline(pipeline), label(label) {}
  const id<MTLComputePipelineState> pipeline;
  NSString* const label;
};

class Library {
 public:
  explicit Library(id<MTLDevice> device) : device_(device) {}

  // Opens the package's metallib or, where there is none, compiles the package's shaders, which
  // takes seconds. False, with the reason, if neither can be had.
  bool open(std::string* why_not);
  bool has(std::string_view name) const { return libraries_.contains(std::string(name)); }
  // Null if there is none of that name. Errors: Runtime, if Metal refuses the kernel.
  const MetalKernel* find(std::string_view name, Constants constants);

 private:
  bool open_binary(const std::string& path, std::string* why_not);
  bool compile(const std::string& folder, std::string* why_not);
  void add(id<MTLLibrary> library);
  std::unique_ptr<MetalKernel> make(const std::string& name, Constants constants);

  id<MTLDevice> device_;
  std::unordered_map<std::string, id<MTLLibrary>> libraries_;  // by the kernel's name
  std::mutex mutex_;                                           // of the kernels that are ready
  std::unordered_map<std::string, std::unique_ptr<MetalKernel>> kernels_;
};

}  // namespace rt::gpu::metal
