// Reductions over any dims of any layout. Two ways through memory: one result after another, each
// from runs along the reduced dims ("rows"); or many results at once, from rows of neighbours
// ("columns"), where the results' dim is the contiguous one. Layouts and types that the loops
// cannot read go through a buffer that stays in the first-level cache.
#include "cpu/load_kernels.h"
#include "cpu/parallel.h"
#include "cpu/strided.h"
#include "ops/reduce_axes.h"
#include "ops/reduction.h"

namespace rt::cpu {

namespace {

constexpr int64_t kGrain = 32768;  // values worth a thread
constexpr int64_t kBuffer = 2048;  // values a conversion buffer holds
constexpr int64_t kTile = 256;     // neighbouring results reduced together
constexpr int64_t kMaxState = 32;  // bytes
constexpr int64_t kShortRun = 32;  // runs below this are collected before they are reduced

// A position in the dims `first`.. of axes.
class Cursor {
 public:
  Cursor(const ReduceAxes& axes, size_t first, int64_t position) : axes_(axes), first_(first) {
    for (size_t d = first; d < axes.size.size(); ++d) {
      const int64_t i = position % axes.size[d];
      index_.push_back(i);
      in_ += i * axes.step[d];
      out_ += i * axes.out[d];
      position /= axes.size[d];
    }
  }
  int64_t in() const { return in_; }
  int64_t out() const { return out_; }
  void next() {
    for (size_t k = 0; k < index_.size(); ++k) {
      const size_t d = first_ + k;
      in_ += axes_.step[d];
      out_ += axes_.out[d];
      if (++index_[k] < axes_.size[d]) return;
      in_ -= axes_.size[d] * axes_.step[d];
      out_ -= axes_.size[d] * axes_.out[d];
      index_[k] = 0;
    }
  }

 private:
  const ReduceAxes& axes_;
  size_t first_;
  Dims index_;
  int64_t in_ = 0, out_ = 0;
};

struct Job {
  const ReduceLoops& loops;
  const char* data;
  DType from, compute;
  int64_t item, computed;                // bytes of a value as stored and as computed
  ElementwiseSlot::Loop cast = nullptr;  // null: the loops read the input itself
  bool ordered = false;
  ReduceAxes kept{}, reduced{};
  double parameter = 1;
  char* result = nullptr;
  DType result_type{};
  char* second = nullptr;
  DType second_type{};
  int64_t result_size = 0, second_size = 0;
};

// n values, `step` bytes apart, as the loops want them.
void fetch(const Job& job, int64_t n, const char* from, int64_t step, char* to) {
  if (!job.cast) return copy_items(static_cast<size_t>(job.item), n, to, job.item, from, step);
  alignas(64) char raw[kBuffer * 16];
  const char* source = from;
  if (step != job.item) {
    copy_items(static_cast<size_t>(job.item), n, raw, job.item, from, step);
    source = raw;
  }
  void* p[] = {to, const_cast<char*>(source)};
  job.cast(n, p);
}

// Values [begin, end) of the reduced dims, for the result whose first value is at `data`.
void reduce_row(const Job& job, const char* data, int64_t begin, int64_t end, char* state) {
  if (begin == end) return;  // an axis of size zero has no runs to walk
  const ReduceAxes& r = job.reduced;
  const int64_t run = r.size.empty() ? 1 : r.size[0];
  const int64_t step = r.size.empty() ? job.item : r.step[0];
  const bool direct = !job.cast && step == job.item;
  if (direct && run >= end && begin == 0) {
    job.loops.row(end, data, 0, state);
    return;
  }
  alignas(64) char buffer[kBuffer * 16];
  int64_t filled = 0;
  Cursor at(r, 1, begin / run);
  int64_t inside = begin % run;
  for (int64_t i = begin; i < end;) {
    int64_t n = std::min(run - inside, end - i);
    const char* from = data + at.in() + inside * step;
    if (direct && n >= kShortRun && filled == 0) {
      job.loops.row(n, from, i, state);
    } else {
      n = std::min(n, kBuffer - filled);
      fetch(job, n, from, step, buffer + filled * job.computed);
      filled += n;
      if (filled == kBuffer || i + n == end || (direct && run >= kShortRun)) {
        job.loops.row(filled, buffer, i + n - filled, state);
        filled = 0;
      }
    }
    i += n;
    inside += n;
    if (inside == run) {
      inside = 0;
      at.next();
    }
  }
}

// Rows of few columns that follow each other without gaps are read several at a time.
bool widens(const Job& job, int64_t columns) {
  return !job.ordered && !job.cast && columns < 32 && !job.reduced.size.empty() &&
         job.reduced.step[0] == columns * job.item;
}

void reduce_wide(const Job& job, const char* data, int64_t rows, int64_t columns, char* states) {
  const int64_t fold = kTile / columns;
  alignas(64) char wide[kTile * kMaxState];
  job.loops.init(fold * columns, wide);
  job.loops.columns(rows / fold, fold * columns, data, fold * columns * job.item, 0, wide);
  for (int64_t i = 0; i < fold; ++i) {
    job.loops.merge(columns, states, wide + i * columns * job.loops.state_size);
  }
  const int64_t done = rows / fold * fold;
  job.loops.columns(rows - done, columns, data + done * columns * job.item, columns * job.item,
                    done, states);
}

// The same for `columns` neighbouring results.
void reduce_columns(const Job& job, const char* data, int64_t columns, int64_t begin, int64_t end,
                    char* states) {
  if (begin == end) return;  // an axis of size zero has no runs to walk
  const ReduceAxes& r = job.reduced;
  const int64_t run = r.size.empty() ? 1 : r.size[0];
  const int64_t step = r.size.empty() ? 0 : r.step[0];
  const bool wide = widens(job, columns);
  Cursor at(r, 1, begin / run);
  int64_t inside = begin % run;
  for (int64_t i = begin; i < end;) {
    int64_t n = std::min(run - inside, end - i);
    const char* from = data + at.in() + inside * step;
    if (wide) {
      reduce_wide(job, from, n, columns, states);
    } else if (!job.cast) {
      job.loops.columns(n, columns, from, step, i, states);
    } else {
      alignas(64) char buffer[kBuffer * 16];
      n = std::min(n, kBuffer / columns);
      for (int64_t row = 0; row < n; ++row) {
        fetch(job, columns, from + row * step, job.item, buffer + row * columns * job.computed);
      }
      job.loops.columns(n, columns, buffer, columns * job.computed, i, states);
    }
    i += n;
    inside += n;
    if (inside == run) {
      inside = 0;
      at.next();
    }
  }
}

void put(DType from, const char* values, DType to, char* out, int64_t n, int64_t out_step) {
  const int64_t item = static_cast<int64_t>(item_size(to));
  alignas(64) char cast[kTile * 16];
  if (from != to) {
    void* p[] = {cast, const_cast<char*>(values)};
    cast_loop(to, from)(n, p);
    values = cast;
  }
  copy_items(static_cast<size_t>(item), n, out, out_step * item, values, item);
}

// Writes n <= kTile results that lie `step` elements apart from position `at`.
void finish(const Job& job, int64_t n, const char* states, int64_t at, int64_t step) {
  const DType type = static_cast<DType>(job.loops.result_type);
  const bool plain =
      step == 1 && job.result && type == job.result_type &&
      (!job.second || static_cast<DType>(job.loops.second_type) == job.second_type) &&
      (job.second || job.loops.second_type < 0);
  if (plain) {
    job.loops.finish(n, states, job.parameter, job.result + at * job.result_size,
                     job.second ? job.second + at * job.second_size : nullptr);
    return;
  }
  alignas(64) char result[kTile * 16], second[kTile * 16];
  job.loops.finish(n, states, job.parameter, result, second);
  if (job.result) put(type, result, job.result_type, job.result + at * job.result_size, n, step);
  if (job.second) {
    put(static_cast<DType>(job.loops.second_type), second, job.second_type,
        job.second + at * job.second_size, n, step);
  }
}

// Few results: the reduced range is cut into parts, whose states are merged in order.
template <class Reduce>
void in_parts(const Job& job, int64_t columns, int parts, char* states, Reduce&& reduce) {
  const int64_t bytes = columns * job.loops.state_size;
  const int64_t count = job.reduced.count;
  std::vector<char> all(static_cast<size_t>(bytes * parts) + 64);
  char* base = all.data() + (64 - reinterpret_cast<uintptr_t>(all.data()) % 64) % 64;
  parallel_for(0, parts, 1, [&](int64_t b, int64_t e) {
    for (int64_t p = b; p < e; ++p) {
      job.loops.init(columns, base + p * bytes);
      reduce(count * p / parts, count * (p + 1) / parts, base + p * bytes);
    }
  });
  for (int p = 0; p < parts; ++p) job.loops.merge(columns, states, base + p * bytes);
}

int parts_for(const Job& job, int64_t items, int64_t values_per_item) {
  const int threads = get_num_threads();
  if (items >= threads || threads == 1 || in_parallel_region()) return 1;
  return static_cast<int>(std::clamp<int64_t>(values_per_item / kGrain, 1,
                                              std::min<int64_t>(threads, job.reduced.count)));
}

void by_rows(const Job& job) {
  const int64_t results = job.kept.count, count = job.reduced.count;
  const int parts = parts_for(job, results, count);
  if (parts > 1) {
    for (int64_t o = 0; o < results; ++o) {
      alignas(64) char state[kMaxState];
      job.loops.init(1, state);
      const char* data = job.data + Cursor(job.kept, 0, o).in();
      in_parts(job, 1, parts, state,
               [&](int64_t b, int64_t e, char* s) { reduce_row(job, data, b, e, s); });
      finish(job, 1, state, o, 1);
    }
    return;
  }
  parallel_for(0, results, std::max<int64_t>(1, kGrain / std::max<int64_t>(count, 1)),
               [&](int64_t b, int64_t e) {
                 alignas(64) char states[kTile * kMaxState];
                 Cursor at(job.kept, 0, b);
                 for (int64_t o = b; o < e; o += kTile) {
                   const int64_t n = std::min(kTile, e - o);
                   job.loops.init(n, states);
                   for (int64_t i = 0; i < n; ++i, at.next()) {
                     reduce_row(job, job.data + at.in(), 0, count,
                                states + i * job.loops.state_size);
                   }
                   finish(job, n, states, o, 1);
                 }
               });
}

void by_columns(const Job& job) {
  const int64_t width = job.kept.size[0], tiles = (width + kTile - 1) / kTile;
  const int64_t items = tiles * (job.kept.count / width), count = job.reduced.count;
  const int64_t per_item = std::min(width, kTile) * count;
  const int parts = parts_for(job, items, per_item);
  parallel_for(0, items,
               parts > 1 ? items : std::max<int64_t>(1, kGrain / std::max<int64_t>(per_item, 1)),
               [&](int64_t b, int64_t e) {
                 alignas(64) char states[kTile * kMaxState];
                 for (int64_t i = b; i < e; ++i) {
                   const Cursor at(job.kept, 1, i / tiles);
                   const int64_t first = i % tiles * kTile, n = std::min(kTile, width - first);
                   const char* data = job.data + at.in() + first * job.item;
                   job.loops.init(n, states);
                   if (parts > 1) {
                     in_parts(job, n, parts, states, [&](int64_t from, int64_t to, char* s) {
                       reduce_columns(job, data, n, from, to, s);
                     });
                   } else {
                     reduce_columns(job, data, n, 0, count, states);
                   }
                   finish(job, n, states, at.out() + first * job.kept.out[0], job.kept.out[0]);
                 }
               });
}

void launch(const ReduceSlot& slot, DType compute, const Tensor& x, uint64_t mask, double parameter,
            const Tensor& result, const Tensor& second) {
  const int64_t results = result.defined() ? result.numel() : second.numel();
  if (results == 0) return;
  Job job{*slot.cpu_loops(compute),
          x.data<char>(),
          x.dtype(),
          compute,
          static_cast<int64_t>(x.item_size()),
          static_cast<int64_t>(item_size(compute))};
  if (job.from != compute) job.cast = cast_loop(compute, job.from);
  job.ordered = slot.ordered();
  job.parameter = parameter;
  if (result.defined()) {
    job.result = result.data<char>();
    job.result_type = result.dtype();
    job.result_size = static_cast<int64_t>(result.item_size());
  }
  if (second.defined()) {
    job.second = second.data<char>();
    job.second_type = second.dtype();
    job.second_size = static_cast<int64_t>(second.item_size());
  }
  if (results == 1 && x.is_contiguous() && x.numel() < kGrain) {
    alignas(64) char state[kMaxState];
    job.loops.init(1, state);
    if (!job.cast) {
      job.loops.row(x.numel(), job.data, 0, state);
    } else {
      job.reduced.add(x.numel(), job.item, 0);
      reduce_row(job, job.data, 0, x.numel(), state);
    }
    return finish(job, 1, state, 0, 1);
  }
  int64_t out = 1;
  Dims order;
  for (int64_t d = x.dim() - 1; d >= 0; --d) {
    const int64_t step = x.strides()[d] * job.item;
    if (mask >> d & 1) {
      order.push_back(d);
    } else {
      job.kept.add(x.sizes()[d], step, out);
      out *= x.sizes()[d];
    }
  }
  // Reduced dims in memory order, but for reductions whose result tells positions.
  if (!job.ordered) {
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return std::abs(x.strides()[a]) < std::abs(x.strides()[b]);
    });
  }
  for (int64_t d : order) job.reduced.add(x.sizes()[d], x.strides()[d] * job.item, 0);
  const bool run = job.reduced.size.empty() || job.reduced.step[0] == job.item;
  if (!run) {
    for (size_t d = 0; d < job.kept.size.size(); ++d) {
      if (job.kept.step[d] != job.item) continue;
      if (d > 0) job.kept.swap_to_front(d);
      return by_columns(job);
    }
  }
  by_rows(job);
}

const RegisterKernel register_reduce(reduce_launcher, DeviceType::CPU, &launch);

}  // namespace

}  // namespace rt::cpu
