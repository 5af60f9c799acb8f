#import "gpu/metal/queue.h"

#import "gpu/metal/support.h"

namespace rt::gpu::metal {

namespace {

constexpr size_t kBatch = 64;      // commands in a command buffer
constexpr uint64_t kInFlight = 8;  // command buffers that are on their way

id<MTLBuffer> buffer_of(const Block& block) { return (__bridge id<MTLBuffer>)block.handle; }

// The error of a command buffer, with the kernels of the encoder that failed.
std::string describe(NSError* error) {
  std::string text = reason(error);
  NSArray<id<MTLCommandBufferEncoderInfo>>* encoders =
      error.userInfo[MTLCommandBufferEncoderInfoErrorKey];
  for (id<MTLCommandBufferEncoderInfo> encoder in encoders) {
    if (encoder.errorState != MTLCommandEncoderErrorStateFaulted) continue;
    text += "; in one of:";
    for (NSString* kernel in encoder.debugSignposts) text += " " + to_std(kernel);
  }
  return text;
}

}  // namespace

// How far the GPU has come; completion handlers share it, on threads of Metal's.
class Queue::Progress {
 public:
  void note(NSError* error) {
    std::lock_guard lock(mutex_);
    if (error && fault_.empty()) fault_ = describe(error);
    ++completed_;
    changed_.notify_all();
  }
  void wait(uint64_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return completed_ >= count; });
  }
  bool reached(uint64_t count) {
    std::lock_guard lock(mutex_);
    return completed_ >= count;
  }
  std::string take_fault() {
    std::lock_guard lock(mutex_);
    return std::exchange(fault_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t completed_ = 0;
  std::string fault_;
};

void Point::pass(double seconds) {
  std::lock_guard lock(mutex_);
  seconds_ = seconds;
  passed_ = true;
  changed_.notify_all();
}
bool Point::passed() {
  std::lock_guard lock(mutex_);
  return passed_;
}
void Point::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return passed_; });
}
double Point::seconds() {
  std::lock_guard lock(mutex_);
  return seconds_;
}

Queue::Queue(id<MTLDevice> device)
    : queue_([device newCommandQueue]), progress_(std::make_shared<Progress>()) {
  queue_.label = @"rustorch";
}

void Queue::open_buffer() {
  if (buffer_) return;
  MTLCommandBufferDescriptor* wanted = [MTLCommandBufferDescriptor new];
  wanted.errorOptions = MTLCommandBufferErrorOptionEncoderExecutionStatus;
  buffer_ = [queue_ commandBufferWithDescriptor:wanted];
  RT_CHECK(buffer_ != nil, Runtime, "metal", "the queue gives no command buffer");
  const std::shared_ptr<Progress> progress = progress_;
  [buffer_ addCompletedHandler:^(id<MTLCommandBuffer> done) {
    @autoreleasepool {
      progress->note(done.status == MTLCommandBufferStatusError ? done.error : nil);
    }
  }];
}

void Queue::end_encoder() {
  [compute_ endEncoding];
  [blit_ endEncoding];
  compute_ = nil;
  blit_ = nil;
}

id<MTLComputeCommandEncoder> Queue::compute() {
  if (compute_) return compute_;
  end_encoder();
  open_buffer();
  // Serial: a dispatch sees what those before it wrote.
  compute_ = [buffer_ computeCommandEncoder];
  return compute_;
}

id<MTLBlitCommandEncoder> Queue::blit() {
  if (blit_) return blit_;
  end_encoder();
  open_buffer();
  blit_ = [buffer_ blitCommandEncoder];
  return blit_;
}

void Queue::launch(const MetalKernel& kernel, Extent groups, Extent threads,
                   const Arguments& arguments) {
  const NSUInteger most = kernel.pipeline.maxTotalThreadsPerThreadgroup;
  RT_CHECK(threads.count() <= most, Runtime, kernel.name(),
           cat_str("more threads a threadgroup than the ", static_cast<size_t>(most),
                   " that its pipeline takes"),
           cat_str(static_cast<size_t>(threads.count())));
  @autoreleasepool {
    std::lock_guard lock(mutex_);
    id<MTLComputeCommandEncoder> encoder = compute();
    [encoder insertDebugSignpost:kernel.label];
    [encoder setComputePipelineState:kernel.pipeline];
    NSUInteger index = 0;
    for (const Arguments::Slot& s : arguments.slots()) {
      if (s.is_value()) {
        [encoder setBytes:arguments.values() + s.offset length:s.bytes atIndex:index++];
      } else {
        [encoder setBuffer:buffer_of(s.block) offset:s.offset atIndex:index++];
      }
    }
    [encoder dispatchThreadgroups:MTLSizeMake(groups.x, groups.y, groups.z)
            threadsPerThreadgroup:MTLSizeMake(threads.x, threads.y, threads.z)];
    submit(false);
  }
}

void Queue::copy(id<MTLBuffer> to, size_t to_offset, id<MTLBuffer> from, size_t from_offset,
                 size_t bytes) {
  @autoreleasepool {
    std::lock_guard lock(mutex_);
    const bool overlap =
        to == from && to_offset < from_offset + bytes && from_offset < to_offset + bytes;
    id<MTLBuffer> source = from;
    if (overlap) {
      source = [queue_.device newBufferWithLength:bytes options:MTLResourceStorageModePrivate];
      RT_CHECK(source != nil, OutOfMemory, "metal", "no memory for an overlapping copy");
      [blit() copyFromBuffer:from
                sourceOffset:from_offset
                    toBuffer:source
           destinationOffset:0
                        size:bytes];
      from_offset = 0;
    }
    [blit() copyFromBuffer:source
              sourceOffset:from_offset
                  toBuffer:to
         destinationOffset:to_offset
                      size:bytes];
    submit(false);
  }
}

void Queue::submit(bool now) {
  if (!buffer_ || (++commands_ < kBatch && !now)) return;
  end_encoder();
  [buffer_ commit];
  buffer_ = nil;
  commands_ = 0;
  // A host that runs far ahead waits here, as it would for memory.
  if (++submitted_ > kInFlight) progress_->wait(submitted_ - kInFlight);
}

std::shared_ptr<Point> Queue::mark() {
  const auto point = std::make_shared<Point>();
  @autoreleasepool {
    std::lock_guard lock(mutex_);
    open_buffer();
    // The event is the end of its command buffer, so nothing else may come into that.
    [buffer_ addCompletedHandler:^(id<MTLCommandBuffer> done) {
      point->pass(done.GPUEndTime);
    }];
    submit(true);
  }
  return point;
}

bool Queue::idle() {
  @autoreleasepool {
    std::lock_guard lock(mutex_);
    submit(true);
    return progress_->reached(submitted_);
  }
}

void Queue::synchronize() {
  @autoreleasepool {
    uint64_t until = 0;
    {
      std::lock_guard lock(mutex_);
      submit(true);
      until = submitted_;
    }
    progress_->wait(until);
  }
  const std::string fault = progress_->take_fault();
  RT_CHECK(fault.empty(), Runtime, "metal", fault);
}

}  // namespace rt::gpu::metal
