// Host memory from which a device copies while the host goes on, and such copies.
#pragma once

#include "core/device.h"
#include "core/storage.h"

namespace rt {

// Engines that have them offer this beside Engine.
class PinnedCopies {
 public:
  virtual ~PinnedCopies() = default;
  virtual bool pins(Device device) = 0;
  // A storage on the CPU, page-locked for the device. Errors: OutOfMemory; MissingKernel if the
  // device knows nothing of the kind.
  virtual Ref<Storage> allocate_pinned(size_t nbytes, Device device) = 0;
  // Copies that are queued, in the order of the current stream; the storages stay alive until they
  // are done, and the host waits before it reads or writes the memory. The side of the host is
  // pinned.
  virtual void copy_to_host_later(Storage& dst, size_t to, const Storage& src, size_t from,
                                  size_t nbytes) = 0;
  virtual void copy_from_host_later(Storage& dst, size_t to, const Storage& src, size_t from,
                                    size_t nbytes) = 0;
};

// The engine's, or null.
PinnedCopies* pinned_copies(DeviceType type);
// Whether the memory came from allocate_pinned() of an engine of that type.
bool is_pinned(const Storage& s, DeviceType type);

}  // namespace rt
