// The CPU engine: host memory with a cache, since a first touch of new pages costs nine tenths of a
// large elementwise op.
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif
#include <pthread.h>
#include <unistd.h>

#include "core/device.h"
#include "core/error.h"
#include "core/storage.h"

namespace rt {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kSmallLimit = 1024;  // up to here a storage and its bytes are one block
constexpr int kSmallClasses = 5;      // 64, 128, 256, 512, 1024
constexpr size_t kSmallKept = 256;    // blocks a thread keeps of each small class

struct Counters {
  std::atomic<int64_t> allocated{0}, peak{0}, cached{0}, allocations{0}, hits{0}, limit{0};
};
// Global: host memory is one resource of the process, and its statistics are too.
Counters g_count;

size_t page_size() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

void account(int64_t bytes) {
  const int64_t now = g_count.allocated.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (bytes <= 0) return;
  g_count.allocations.fetch_add(1, std::memory_order_relaxed);
  int64_t peak = g_count.peak.load(std::memory_order_relaxed);
  while (now > peak && !g_count.peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

// ---- Large blocks: one shared cache of size classes. ----

// Four classes an octave, so a block is at most a quarter larger than asked.
size_t round_up_large(size_t n) {
  const size_t granule = n <= page_size() ? kAlignment : page_size();
  const int octave = 63 - __builtin_clzll(n);
  const size_t step = std::max(granule, size_t{1} << std::max(octave - 2, 0));
  return (n + step - 1) / step * step;
}

class LargeCache {
 public:
  void* take(size_t size) {
    std::lock_guard lock(mutex_);
    for (size_t i = blocks_.size(); i-- > 0;) {
      if (blocks_[i].size == size) {
        void* p = blocks_[i].data;
        blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(i));
        g_count.cached.fetch_sub(static_cast<int64_t>(size), std::memory_order_relaxed);
        return p;
      }
    }
    return nullptr;
  }

  void put(void* data, size_t size) {
    std::vector<Block> evicted;
    {
      std::lock_guard lock(mutex_);
      blocks_.push_back({data, size});
      int64_t cached =
          g_count.cached.fetch_add(static_cast<int64_t>(size)) + static_cast<int64_t>(size);
      // Oldest out first; a cache of one workload's buffers stays below the cap.
      size_t n = 0;
      while (n < blocks_.size() && (cached > cap_ || blocks_.size() - n > kMaxBlocks)) {
        cached -= static_cast<int64_t>(blocks_[n++].size);
      }
      evicted.assign(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(n));
      blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(n));
      g_count.cached.store(cached, std::memory_order_relaxed);
    }
    for (const Block& b : evicted) std::free(b.data);
  }

  void clear() {
    std::vector<Block> all;
    {
      std::lock_guard lock(mutex_);
      all.swap(blocks_);
      for (const Block& b : all) g_count.cached.fetch_sub(static_cast<int64_t>(b.size));
    }
    for (const Block& b : all) std::free(b.data);
  }

  std::mutex& mutex() { return mutex_; }

 private:
  struct Block {
    void* data;
    size_t size;
  };
  static constexpr size_t kMaxBlocks = 256;
  static int64_t default_cap() {
    const int64_t ram =
        static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<int64_t>(page_size());
    return std::min<int64_t>(ram / 8, int64_t{4} << 30);
  }
  std::mutex mutex_;
  std::vector<Block> blocks_;
  const int64_t cap_ = default_cap();
};

// Leaked on purpose: storages may be released by static destructors of other modules.
LargeCache& large_cache() {
  static LargeCache* cache = [] {
    auto* c = new LargeCache;
    // A child of fork() must not find the lock held by a thread that it does not have.
    pthread_atfork([] { large_cache().mutex().lock(); }, [] { large_cache().mutex().unlock(); },
                   [] { large_cache().mutex().unlock(); });
    return c;
  }();
  return *cache;
}

[[noreturn]] void out_of_memory(size_t nbytes, const char* why) {
  RT_FAIL(OutOfMemory, "cpu allocator", cat_str("cannot allocate ", nbytes, " bytes: ", why),
          cat_str(g_count.allocated.load(), " bytes allocated"),
          "a smaller batch, rustorch.cpu.empty_cache(), or a higher memory limit");
}

void check_limit(size_t nbytes) {
  const int64_t limit = g_count.limit.load(std::memory_order_relaxed);
  if (limit > 0 && g_count.allocated.load() + static_cast<int64_t>(nbytes) > limit) {
    out_of_memory(nbytes, "over the memory limit");
  }
}

constexpr size_t kHugePage = size_t{2} << 20;

class LargeStorage final : public Storage {
 public:
  LargeStorage(void* data, size_t nbytes, size_t block, Device device)
      : Storage(data, nbytes, device), block_(block) {
    account(static_cast<int64_t>(block_));
  }
  ~LargeStorage() override {
    account(-static_cast<int64_t>(block_));
    large_cache().put(data_, block_);
  }

 private:
  size_t block_;
};

Ref<Storage> allocate_large(size_t nbytes, Device device) {
  if (nbytes > (size_t{1} << 47)) out_of_memory(nbytes, "more than an address space holds");
  const size_t block = round_up_large(nbytes);
  check_limit(block);
  void* data = large_cache().take(block);
  if (data) {
    g_count.hits.fetch_add(1, std::memory_order_relaxed);
  } else {
    const bool huge = block >= kHugePage;
    const size_t alignment = huge ? kHugePage : block > page_size() ? page_size() : kAlignment;
    data = std::aligned_alloc(alignment, block);
    if (!data) {
      large_cache().clear();
      data = std::aligned_alloc(alignment, block);
    }
    if (!data) out_of_memory(nbytes, "the system has no more memory");
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
      : Storage(data, nbytes, device), class_(size_class) {
    account(static_cast<int64_t>(small_bytes(class_)));
  }

 protected:
  void dispose() override {
    const int c = class_;
    this->~SmallStorage();
    account(-static_cast<int64_t>(small_bytes(c)));
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
  check_limit(small_bytes(c));
  void* block = nullptr;
  if (SmallPool::alive && !t_small.free[c].empty()) {
    block = t_small.free[c].back();
    t_small.free[c].pop_back();
  } else {
    block = std::aligned_alloc(kAlignment, kHeader + small_bytes(c));
    if (!block) out_of_memory(nbytes, "the system has no more memory");
  }
  return Ref<Storage>(new (block)
                          SmallStorage(static_cast<char*>(block) + kHeader, nbytes, c, device));
}

class CpuEngine final : public Engine {
 public:
  bool available(std::string*) override { return true; }
  int device_count() override { return 1; }
  Ref<Storage> allocate(size_t nbytes, Device device) override {
    return nbytes <= kSmallLimit ? allocate_small(nbytes, device) : allocate_large(nbytes, device);
  }
  void copy_to_host(void* dst, const Storage& src, size_t offset, size_t nbytes) override {
    std::memcpy(dst, static_cast<const char*>(src.data()) + offset, nbytes);
  }
  void copy_from_host(Storage& dst, size_t offset, const void* src, size_t nbytes) override {
    std::memcpy(static_cast<char*>(dst.data()) + offset, src, nbytes);
  }
  void synchronize(Device) override {}
  MemoryStats memory_stats(Device) override {
    return {g_count.allocated.load(),   g_count.peak.load(), g_count.cached.load(),
            g_count.allocations.load(), g_count.hits.load(), g_count.limit.load()};
  }
  void reset_peak_memory(Device) override { g_count.peak.store(g_count.allocated.load()); }
  void empty_cache(Device) override { large_cache().clear(); }
  void set_memory_limit(Device, int64_t bytes) override { g_count.limit.store(bytes); }
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
      : Storage(data, nbytes, device), owner_(std::move(owner)) {}

 private:
  std::unique_ptr<MemoryOwner> owner_;
};

}  // namespace

Ref<Storage> wrap_memory(void* data, size_t nbytes, Device device,
                         std::unique_ptr<MemoryOwner> owner) {
  return Ref<Storage>(new WrappedStorage(data, nbytes, device, std::move(owner)));
}

}  // namespace rt
