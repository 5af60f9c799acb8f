// Reads and writes at index tensors, for any layout: rows of a strided plan, with fast paths where
// one index serves a whole run of memory.
#include <cstring>
#include <limits>

#include "cpu/dtype_dispatch.h"
#include "cpu/items.h"
#include "cpu/parallel.h"
#include "cpu/strided.h"
#include "ops/index_support.h"

namespace rt::cpu {

namespace {

constexpr int64_t kGrain = 16384;  // elements worth a thread

// ---- Gather ----

template <class T>
void gather_row(int64_t n, char* out, int64_t out_step, const char* src, int64_t src_step,
                const char* index, int64_t index_step, int64_t step) {
  if (out_step == static_cast<int64_t>(sizeof(T)) && src_step == 0 && index_step == 8) {
    T* to = reinterpret_cast<T*>(out);
    const int64_t* at = reinterpret_cast<const int64_t*>(index);
    for (int64_t i = 0; i < n; ++i) std::memcpy(to + i, src + at[i] * step, sizeof(T));
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    int64_t at;
    std::memcpy(&at, index + i * index_step, 8);
    std::memcpy(out + i * out_step, src + i * src_step + at * step, sizeof(T));
  }
}

template <class T>
void gather_rows(const StridedPlan& plan, int64_t step) {
  parallel_for(0, plan.numel(), kGrain, [&](int64_t begin, int64_t end) {
    RowCursor row(plan, begin);
    const int64_t out_step = plan.operand(0).strides[0], src_step = plan.operand(1).strides[0];
    const int64_t index_step = plan.operand(2).strides[0];
    while (begin < end) {
      const int64_t n = std::min(row.row_left(), end - begin);
      if (index_step == 0) {
        int64_t at;
        std::memcpy(&at, row.pointer(2), 8);
        copy_items(sizeof(T), n, row.pointer(0), out_step, row.pointer(1) + at * step, src_step);
      } else {
        gather_row<T>(n, row.pointer(0), out_step, row.pointer(1), src_step, row.pointer(2),
                      index_step, step);
      }
      row.advance(n);
      begin += n;
    }
  });
}

void gather(const Tensor& out, const Tensor& src, const Tensor& index, int64_t step) {
  StridedPlan plan(out.sizes());
  plan.add(out);
  plan.add(src);
  plan.add(index);
  plan.finish();
  step *= static_cast<int64_t>(out.item_size());
  with_item(out.item_size(), [&]<class T>(T) { gather_rows<T>(plan, step); });
}

// ---- Scatter ----

// One row of elements: n, target (step), values (step), index (step), bytes per index.
using RowFn = void (*)(int64_t n, char* target, int64_t target_step, const char* values,
                       int64_t values_step, const char* index, int64_t index_step, int64_t step);

template <class T, class F>
void scatter_row(int64_t n, char* target, int64_t target_step, const char* values,
                 int64_t values_step, const char* index, int64_t index_step, int64_t step) {
  for (int64_t i = 0; i < n; ++i) {
    int64_t at;
    std::memcpy(&at, index + i * index_step, 8);
    F::apply(*reinterpret_cast<T*>(target + i * target_step + at * step),
             *reinterpret_cast<const T*>(values + i * values_step));
  }
}

struct Assign {
  template <class T>
  static void apply(T& to, const T& v) {
    to = v;
  }
};
// Integers wrap around, as everywhere.
struct Add {
  template <class T>
  static void apply(T& to, const T& v) {
    if constexpr (std::is_same_v<T, bool>) {
      to = to || v;
    } else if constexpr (std::is_integral_v<T>) {
      to = static_cast<T>(static_cast<uint64_t>(to) + static_cast<uint64_t>(v));
    } else if constexpr (std::is_floating_point_v<T>) {
      to += v;
    } else {
      to.re += v.re;
      to.im += v.im;
    }
  }
};
struct Mul {
  template <class T>
  static void apply(T& to, const T& v) {
    if constexpr (std::is_same_v<T, bool>) {
      to = to && v;
    } else if constexpr (std::is_integral_v<T>) {
      to = static_cast<T>(static_cast<uint64_t>(to) * static_cast<uint64_t>(v));
    } else if constexpr (std::is_floating_point_v<T>) {
      to *= v;
    } else {
      to = {to.re * v.re - to.im * v.im, to.re * v.im + to.im * v.re};
    }
  }
};
// NaN wins on either side.
struct Max {
  template <class T>
  static void apply(T& to, const T& v) {
    if (v > to || v != v) to = v;
  }
};
struct Min {
  template <class T>
  static void apply(T& to, const T& v) {
    if (v < to || v != v) to = v;
  }
};

template <class F>
RowFn row_for_type(DType t) {
  constexpr auto ordered = kFullFloats + kIntegers + kBool;
  constexpr bool orders = std::is_same_v<F, Max> || std::is_same_v<F, Min>;
  RowFn row = nullptr;
  const auto pick = [&]<class T>(T) { row = scatter_row<T, F>; };
  if constexpr (orders) {
    try_with_type(ordered, t, pick);
  } else {
    try_with_type(ordered + kComplexes, t, pick);
  }
  return row;
}

RowFn row_for_size(size_t item) {
  return with_item(item, []<class T>(T) -> RowFn { return scatter_row<T, Assign>; });
}

RowFn row_function(ScatterMode mode, DType t) {
  switch (mode) {
    case ScatterMode::Assign:
      return row_for_size(item_size(t));
    case ScatterMode::Add:
      return row_for_type<Add>(t);
    case ScatterMode::Mul:
      return row_for_type<Mul>(t);
    case ScatterMode::Max:
      return row_for_type<Max>(t);
    case ScatterMode::Min:
      return row_for_type<Min>(t);
  }
  return nullptr;
}

class Scatter {
 public:
  Scatter(const Tensor& target, const Tensor& index, int64_t step, const Tensor& values,
          int64_t begin, int64_t end, ScatterMode mode)
      : mode_(mode),
        item_(static_cast<int64_t>(values.item_size())),
        step_(step * item_),
        row_(row_function(mode, values.dtype())),
        free_(without(values.sizes(), begin, end)),
        serial_(
            values.sizes().slice(static_cast<size_t>(begin), static_cast<size_t>(end - begin))) {
    RT_CHECK(row_, NotImplemented, "scatter", "there is no such reduction for this dtype",
             name(values.dtype()));
    const auto bytes = [](const Tensor& t, IntList strides) {
      Dims s(strides);
      for (int64_t& v : s) v *= static_cast<int64_t>(t.item_size());
      return s;
    };
    for (const Tensor* t : {&target, &values, &index}) {
      free_.add(t->data(), bytes(*t, without(t->strides(), begin, end)));
    }
    // The order of meeting elements is part of the contract, so the serial dims keep theirs: the
    // first operand has row-major strides.
    Dims order = contiguous_strides(
        values.sizes().slice(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
    serial_.add(target.data(), order);
    for (const Tensor* t : {&values, &index}) {
      serial_.add(t->data(), bytes(*t, t->strides().slice(static_cast<size_t>(begin),
                                                          static_cast<size_t>(end - begin))));
    }
    free_.finish();
    serial_.finish();
    if (mode == ScatterMode::Add) add_ = ElementwiseSlot::find("add")->cpu_loop(values.dtype());
  }

  void run() const {
    const int64_t grain = std::max<int64_t>(1, kGrain / serial_.numel());
    // Rows along the free dims where these are runs of memory, else along the serial dims.
    const bool free_rows = free_.sizes()[0] > 1 && free_.operand(0).strides[0] == item_;
    parallel_for(0, free_.numel(), grain, [&](int64_t b, int64_t e) {
      if (free_rows) {
        rows_of_free(b, e);
      } else {
        rows_of_serial(b, e);
      }
    });
  }

 private:
  static Dims without(IntList l, int64_t begin, int64_t end) {
    Dims d;
    for (int64_t i = 0; i < l.ssize(); ++i) {
      if (i < begin || i >= end) d.push_back(l[i]);
    }
    return d;
  }

  void rows_of_free(int64_t begin, int64_t end) const {
    const int64_t ts = free_.operand(0).strides[0], vs = free_.operand(1).strides[0];
    const int64_t is = free_.operand(2).strides[0];
    RowCursor outer(serial_, 0);
    for (int64_t s = 0; s < serial_.numel(); ++s, outer.advance(1)) {
      const int64_t values_at = outer.pointer(1) - serial_.operand(1).data;
      const int64_t index_at = outer.pointer(2) - serial_.operand(2).data;
      RowCursor row(free_, begin);
      for (int64_t at = begin; at < end;) {
        const int64_t n = std::min(row.row_left(), end - at);
        one_row(n, row.pointer(0), ts, row.pointer(1) + values_at, vs, row.pointer(2) + index_at,
                is);
        row.advance(n);
        at += n;
      }
    }
  }

  void rows_of_serial(int64_t begin, int64_t end) const {
    const int64_t vs = serial_.operand(1).strides[0], is = serial_.operand(2).strides[0];
    RowCursor outer(free_, begin);
    for (int64_t f = begin; f < end; ++f, outer.advance(1)) {
      RowCursor row(serial_, 0);
      for (int64_t at = 0; at < serial_.numel();) {
        const int64_t n = row.row_left();
        row_(n, outer.pointer(0), 0, outer.pointer(1) + (row.pointer(1) - serial_.operand(1).data),
             vs, outer.pointer(2) + (row.pointer(2) - serial_.operand(2).data), is, step_);
        row.advance(n);
        at += n;
      }
    }
  }

  void one_row(int64_t n, char* target, int64_t ts, const char* values, int64_t vs,
               const char* index, int64_t is) const {
    if (is == 0 && ts == item_ && (mode_ == ScatterMode::Assign || (vs == item_ && add_))) {
      int64_t at;
      std::memcpy(&at, index, 8);
      char* to = target + at * step_;
      if (mode_ == ScatterMode::Assign) {
        copy_items(static_cast<size_t>(item_), n, to, ts, values, vs);
      } else {
        void* pointers[] = {to, to, const_cast<char*>(values)};
        add_(n, pointers);
      }
      return;
    }
    row_(n, target, ts, values, vs, index, is, step_);
  }

  ScatterMode mode_;
  int64_t item_, step_;
  RowFn row_;
  ElementwiseSlot::Loop add_ = nullptr;
  StridedPlan free_, serial_;
};

void scatter(const Tensor& target, const Tensor& index, int64_t step, const Tensor& values,
             int64_t begin, int64_t end, ScatterMode mode) {
  Scatter(target, index, step, values, begin, end, mode).run();
}

void index_range(const Tensor& index, int64_t* smallest, int64_t* largest) {
  const int64_t* p = index.data<int64_t>();
  constexpr int kMaxThreads = 64;
  const int threads = std::min(get_num_threads(), kMaxThreads);
  int64_t low[kMaxThreads], high[kMaxThreads];
  const int64_t n = index.numel(), share = (n + threads - 1) / threads;
  const int64_t parts = n <= 4 * kGrain ? 1 : threads;
  const int64_t part = parts == 1 ? n : share;
  parallel_for(0, parts, 1, [&](int64_t b, int64_t e) {
    for (int64_t k = b; k < e; ++k) {
      int64_t lo = std::numeric_limits<int64_t>::max(), hi = std::numeric_limits<int64_t>::min();
      for (int64_t i = k * part; i < std::min(n, (k + 1) * part); ++i) {
        lo = std::min(lo, p[i]);
        hi = std::max(hi, p[i]);
      }
      low[k] = lo;
      high[k] = hi;
    }
  });
  *smallest = *std::min_element(low, low + parts);
  *largest = *std::max_element(high, high + parts);
}

const RegisterKernel register_gather(gather_kernel, DeviceType::CPU, &gather);
const RegisterKernel register_scatter(scatter_kernel, DeviceType::CPU, &scatter);
const RegisterKernel register_range(index_range_kernel, DeviceType::CPU, &index_range);

}  // namespace

}  // namespace rt::cpu
