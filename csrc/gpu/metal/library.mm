#import "gpu/metal/library.h"

#import "gpu/metal/support.h"
#include "gpu/module_path.h"
#include "gpu/shader_source.h"

namespace rt::gpu::metal {

namespace {

// The arithmetic that the shaders write: no fast math, nothing fused unasked.
MTLCompileOptions* compile_options() {
  MTLCompileOptions* options = [MTLCompileOptions new];
  options.languageVersion = MTLLanguageVersion3_1;
  if (@available(macOS 15.0, *)) {
    options.mathMode = MTLMathModeSafe;
  } else {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"  // by what macOS 15 has instead
    options.fastMathEnabled = NO;
#pragma clang diagnostic pop
  }
  return options;
}
constexpr const char* kNoContraction = "#pragma clang fp contract(off)\n";

// Sets a function constant from its 64 bits, as the type that the shader gave it; false if the type
// is none that shaders use.
bool set_constant(MTLFunctionConstantValues* values, MTLFunctionConstant* constant, uint64_t bits) {
  const auto set = [&](auto v) {
    [values setConstantValue:&v type:constant.type atIndex:constant.index];
    return true;
  };
  switch (constant.type) {
    case MTLDataTypeBool:
      return set(static_cast<bool>(bits));
    case MTLDataTypeInt:
    case MTLDataTypeUInt:
      return set(static_cast<uint32_t>(bits));
    case MTLDataTypeShort:
    case MTLDataTypeUShort:
      return set(static_cast<uint16_t>(bits));
    case MTLDataTypeLong:
    case MTLDataTypeULong:
      return set(bits);
    case MTLDataTypeFloat:
      return set(static_cast<float>(bits));
    default:
      return false;
  }
}

}  // namespace

bool Library::open(std::string* why_not) {
  @autoreleasepool {
    const std::string folder = module_folder();
    std::string binary, source;
    if (open_binary(folder + "/lib/rustorch.metallib", &binary)) return true;
    if (compile(folder + "/shaders", &source)) return true;
    *why_not = cat_str("no shaders: ", binary, "; ", source);
    return false;
  }
}

bool Library::open_binary(const std::string& path, std::string* why_not) {
  NSError* error = nil;
  NSURL* url = [NSURL fileURLWithPath:to_ns(path)];
  id<MTLLibrary> library = [device_ newLibraryWithURL:url error:&error];
  if (library) {
    add(library);
  } else {
    *why_not = cat_str(path, ": ", reason(error));
  }
  return library != nil;
}

bool Library::compile(const std::string& folder, std::string* why_not) {
  const std::vector<std::string> files = shader_files(folder);
  if (files.empty()) {
    *why_not = folder + " has no shaders";
    return false;
  }
  MTLCompileOptions* options = compile_options();
  for (const std::string& file : files) {
    NSError* error = nil;
    NSString* source = to_ns(kNoContraction + shader_source(folder, file));
    id<MTLLibrary> library = [device_ newLibraryWithSource:source options:options error:&error];
    if (!library) {
      *why_not = cat_str(file, ": ", reason(error));
      return false;
    }
    add(library);
  }
  return true;
}

void Library::add(id<MTLLibrary> library) {
  for (NSString* name in library.functionNames) libraries_[to_std(name)] = library;
}

const MetalKernel* Library::find(std::string_view name, Constants constants) {
  const std::string key = kernel_key(name, constants);
  std::lock_guard lock(mutex_);
  auto it = kernels_.find(key);
  if (it == kernels_.end()) {
    const std::string plain(name);
    if (!has(plain)) return nullptr;
    it = kernels_.emplace(key, make(plain, constants)).first;
  }
  return it->second.get();
}

std::unique_ptr<MetalKernel> Library::make(const std::string& name, Constants constants) {
  @autoreleasepool {
    id<MTLLibrary> library = libraries_.at(name);
    NSString* label = to_ns(name);
    MTLFunctionConstantValues* values = [MTLFunctionConstantValues new];
    NSDictionary<NSString*, MTLFunctionConstant*>* declared =
        [library newFunctionWithName:label].functionConstantsDictionary;
    for (NSString* constant in declared) {
      const NSUInteger index = declared[constant].index;
      const uint64_t bits = index < constants.size() ? constants[index] : 0;
      RT_CHECK(set_constant(values, declared[constant], bits), Runtime, name,
               cat_str("function constant '", to_std(constant), "' has a type that is not known"));
    }
    NSError* error = nil;
    id<MTLFunction> function = [library newFunctionWithName:label
                                             constantValues:values
                                                      error:&error];
    RT_CHECK(function != nil, Runtime, name, cat_str("Metal refuses it: ", reason(error)));
    MTLComputePipelineDescriptor* wanted = [MTLComputePipelineDescriptor new];
    wanted.computeFunction = function;
    wanted.label = label;
    wanted.threadGroupSizeIsMultipleOfThreadExecutionWidth = YES;
    id<MTLComputePipelineState> pipeline =
        [device_ newComputePipelineStateWithDescriptor:wanted
                                               options:MTLPipelineOptionNone
                                            reflection:nil
                                                 error:&error];
    RT_CHECK(pipeline != nil, Runtime, name,
             cat_str("Metal makes no pipeline of it: ", reason(error)));
    RT_CHECK(pipeline.threadExecutionWidth == 32, Runtime, name,
             "shaders count on simdgroups of 32",
             cat_str(static_cast<size_t>(pipeline.threadExecutionWidth)));
    return std::make_unique<MetalKernel>(name, pipeline, label);
  }
}

}  // namespace rt::gpu::metal
