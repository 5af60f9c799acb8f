#include "gpu/emulator/group.h"

#include <cstring>

namespace rt::emulator {

GroupRunner& GroupRunner::of_this_thread() {
  // Per thread: lanes of one group share a thread, and with it their threadgroup memory.
  static thread_local std::unique_ptr<GroupRunner> runner = std::make_unique<GroupRunner>();
  return *runner;
}

namespace {

const char* what(Meeting kind) {
  switch (kind) {
    case Meeting::ThreadgroupBarrier:
      return "threadgroup_barrier";
    case Meeting::SimdgroupBarrier:
      return "simdgroup_barrier";
    case Meeting::SimdFunction:
      return "a simdgroup function";
    default:
      return "a simdgroup_matrix function";
  }
}

std::string place(const char* file, int line) {
  const char* slash = std::strrchr(file, '/');
  return std::string(slash ? slash + 1 : file) + ":" + std::to_string(line);
}

}  // namespace

void GroupRunner::report(const std::string& what) {
  if (!error_.empty()) return;
  const Position& p = position();
  const auto triple = [](const Uint3& v) {
    return "(" + std::to_string(v.x) + ", " + std::to_string(v.y) + ", " + std::to_string(v.z) +
           ")";
  };
  error_ = std::string(kernel_->name) + ": " + what + "; thread " + triple(p.thread) +
           " of threadgroup " + triple(p.group);
}

void GroupRunner::fail(const char* what, const char* file, int line) {
  report(std::string(what) + " at " + place(file, line));
  lanes_[current_].state = State::Done;
  for (;;) lanes_[current_].fiber->pause();  // never resumed: the launch has ended
}

uint64_t GroupRunner::constant(int index) const {
  return index < launch_->constant_count ? launch_->constants[index] : 0;
}

void GroupRunner::wait(Meeting kind, int detail, const char* file, int line) {
  Lane& me = lanes_[current_];
  me.kind = kind;
  me.detail = detail;
  me.file = file;
  me.line = line;
  me.state = State::Waiting;
  me.fiber->pause();
}

void GroupRunner::meet(Meeting kind, int fence, const char* file, int line) {
  wait(kind, fence, file, line);
}

uint32_t GroupRunner::exchange(Meeting kind, const void* mine, uint32_t size, void* all,
                               const char* file, int line) {
  Lane& me = lanes_[current_];
  const uint32_t simdgroup = me.position.index / kSimdWidth, lane = me.position.index % kSimdWidth;
  uint8_t* slots = slots_[me.parity ^= 1][simdgroup];
  std::memcpy(slots + lane * size, mine, size);
  wait(kind, static_cast<int>(size), file, line);
  std::memcpy(all, slots, size_t{kSimdWidth} * size);
  return present_[simdgroup];
}

void GroupRunner::lane_main() {
  GroupRunner& runner = of_this_thread();
  runner.kernel_->run(runner.launch_->buffers);
  Lane& me = runner.lanes_[runner.current_];
  me.state = State::Done;
  for (;;) me.fiber->pause();
}

void GroupRunner::step(uint32_t lane) {
  Lane& l = lanes_[lane];
  current_ = lane;
  if (!l.fiber) {
    if (idle_.empty()) {
      l.fiber = std::make_unique<Fiber>();
    } else {
      l.fiber = std::move(idle_.back());
      idle_.pop_back();
    }
    l.fiber->prepare(&lane_main, lane * 5);
  }
  l.fiber->resume();
  // Kernels without barriers run all their lanes on one stack.
  if (l.state == State::Done) idle_.push_back(std::move(l.fiber));
}

bool GroupRunner::together(const Lane& a, const Lane& b) const {
  return a.state == b.state && a.kind == b.kind && a.detail == b.detail && a.line == b.line &&
         std::strcmp(a.file, b.file) == 0;
}

std::string GroupRunner::where(const Lane& lane) const {
  if (lane.state == State::Done) return "has returned";
  return std::string("waits in ") + what(lane.kind) + " at " + place(lane.file, lane.line);
}

bool GroupRunner::all_together(uint32_t at, uint32_t first, uint32_t count) {
  for (uint32_t i = first; i < first + count; ++i) {
    if (lanes_[i].state != State::Done && together(lanes_[at], lanes_[i])) continue;
    current_ = at;
    report("threads part ways: one " + where(lanes_[at]) + " but thread " + std::to_string(i) +
           " " + where(lanes_[i]));
    return false;
  }
  return true;
}

uint32_t GroupRunner::random() {  // Marsaglia's xorshift
  shuffle_ ^= shuffle_ << 13;
  shuffle_ ^= shuffle_ >> 17;
  shuffle_ ^= shuffle_ << 5;
  return shuffle_;
}

void GroupRunner::run_simdgroup(uint32_t first, uint32_t count) {
  const uint32_t simdgroup = first / kSimdWidth;
  for (;;) {
    // Any odd step and any start walk through all lanes of a full simdgroup.
    const uint32_t r = shuffle_ && count == kSimdWidth ? random() : 0;
    for (uint32_t k = 0; k < count && error_.empty(); ++k) {
      const uint32_t i = first + (r ? (k * (r | 1) + (r >> 8)) % kSimdWidth : k);
      if (lanes_[i].state == State::Ready) step(i);
    }
    if (!error_.empty()) return;
    uint32_t at = first + count;
    for (uint32_t i = first; i < first + count && at == first + count; ++i) {
      if (lanes_[i].state == State::Waiting && lanes_[i].kind != Meeting::ThreadgroupBarrier)
        at = i;
    }
    if (at == first + count || !all_together(at, first, count)) return;
    if (lanes_[at].kind == Meeting::SimdgroupBarrier)
      checker_.simdgroup_barrier(simdgroup, lanes_[at].detail);
    present_[simdgroup] = count == kSimdWidth ? ~uint32_t{0} : (uint32_t{1} << count) - 1;
    for (uint32_t i = first; i < first + count; ++i) lanes_[i].state = State::Ready;
  }
}

void GroupRunner::run_group(uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    lanes_[i].state = State::Ready;
    lanes_[i].parity = 0;
  }
  const uint32_t simdgroups = (n + kSimdWidth - 1) / kSimdWidth;
  for (;;) {
    const uint32_t turn = shuffle_ ? random() : 0;
    for (uint32_t s = 0; s < simdgroups && error_.empty(); ++s) {
      const uint32_t first = (s + turn) % simdgroups * kSimdWidth;
      run_simdgroup(first, std::min(kSimdWidth, n - first));
    }
    if (!error_.empty()) return;
    uint32_t at = 0;
    while (at < n && lanes_[at].state != State::Waiting) ++at;
    if (at == n) return;
    if (!all_together(at, 0, n)) return;
    checker_.threadgroup_barrier(lanes_[at].detail);
    for (uint32_t i = 0; i < n; ++i) lanes_[i].state = State::Ready;
  }
}

void GroupRunner::run(const RustorchEmulatorLaunch& launch, const Kernel& kernel, uint64_t begin,
                      uint64_t end) {
  launch_ = &launch;
  kernel_ = &kernel;
  error_.clear();
  shuffle_ = launch.shuffle ? launch.shuffle * 2654435761u | 1 : 0;
  const uint32_t n = static_cast<uint32_t>(launch.threads.count());
  for (uint32_t i = 0; i < n; ++i) {
    Position& p = lanes_[i].position;
    p.index = i;
    p.threads = launch.threads;
    p.groups = launch.groups;
    p.thread = {i % launch.threads.x, i / launch.threads.x % launch.threads.y,
                i / (launch.threads.x * launch.threads.y)};
  }
  if (kernel.checked) checker_.begin_launch(launch, this);
  for (uint64_t g = begin; g < end && error_.empty(); ++g) {
    const Uint3 group = {static_cast<uint32_t>(g % launch.groups.x),
                         static_cast<uint32_t>(g / launch.groups.x % launch.groups.y),
                         static_cast<uint32_t>(g / launch.groups.x / launch.groups.y)};
    for (uint32_t i = 0; i < n; ++i) lanes_[i].position.group = group;
    if (kernel.checked) checker_.begin_group(g);
    run_group(n);
  }
  if (kernel.checked) checker_.end_launch();
  // Lanes that never returned leave their stacks as they are.
  for (uint32_t i = 0; i < n; ++i) {
    if (lanes_[i].fiber) idle_.push_back(std::move(lanes_[i].fiber));
  }
}

}  // namespace rt::emulator
