#include "gpu/kept_numbers.h"

#include <list>
#include <mutex>

#include "core/storage.h"
#include "gpu/stream.h"

namespace rt::gpu {

namespace {

constexpr size_t kKept = 48;

struct Entry {
  Device device;
  Stream stream;  // that wrote it: no other waits for that
  std::vector<int32_t> numbers;
  Tensor table;
};

Tensor upload(const std::vector<int32_t>& numbers, Device device) {
  const Tensor table = empty({static_cast<int64_t>(numbers.size())}, DType::Int32, device, "table");
  engine_for(device, "table")
      .copy_from_host(*table.storage(), 0, numbers.data(), numbers.size() * sizeof(int32_t));
  return table;
}

}  // namespace

Tensor kept_numbers(std::vector<int32_t> numbers, Device device) {
  static std::mutex mutex;
  // Not destroyed: devices may be gone by then.
  static auto* entries = new std::list<Entry>;
  const Stream stream = current_stream(device);
  std::lock_guard lock(mutex);
  for (auto it = entries->begin(); it != entries->end(); ++it) {
    if (it->device == device && it->stream == stream && it->numbers == numbers) {
      entries->splice(entries->begin(), *entries, it);
      return it->table;
    }
  }
  const Tensor table = upload(numbers, device);
  entries->push_front({device, stream, std::move(numbers), table});
  if (entries->size() > kKept) entries->pop_back();
  return table;
}

}  // namespace rt::gpu
