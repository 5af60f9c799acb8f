// Proves of one launch, access by access, that no thread
//  - touches memory outside of the buffers bound to it, its threadgroup's memory and its own stack,
//  - writes to what is bound for reading only,
//  - reads bytes that nobody wrote,
//  - touches a byte that another thread writes, unless a barrier that orders that memory lies
//    between, or both accesses are atomic.
// Works on the accesses that the compiler's instrumentation reports (hooks.cpp); the scheduler
// tells it of barriers. Lane order does not matter to what it finds: order comes from barriers
// alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

struct RustorchEmulatorLaunch;

namespace rt::emulator {

class GroupRunner;

enum class Access : uint8_t { Read, Write, AtomicRead, AtomicWrite };

// What is known of one byte.
struct Cell {
  uint32_t stamp = 0;  // launch (or group, for threadgroup memory) that the rest is about
  uint32_t writer = 0, write_epoch = 0, write_simd_epoch = 0;  // writer: thread + 1
  uint32_t reader = 0, read_epoch = 0, read_simd_epoch = 0;    // reader: thread + 1, or one of
  static constexpr uint32_t kSimdgroup = ~uint32_t{0};         // several of one simdgroup,
  static constexpr uint32_t kGroup = ~uint32_t{0} - 1;         // several of one group,
  static constexpr uint32_t kMany = ~uint32_t{0} - 2;          // several groups
  uint32_t read_by = 0;                                        // one of the readers, to name it
  bool atomic_write = false, atomic_read = false;
  bool written = false;
};

// Memory that may be bound, with what is known of its bytes.
struct CheckedMemory {
  char* data;
  uint64_t bytes;
  std::vector<Cell> cells;
};
// All of it; changes only between launches. Guarded by its users: the checked build runs one launch
// at a time.
CheckedMemory* find_memory(const void* p);
void add_memory(void* data, uint64_t bytes, bool written);
void remove_memory(void* data);
void note_written(void* data, uint64_t bytes);

class Checker {
 public:
  void begin_launch(const RustorchEmulatorLaunch& launch, GroupRunner* runner);
  void begin_group(uint64_t group);
  void end_launch();
  void threadgroup_barrier(int fence);
  void simdgroup_barrier(uint32_t simdgroup, int fence);
  void access(const void* p, size_t bytes, Access kind);

 private:
  struct Bound {
    char* data;
    uint64_t bytes;
    Cell* cells;
    bool writable;
    int index;
  };
  // Epochs count the barriers that order a kind of memory.
  struct Order {
    uint32_t epoch = 1;
    uint32_t simd_epoch[32] = {};
  };
  void touch(Cell& cell, Access kind, const Order& order, uint32_t stamp, bool shared,
             const std::string& memory, uint64_t offset);
  bool ordered(uint32_t before, uint32_t epoch, uint32_t simd_epoch, const Order& order) const;
  bool reads_ordered(const Cell& cell, const Order& order) const;
  void note_read(Cell& cell, bool is_atomic, const Order& order) const;
  uint32_t current_thread() const;  // over all groups, + 1
  std::string nearest(const char* p) const;
  void access_shared(uint64_t offset, size_t bytes, Access kind);

  GroupRunner* runner_ = nullptr;
  std::string function_;  // of the kernel, without template arguments
  std::vector<Bound> bound_;
  std::vector<CheckedMemory>
      constants_;           // values of constant references: bound, but not registered
  char* shared_ = nullptr;  // this thread's threadgroup memory
  uint64_t shared_bytes_ = 0;
  std::vector<Cell> shared_cells_;
  Order device_order_, shared_order_;
  uintptr_t constants_begin_ = 0, constants_end_ = 0;  // tables of the shaders
  uint32_t launch_stamp_ = 0, group_stamp_ = 0;
  uint32_t group_ = 0;
};

}  // namespace rt::emulator
