// One command queue: work is encoded into command buffers, a batch each, and a few of them at most
// are on their way.
#pragma once

#import <Metal/Metal.h>

#include <condition_variable>
#include <memory>
#include <mutex>

#include "gpu/metal/library.h"

namespace rt::gpu::metal {

// A point in the work of a queue, passed when the GPU has come so far.
class Point {
 public:
  void pass(double seconds);
  bool passed();
  void wait();
  double seconds();  // of the GPU's clock; 0 until it is passed

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool passed_ = false;
  double seconds_ = 0;
};

// Calls may come from any thread; work runs in the order of the calls. Memory that a command uses
// is held by its command buffer until it has run.
class Queue {
 public:
  explicit Queue(id<MTLDevice> device);
  // Errors: Runtime, if the pipeline does not take so many threads.
  void launch(const MetalKernel& kernel, Extent groups, Extent threads, const Arguments& arguments);
  // Bytes, offsets and sizes in multiples of four; ranges of one buffer may overlap.
  void copy(id<MTLBuffer> to, size_t to_offset, id<MTLBuffer> from, size_t from_offset,
            size_t bytes);
  // The end of all that is queued now, which is handed over.
  std::shared_ptr<Point> mark();
  // Whether all that is queued has run; hands it over if not.
  bool idle();
  // Waits for all that is queued. Errors: Runtime, the first of what has failed since.
  void synchronize();

 private:
  class Progress;
  id<MTLComputeCommandEncoder> compute();
  id<MTLBlitCommandEncoder> blit();
  void open_buffer();
  void end_encoder();
  // Hands over what is encoded once it is a batch, or at once.
  void submit(bool now);

  id<MTLCommandQueue> queue_;
  std::mutex mutex_;  // of everything below
  id<MTLCommandBuffer> buffer_ = nil;
  id<MTLComputeCommandEncoder> compute_ = nil;
  id<MTLBlitCommandEncoder> blit_ = nil;
  size_t commands_ = 0;  // in buffer_
  uint64_t submitted_ = 0;
  std::shared_ptr<Progress> progress_;
};

}  // namespace rt::gpu::metal
