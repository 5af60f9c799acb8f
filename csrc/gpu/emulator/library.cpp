// The exported table, and what shaders call of the runner of their thread.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <vector>

#include "gpu/emulator/arrays.h"
#include "gpu/emulator/emulator.h"
#include "gpu/emulator/group.h"

namespace rt::emulator {

namespace {

constexpr uint64_t kMaxSharedBytes = 32 << 10;

struct Entry {
  const Kernel* kernel;
  std::atomic<uint64_t> launches{0};
  explicit Entry(const Kernel* k) : kernel(k) {}
};

// Filled while the library is loaded, constant after.
std::vector<std::unique_ptr<Entry>>& entries() {
  static std::vector<std::unique_ptr<Entry>> all;
  return all;
}

Entry* find_entry(const char* name) {
  for (const auto& e : entries()) {
    if (std::strcmp(e->kernel->name, name) == 0) return e.get();
  }
  return nullptr;
}

int refuse(char* error, size_t bytes, const std::string& what) {
  std::snprintf(error, bytes, "%s", what.c_str());
  return 1;
}

int validate(const RustorchEmulatorLaunch* l, char* error, size_t room) {
  const std::string name = l->kernel;
  const Kernel* kernel = find_kernel(l->kernel);
  if (!kernel) return refuse(error, room, "no kernel is named " + name);
  if (l->count != kernel->parameters) {
    return refuse(error, room,
                  name + ": takes " + std::to_string(kernel->parameters) + " buffers, not " +
                      std::to_string(l->count));
  }
  const uint64_t threads = l->threads.count();
  if (threads < 1 || threads > kMaxLanes) {
    return refuse(error, room,
                  name + ": a threadgroup has 1 to 1024 threads, not " + std::to_string(threads));
  }
  for (int i = 0; i < l->count; ++i) {
    const uint32_t needed = kernel->parameter[i].bytes;
    if (needed > 0 && l->bytes[i] != needed) {
      return refuse(error, room,
                    name + ": parameter " + std::to_string(i) + " has " + std::to_string(needed) +
                        " bytes, not " + std::to_string(l->bytes[i]));
    }
    if (!kernel->checked || needed > 0) continue;
    const char* data = static_cast<const char*>(l->buffers[i]);
    const CheckedMemory* memory = find_memory(data);
    if (!memory || data + l->bytes[i] > memory->data + memory->bytes) {
      return refuse(error, room,
                    name + ": buffer " + std::to_string(i) + " is no memory of this device");
    }
  }
  const uint64_t shared = kernel->checked ? shared_bytes_of(base_name(kernel->function)) : 0;
  if (shared > kMaxSharedBytes) {
    return refuse(
        error, room,
        name + ": " + std::to_string(shared) + " bytes of threadgroup memory; a GPU has 32768");
  }
  if (kernel->checked && l->groups.count() >= (uint64_t{1} << 22) - 1) {
    return refuse(error, room, name + ": more threadgroups than the checker can tell apart");
  }
  return 0;
}

int run(const RustorchEmulatorLaunch* l, uint64_t begin, uint64_t end, char* error, size_t room) {
  Entry* entry = find_entry(l->kernel);
  if (begin == 0) entry->launches.fetch_add(1, std::memory_order_relaxed);
  GroupRunner& runner = GroupRunner::of_this_thread();
  runner.run(*l, *entry->kernel, begin, end);
  return runner.error().empty() ? 0 : refuse(error, room, runner.error());
}

int kernel_count() { return static_cast<int>(entries().size()); }
const Kernel* kernel_at(int i) { return entries()[static_cast<size_t>(i)]->kernel; }
uint64_t launch_count(int i) { return entries()[static_cast<size_t>(i)]->launches.load(); }

}  // namespace

const Kernel* find_kernel(const char* name) {
  const Entry* e = find_entry(name);
  return e ? e->kernel : nullptr;
}

Registration::Registration(const Kernel* kernel) {
  entries().push_back(std::make_unique<Entry>(kernel));
}

Uint3 builtin(Builtin which) {
  const Position& p = GroupRunner::of_this_thread().position();
  const auto times = [](const Uint3& a, const Uint3& b) {
    return Uint3{a.x * b.x, a.y * b.y, a.z * b.z};
  };
  const uint32_t threads = static_cast<uint32_t>(p.threads.count());
  switch (which) {
    case Builtin::thread_position_in_grid: {
      const Uint3 first = times(p.group, p.threads);
      return {first.x + p.thread.x, first.y + p.thread.y, first.z + p.thread.z};
    }
    case Builtin::thread_position_in_threadgroup:
      return p.thread;
    case Builtin::thread_index_in_threadgroup:
      return {p.index, 0, 0};
    case Builtin::threadgroup_position_in_grid:
      return p.group;
    case Builtin::threads_per_threadgroup:
      return p.threads;
    case Builtin::threadgroups_per_grid:
      return p.groups;
    case Builtin::threads_per_grid:
      return times(p.groups, p.threads);
    case Builtin::thread_index_in_simdgroup:
      return {p.index % kSimdWidth, 0, 0};
    case Builtin::simdgroup_index_in_threadgroup:
      return {p.index / kSimdWidth, 0, 0};
    case Builtin::simdgroups_per_threadgroup:
      return {(threads + kSimdWidth - 1) / kSimdWidth, 0, 0};
    case Builtin::threads_per_simdgroup:
      return {kSimdWidth, 0, 0};
  }
  return {0, 0, 0};
}
uint32_t lane_in_simdgroup() { return GroupRunner::of_this_thread().position().index % kSimdWidth; }
void meet(Meeting kind, int fence, const char* file, int line) {
  GroupRunner::of_this_thread().meet(kind, fence, file, line);
}
uint32_t exchange(Meeting kind, const void* mine, uint32_t size, void* all, const char* file,
                  int line) {
  return GroupRunner::of_this_thread().exchange(kind, mine, size, all, file, line);
}
void fail(const char* what, const char* file, int line) {
  GroupRunner::of_this_thread().fail(what, file, line);
}
uint64_t function_constant(int index) { return GroupRunner::of_this_thread().constant(index); }

}  // namespace rt::emulator

extern "C" __attribute__((visibility("default"))) const RustorchEmulator* rustorch_emulator() {
#if defined(RT_EMULATOR_CHECKED)
  constexpr bool checked = true;
#else
  constexpr bool checked = false;
#endif
  static const RustorchEmulator table = {
      checked,
      &rt::emulator::kernel_count,
      &rt::emulator::kernel_at,
      &rt::emulator::launch_count,
      &rt::emulator::validate,
      &rt::emulator::run,
      &rt::emulator::add_memory,
      &rt::emulator::remove_memory,
      &rt::emulator::note_written,
  };
  return &table;
}
