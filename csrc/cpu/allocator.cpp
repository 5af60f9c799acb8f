// The CPU engine: host memory with a cache, since a first touch of new pages costs nine tenths of a
// large elementwise op.
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif
#include <unistd.h>

#include "core/block_cache.h"
#include "core/device.h"
#include "core/error.h"
#include "core/fork.h"
#include "core/storage.h"
#include "cpu/cpu_limits.h"
#include "cpu/load_kernels.h"

namespace rt {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kSmallLimit = 1024;  // up to here a storage and its bytes are one block
constexpr int kSmallClasses = 5;      // 64, 128, 256, 512, 1024
constexpr size_t kSmallKept = 256;    // blocks a thread keeps of each small class

struct Counters {
  std::atomic<int64_t> allocated{0}, peak{0}, allocations{0}, hits{0}, limit{0};
};
// Global: host memory is one resource of the process, and its statistics are too.
Counters g_count;

size_t page_size() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

[[noreturn]] void out_of_memory(size_t nbytes, const char* why) {
  RT_FAIL(OutOfMemory, "cpu allocator", cat_str("cannot allocate ", nbytes, " bytes: ", why),
          cat_str(g_count.allocated.load(), " bytes allocated"),
          "a smaller batch, rustorch.cpu.empty_cache(), or a higher memory limit");
}

// Counts bytes before they are taken, so that two threads cannot pass the limit together.
void reserve(size_t nbytes, size_t block) {
  const int64_t bytes = static_cast<int64_t>(block);
  const int64_t limit = g_count.limit.load(std::memory_order_relaxed);
  const int64_t now = g_count.allocated.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (limit > 0 && now > limit) [[unlikely]] {
    g_count.allocated.fetch_sub(bytes, std::memory_order_relaxed);
    out_of_memory(nbytes, "over the memory limit");
  }
  g_count.allocations.fetch_add(1, std::memory_order_relaxed);
  int64_t peak = g_count.peak.load(std::memory_order_relaxed);
  while (now > peak && !g_count.peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

void release(size_t block) {
  g_count.allocated.fetch_sub(static_cast<int64_t>(block), std::memory_order_relaxed);
}

// ---- Large blocks: one shared cache of size classes. ----

// Four classes an octave, so a block is at most a quarter larger than asked.
size_t round_up_large(size_t n) {
  const size_t granule = n <= page_size() ? kAlignment : page_size();
  const int octave = 63 - __builtin_clzll(n);
  const size_t step = std::max(granule, size_t{1} << std::max(octave - 2, 0));
  return (n + step - 1) / step * step;
}

int64_t default_cap() {
  const int64_t ram =
      static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<int64_t>(page_size());
  const int64_t granted = cpu::control_group_memory();
  return std::min((granted > 0 ? std::min(ram, granted) : ram) / 8, int64_t{4} << 30);
}

// Leaked on purpose: storages may be released by static destructors of other modules.
BlockCache& large_cache() {
  static auto* cache = new BlockCache(default_cap());
  return *cache;
}
const ForkGuard fork_guard(ForkOrder::HostMemory,
                           []() -> std::mutex& { return large_cache().mutex(); });

void free_all(const std::vector<MemoryBlock>& blocks) {
  for (const MemoryBlock& b : blocks) std::free(b.data);
}

constexpr size_t kHugePage = size_t{2} << 20;

class LargeStorage final : public Storage {
 public:
  LargeStorage(void* data, size_t nbytes, size_t block, Device device)
      : Storage(data, nbytes, device), block_(block) {}
  ~LargeStorage() override {
    release(block_);
    free_all(large_cache().put({data_, block_}));
  }

 private:
  size_t block_;
};

Ref<Storage> allocate_large(size_t nbytes, Device device) {
  if (nbytes > (size_t{1} << 47)) out_of_memory(nbytes, "more than an address space holds");
  const MemoryBlock known = large_cache().take(round_up_large(nbytes));
  const size_t block = known.data ? known.size : round_up_large(nbytes);
  void* data = known.data;
  try {
    reserve(nbytes, block);
  } catch (...) {
    if (data) free_all(large_cache().put(known));
    throw;
  }
  if (data) {
    g_count.hits.fetch_add(1, std::memory_order_relaxed);
  } else {
    // What is kept counts against the limit too.
    const int64_t limit = g_count.limit.load(std::memory_order_relaxed);
    if (limit > 0)
      free_all(large_cache().trim(std::max<int64_t>(limit - g_count.allocated.load(), 0)));
    const bool huge = block >= kHugePage;
    const size_t alignment = huge ? kHugePage : block > page_size() ? page_size() : kAlignment;
    // The size of an aligned block is a multiple of its alignment (C11).
    const size_t bytes = (block + alignment - 1) / alignment * alignment;
    data = std::aligned_alloc(alignment, bytes);
    if (!data) {
      free_all(large_cache().trim(0));
      data = std::aligned_alloc(alignment, bytes);
    }
    if (!data) {
      release(block);
      out_of_memory(nbytes, "the system has no more memory");
    }
#if defined(__linux__)
    // Fewer page faults on first touch and fewer address translations after (a transposed copy of
    // 16 MB takes a third of the time); advice only, so a refusal does not matter.
    if (huge) (void)madvise(data, block / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  }
  return Ref<Storage>(new LargeStorage(data, nbytes, block, device));
}

// ---- Small blocks: header and bytes together, kept by the thread that frees them. ----

int small_class(size_t nbytes) {
  if (nbytes <= 64) return 0;
  return 64 - __builtin_clzll(nbytes - 1) - 6;
}
constexpr size_t small_bytes(int c) { return size_t{64} << c; }

struct SmallPool {
  std::array<std::vector<void*>, kSmallClasses> free;
  ~SmallPool() {
    for (auto& list : free) {
      for (void* p : list) std::free(p);
    }
    alive = false;
  }
  // Storages may be released by thread-local destructors that run after this one.
  static thread_local bool alive;
};
thread_local bool SmallPool::alive = true;
// Per thread: the hot path of every small op, so it takes no lock.
thread_local SmallPool t_small;

class SmallStorage final : public Storage {
 public:
  SmallStorage(void* data, size_t nbytes, int size_class, Device device)
      : Storage(data, nbytes, device), class_(size_class) {}

 protected:
  void dispose() override {
    const int c = class_;
    this->~SmallStorage();
    release(small_bytes(c));
    if (SmallPool::alive && t_small.free[c].size() < kSmallKept) {
      t_small.free[c].push_back(this);
    } else {
      std::free(this);
    }
  }

 private:
  int class_;
};

constexpr size_t kHeader = (sizeof(SmallStorage) + kAlignment - 1) / kAlignment * kAlignment;

Ref<Storage> allocate_small(size_t nbytes, Device device) {
  const int c = small_class(nbytes);
  reserve(nbytes, small_bytes(c));
  void* block = nullptr;
  if (SmallPool::alive && !t_small.free[c].empty()) {
    block = t_small.free[c].back();
    t_small.free[c].pop_back();
  } else {
    block = std::aligned_alloc(kAlignment, kHeader + small_bytes(c));
    if (!block) {
      release(small_bytes(c));
      out_of_memory(nbytes, "the system has no more memory");
    }
  }
  return Ref<Storage>(new (block)
                          SmallStorage(static_cast<char*>(block) + kHeader, nbytes, c, device));
}

// ---- For tools that check memory: each storage has a block of its very size, none is kept. ----

// Rounded sizes and kept blocks would hide reads beyond the end or after the end of life.
#ifdef RT_EXACT_MEMORY
constexpr bool kExactMemory = true;
#else
constexpr bool kExactMemory = false;
#endif

class ExactStorage final : public Storage {
 public:
  ExactStorage(void* data, size_t nbytes, Device device) : Storage(data, nbytes, device) {}
  ~ExactStorage() override {
    release(nbytes());
    std::free(data_);
  }
};

Ref<Storage> allocate_exact(size_t nbytes, Device device) {
  reserve(nbytes, nbytes);
  void* data = nullptr;
  if (posix_memalign(&data, kAlignment, nbytes) != 0) {
    release(nbytes);
    out_of_memory(nbytes, "the system has no more memory");
  }
  return Ref<Storage>(new ExactStorage(data, nbytes, device));
}

class CpuEngine final : public Engine {
 public:
  bool available(std::string*) override { return true; }
  void load_kernels() override { cpu::load_kernels(); }
  bool host_visible(Device) override { return true; }
  int device_count() override { return 1; }
  Ref<Storage> allocate(size_t nbytes, Device device) override {
    if (kExactMemory) return allocate_exact(nbytes, device);
    return nbytes <= kSmallLimit ? allocate_small(nbytes, device) : allocate_large(nbytes, device);
  }
  void copy_to_host(void* dst, const Storage& src, size_t offset, size_t nbytes) override {
    std::memcpy(dst, static_cast<const char*>(src.data()) + offset, nbytes);
  }
  void copy_from_host(Storage& dst, size_t offset, const void* src, size_t nbytes) override {
    std::memcpy(static_cast<char*>(dst.data()) + offset, src, nbytes);
  }
  void copy(Storage& dst, size_t to, const Storage& src, size_t from, size_t nbytes) override {
    std::memmove(static_cast<char*>(dst.data()) + to, static_cast<const char*>(src.data()) + from,
                 nbytes);
  }
  void synchronize(Device) override {}
  MemoryStats memory_stats(Device) override {
    return {g_count.allocated.load(),   g_count.peak.load(), large_cache().cached(),
            g_count.allocations.load(), g_count.hits.load(), g_count.limit.load()};
  }
  void reset_peak_memory(Device) override { g_count.peak.store(g_count.allocated.load()); }
  void empty_cache(Device) override { free_all(large_cache().trim(0)); }
  void set_memory_limit(Device, int64_t bytes) override {
    g_count.limit.store(bytes);
    if (bytes > 0)
      free_all(large_cache().trim(std::max<int64_t>(bytes - g_count.allocated.load(), 0)));
  }
};

struct RegisterCpu {
  RegisterCpu() {
    static CpuEngine engine;
    register_engine(DeviceType::CPU, &engine);
  }
} register_cpu;

class WrappedStorage final : public Storage {
 public:
  WrappedStorage(void* data, size_t nbytes, Device device, std::unique_ptr<MemoryOwner> owner)
      : Storage(data, nbytes, device), owner_(std::move(owner)) {
    set_resizable(false);
  }

 private:
  std::unique_ptr<MemoryOwner> owner_;
};

}  // namespace

Ref<Storage> wrap_memory(void* data, size_t nbytes, Device device,
                         std::unique_ptr<MemoryOwner> owner) {
  return Ref<Storage>(new WrappedStorage(data, nbytes, device, std::move(owner)));
}

}  // namespace rt
