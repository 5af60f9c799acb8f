#include "gpu/stream.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "gpu/compute_device.h"

namespace rt::gpu {

std::atomic<bool> g_streams_in_use{false};

namespace {
// What differs from the first stream, per thread as in PyTorch.
thread_local std::vector<std::pair<Device, Stream>> t_current;

// Of every storage's list of users: it is taken only where streams meet.
std::mutex& users_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}
}  // namespace

Stream lookup_current_stream(Device device) {
  for (const auto& [d, stream] : t_current) {
    if (d == device) return stream;
  }
  return nullptr;
}

void set_current_stream(Device device, Stream stream) {
  if (stream) g_streams_in_use.store(true, std::memory_order_relaxed);
  for (auto& [d, current] : t_current) {
    if (d == device) {
      current = stream;
      return;
    }
  }
  if (stream) t_current.emplace_back(device, stream);
}

void DeviceStorage::add_user(Stream stream) const {
  std::lock_guard lock(users_mutex());
  if (std::find(users_.begin(), users_.end(), stream) == users_.end()) users_.push_back(stream);
}

}  // namespace rt::gpu
