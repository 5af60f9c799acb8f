// Passes: a kernel over host memory that is wrapped, not copied.
#import <Foundation/Foundation.h>
#import <Metal/Metal.h>
#include <unistd.h>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>

static id<MTLBuffer> wrap(id<MTLDevice> device, std::span<float> host,
                          std::shared_ptr<void> owner) {
  const auto page = static_cast<std::uintptr_t>(getpagesize());
  if (reinterpret_cast<std::uintptr_t>(host.data()) % page != 0 || host.size_bytes() % page != 0)
    return [device newBufferWithBytes:host.data()
                               length:host.size_bytes()
                              options:MTLResourceStorageModeShared];
  return [device newBufferWithBytesNoCopy:host.data()
                                   length:host.size_bytes()
                                  options:MTLResourceStorageModeShared
                              deallocator:^(void *, NSUInteger) {
                                (void)owner;
                              }];
}

void twice(std::span<float> host, std::shared_ptr<void> owner) {
  @autoreleasepool {
    id<MTLDevice> device = MTLCreateSystemDefaultDevice();
    MTLCompileOptions *options = [MTLCompileOptions new];
    options.languageVersion = MTLLanguageVersion3_1;
    if (@available(macOS 15.0, *)) options.mathMode = MTLMathModeSafe;
    NSError *error = nil;
    NSString *source =
        @"kernel void twice(device float *x, uint i [[thread_position_in_grid]]) { x[i] *= 2; }";
    id<MTLFunction> function = [[device newLibraryWithSource:source options:options
                                                       error:&error] newFunctionWithName:@"twice"];
    id<MTLComputePipelineState> pipeline =
        function ? [device newComputePipelineStateWithFunction:function error:&error] : nil;
    if (!pipeline) throw std::runtime_error(error.localizedDescription.UTF8String);
    id<MTLCommandBuffer> commands = [[device newCommandQueue] commandBuffer];
    id<MTLComputeCommandEncoder> encoder = [commands computeCommandEncoder];
    [encoder setComputePipelineState:pipeline];
    [encoder setBuffer:wrap(device, host, owner) offset:0 atIndex:0];
    [encoder dispatchThreads:MTLSizeMake(host.size(), 1, 1)
        threadsPerThreadgroup:MTLSizeMake(pipeline.threadExecutionWidth, 1, 1)];
    [encoder endEncoding];
    [commands addCompletedHandler:^(id<MTLCommandBuffer> b) {
      NSLog(@"%f s", b.GPUEndTime - b.GPUStartTime);
    }];
    [commands commit];
    [commands waitUntilCompleted];
    if (commands.status == MTLCommandBufferStatusError)
      throw std::runtime_error(commands.error.localizedDescription.UTF8String);
  }
}
