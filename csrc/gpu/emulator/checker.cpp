#include "gpu/emulator/checker.h"

#include <link.h>

#include <algorithm>
#include <map>
#include <string>

#include "gpu/emulator/arrays.h"
#include "gpu/emulator/group.h"

namespace rt::emulator {

namespace {

// Global: the device has one memory. By address.
std::map<uintptr_t, CheckedMemory>& memories() {
  static std::map<uintptr_t, CheckedMemory> all;
  return all;
}

uint32_t g_stamp = 0;  // launches and groups so far, of the process

// Where this library keeps its constants, and (on this thread) its thread-local storage, which
// holds the threadgroup arrays of shaders.
struct Image {
  uintptr_t constants_begin = 0, constants_end = 0;
  char* shared = nullptr;
  uint64_t shared_bytes = 0;
};
thread_local char tls_anchor;

Image find_image() {
  Image image;
  *static_cast<volatile char*>(&tls_anchor) = 1;  // this thread's block exists from here on
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* out) {
        const auto here = reinterpret_cast<uintptr_t>(&g_stamp);
        bool mine = false;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& h = info->dlpi_phdr[i];
          const uintptr_t at = info->dlpi_addr + h.p_vaddr;
          mine = mine || (h.p_type == PT_LOAD && here >= at && here < at + h.p_memsz);
        }
        if (!mine) return 0;
        auto* found = static_cast<Image*>(out);
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& h = info->dlpi_phdr[i];
          const uintptr_t at = info->dlpi_addr + h.p_vaddr;
          if (h.p_type == PT_TLS) {
            found->shared = static_cast<char*>(info->dlpi_tls_data);
            found->shared_bytes = h.p_memsz;
          } else if (h.p_type == PT_LOAD && !(h.p_flags & (PF_W | PF_X))) {
            if (found->constants_begin == 0) found->constants_begin = at;
            found->constants_end = at + h.p_memsz;
          }
        }
        return 1;
      },
      &image);
  return image;
}

uint32_t group_of(uint32_t thread) { return (thread - 1) / kMaxLanes; }
uint32_t lane_of(uint32_t thread) { return (thread - 1) % kMaxLanes; }
uint32_t simdgroup_of(uint32_t thread) { return lane_of(thread) / kSimdWidth; }

bool atomic(Access kind) { return kind == Access::AtomicRead || kind == Access::AtomicWrite; }
bool writes(Access kind) { return kind == Access::Write || kind == Access::AtomicWrite; }

std::string thread_name(uint32_t thread) {
  return "thread " + std::to_string(lane_of(thread)) + " of threadgroup " +
         std::to_string(group_of(thread));
}

}  // namespace

CheckedMemory* find_memory(const void* p) {
  const auto at = reinterpret_cast<uintptr_t>(p);
  auto it = memories().upper_bound(at);
  if (it == memories().begin()) return nullptr;
  --it;
  // One past the end too: an empty buffer lies there.
  return at <= it->first + it->second.bytes ? &it->second : nullptr;
}

void add_memory(void* data, uint64_t bytes, bool written) {
  CheckedMemory memory{static_cast<char*>(data), bytes, std::vector<Cell>(bytes)};
  if (written) {
    for (Cell& c : memory.cells) c.written = true;
  }
  memories().insert_or_assign(reinterpret_cast<uintptr_t>(data), std::move(memory));
}

void remove_memory(void* data) { memories().erase(reinterpret_cast<uintptr_t>(data)); }

void note_written(void* data, uint64_t bytes) {
  CheckedMemory* memory = find_memory(data);
  if (!memory) return;
  const uint64_t from = static_cast<uint64_t>(static_cast<char*>(data) - memory->data);
  const uint64_t to = std::min(from + bytes, memory->bytes);
  for (uint64_t i = from; i < to; ++i) memory->cells[i].written = true;
}

void Checker::begin_launch(const RustorchEmulatorLaunch& launch, GroupRunner* runner) {
  runner_ = runner;
  bound_.clear();
  constants_.clear();
  constants_.reserve(static_cast<size_t>(launch.count));
  launch_stamp_ = ++g_stamp;
  const Kernel* kernel = find_kernel(launch.kernel);
  function_ = base_name(kernel->function);
  for (int i = 0; i < launch.count; ++i) {
    const Parameter& parameter = kernel->parameter[i];
    char* data = static_cast<char*>(launch.buffers[i]);
    if (parameter.bytes > 0) {
      constants_.push_back({data, launch.bytes[i], std::vector<Cell>(launch.bytes[i])});
      for (Cell& c : constants_.back().cells) c.written = true;
      bound_.push_back(
          {data, launch.bytes[i], constants_.back().cells.data(), parameter.writable, i});
      continue;
    }
    CheckedMemory* memory = find_memory(data);  // validate() has seen that there is one
    bound_.push_back({data, launch.bytes[i], memory->cells.data() + (data - memory->data),
                      parameter.writable, i});
  }
  const Image image = find_image();
  shared_ = image.shared;
  shared_bytes_ = image.shared_bytes;
  constants_begin_ = image.constants_begin;
  constants_end_ = image.constants_end;
  if (shared_cells_.size() < shared_bytes_) shared_cells_.resize(shared_bytes_);
}

void Checker::begin_group(uint64_t group) {
  group_ = static_cast<uint32_t>(group);
  group_stamp_ = ++g_stamp;
  device_order_ = shared_order_ = Order();
}

void Checker::end_launch() { runner_ = nullptr; }

void Checker::threadgroup_barrier(int fence) {
  if (fence & kFenceDevice) ++device_order_.epoch;
  if (fence & kFenceThreadgroup) ++shared_order_.epoch;
}

void Checker::simdgroup_barrier(uint32_t simdgroup, int fence) {
  if (fence & kFenceDevice) ++device_order_.simd_epoch[simdgroup];
  if (fence & kFenceThreadgroup) ++shared_order_.simd_epoch[simdgroup];
}

bool Checker::ordered(uint32_t before, uint32_t epoch, uint32_t simd_epoch,
                      const Order& order) const {
  const uint32_t me = current_thread();
  if (group_of(before) != group_of(me)) return false;
  if (epoch < order.epoch) return true;
  return simdgroup_of(before) == simdgroup_of(me) &&
         simd_epoch < order.simd_epoch[simdgroup_of(me)];
}

uint32_t Checker::current_thread() const { return group_ * kMaxLanes + runner_->current() + 1; }

bool Checker::reads_ordered(const Cell& cell, const Order& order) const {
  if (cell.reader == Cell::kMany) return false;
  if (cell.reader == Cell::kGroup) {
    return group_of(cell.read_by) == group_of(current_thread()) && cell.read_epoch < order.epoch;
  }
  return ordered(cell.read_by, cell.read_epoch, cell.read_simd_epoch, order);
}

void Checker::note_read(Cell& cell, bool is_atomic, const Order& order) const {
  const uint32_t me = current_thread(), simd_epoch = order.simd_epoch[simdgroup_of(me)];
  uint32_t reader = me;
  bool atomic_read = is_atomic;
  if (cell.reader != 0 && cell.reader != me && !reads_ordered(cell, order)) {
    atomic_read = is_atomic && cell.atomic_read;
    const bool same_group = cell.reader != Cell::kMany && group_of(cell.read_by) == group_of(me);
    const bool same_simdgroup =
        same_group && cell.reader != Cell::kGroup && simdgroup_of(cell.read_by) == simdgroup_of(me);
    reader = same_simdgroup ? Cell::kSimdgroup : same_group ? Cell::kGroup : Cell::kMany;
  }
  cell.reader = reader;
  if (reader == me) cell.read_by = me;  // of several, the first is named
  cell.read_epoch = order.epoch;
  cell.read_simd_epoch = simd_epoch;
  cell.atomic_read = atomic_read;
}

void Checker::touch(Cell& cell, Access kind, const Order& order, uint32_t stamp, bool shared,
                    const std::string& memory, uint64_t offset) {
  if (cell.stamp != stamp) {
    const bool written = cell.written && !shared;
    cell = Cell();
    cell.stamp = stamp;
    cell.written = written;
  }
  const uint32_t me = current_thread();
  const auto at = [&] { return memory + " at byte " + std::to_string(offset); };
  const auto race = [&](const char* mine, const char* theirs, uint32_t other) {
    runner_->report(std::string("race on ") + at() + ": it " + mine + " what " +
                    thread_name(other) + " " + theirs +
                    ", with no barrier between that orders this memory");
  };
  if (!writes(kind) && !cell.written) {
    return runner_->report("reads " + at() + ", which nobody has written");
  }
  if (cell.writer != 0 && cell.writer != me && !(atomic(kind) && cell.atomic_write) &&
      !ordered(cell.writer, cell.write_epoch, cell.write_simd_epoch, order)) {
    return race(writes(kind) ? "writes" : "reads", "writes", cell.writer);
  }
  if (!writes(kind)) return note_read(cell, atomic(kind), order);
  if (cell.reader != 0 && cell.reader != me && !(atomic(kind) && cell.atomic_read) &&
      !reads_ordered(cell, order)) {
    return race("writes", "reads", cell.read_by);
  }
  cell.writer = me;
  cell.write_epoch = order.epoch;
  cell.write_simd_epoch = order.simd_epoch[simdgroup_of(me)];
  cell.atomic_write = atomic(kind);
  cell.written = true;
  cell.reader = cell.read_by = 0;
}

void Checker::access(const void* p, size_t bytes, Access kind) {
  if (!runner_ || !runner_->error().empty()) return;
  if (runner_->on_stack_of_current(p)) return;
  const char* at = static_cast<const char*>(p);
  if (bytes <= 16 && (bytes & (bytes - 1)) == 0 && reinterpret_cast<uintptr_t>(p) % bytes != 0) {
    return runner_->report("an access of " + std::to_string(bytes) +
                           " bytes is not aligned to its size");
  }
  if (at >= shared_ && at + bytes <= shared_ + shared_bytes_) {
    return access_shared(static_cast<uint64_t>(at - shared_), bytes, kind);
  }
  const Bound* found = nullptr;
  for (const Bound& b : bound_) {
    if (at < b.data || at + bytes > b.data + b.bytes) continue;
    found = &b;
    if (b.writable || !writes(kind)) break;
  }
  const char* verb = writes(kind) ? "writes " : "reads ";
  if (!found) {
    const auto address = reinterpret_cast<uintptr_t>(p);
    if (!writes(kind) && address >= constants_begin_ && address + bytes <= constants_end_) return;
    return runner_->report(verb + std::to_string(bytes) + " bytes outside of all bound buffers" +
                           nearest(at));
  }
  const std::string memory = "buffer " + std::to_string(found->index);
  if (writes(kind) && !found->writable) {
    return runner_->report("writes " + memory + ", which is bound for reading");
  }
  const uint64_t from = static_cast<uint64_t>(at - found->data);
  for (uint64_t i = from; i < from + bytes; ++i) {
    touch(found->cells[i], kind, device_order_, launch_stamp_, false, memory, i);
  }
}

void Checker::access_shared(uint64_t offset, size_t bytes, Access kind) {
  const auto& arrays = shared_arrays();
  auto it = std::upper_bound(arrays.begin(), arrays.end(), offset,
                             [](uint64_t at, const SharedArray& a) { return at < a.offset; });
  const SharedArray* array = it == arrays.begin() ? nullptr : &*--it;
  if (!array || array->kernel != function_ || offset + bytes > array->offset + array->bytes) {
    std::string what = writes(kind) ? "writes" : "reads";
    what += " outside of its threadgroup arrays";
    // The array before is the likely one: indices run over the end.
    while (array && array->kernel != function_ && array != arrays.data()) --array;
    if (array && array->kernel == function_ && offset >= array->offset) {
      what += " (byte " + std::to_string(offset - array->offset) + " of '" + array->name +
              "', which has " + std::to_string(array->bytes) + ")";
    }
    return runner_->report(what);
  }
  const std::string memory = "threadgroup array '" + array->name + "'";
  for (uint64_t i = offset; i < offset + bytes; ++i) {
    touch(shared_cells_[i], kind, shared_order_, group_stamp_, true, memory, i - array->offset);
  }
}

std::string Checker::nearest(const char* p) const {
  const Bound* best = nullptr;
  uint64_t distance = ~uint64_t{0};
  for (const Bound& b : bound_) {
    const uint64_t d =
        p < b.data ? static_cast<uint64_t>(b.data - p) : static_cast<uint64_t>(p - b.data);
    if (d < distance) best = &b, distance = d;
  }
  if (!best) return "";
  const int64_t offset = p - best->data;
  return " (byte " + std::to_string(offset) + " of buffer " + std::to_string(best->index) +
         ", which has " + std::to_string(best->bytes) + ")";
}

}  // namespace rt::emulator
