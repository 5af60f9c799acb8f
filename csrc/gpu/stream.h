// Streams: queues of a device's work. Work of one runs in order; between two only events order it.
#pragma once

#include <atomic>
#include <memory>

#include "core/device.h"

namespace rt::gpu {

// A queue of a device, by the device's own handle. Null is its first, which every device has.
using Stream = void*;

class ComputeDevice;

// A point in the work of a stream. Calls may come from any thread.
class Event {
 public:
  virtual ~Event() = default;
  // Stands for the end of what is queued on the stream now, and no longer for what it stood for.
  virtual void record(Stream stream) = 0;
  // Lets what is queued on the device's stream from now on run after the event.
  virtual void wait(ComputeDevice& device, Stream stream) = 0;
  // Whether the event has happened; true if it was never recorded.
  virtual bool query() = 0;
  virtual void synchronize() = 0;
  // From this event to a later one of the same device; both have happened, and both take the time.
  virtual double milliseconds_until(Event& end) = 0;
  // Of the driver's own, where it has one.
  virtual void* handle() const { return nullptr; }
};

// Whether some thread ever worked on another stream than the first. Global: it lets programs that
// do not use streams skip all that keeps them apart.
extern std::atomic<bool> g_streams_in_use;

Stream lookup_current_stream(Device device);
// The stream that the calling thread's launches, copies and allocations go by.
inline Stream current_stream(Device device) {
  if (!g_streams_in_use.load(std::memory_order_relaxed)) [[likely]]
    return nullptr;
  return lookup_current_stream(device);
}
void set_current_stream(Device device, Stream stream);

// Work on another stream for the length of a scope.
class StreamGuard {
 public:
  StreamGuard(Device device, Stream stream) : device_(device), before_(current_stream(device)) {
    if (stream != before_) set_current_stream(device, stream);
  }
  ~StreamGuard() {
    if (current_stream(device_) != before_) set_current_stream(device_, before_);
  }
  StreamGuard(const StreamGuard&) = delete;

 private:
  const Device device_;
  const Stream before_;
};

}  // namespace rt::gpu
