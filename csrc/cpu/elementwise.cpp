// Brings any layout and any mix of dtypes to the contiguous, one-type loops of kernels/, through
// buffers that stay in the first-level cache.
#include "cpu/elementwise_run.h"
#include "cpu/load_kernels.h"
#include "cpu/parallel.h"
#include "cpu/strided.h"
#include "ops/elementwise_sum.h"
#include "ops/reduction.h"

namespace rt::cpu {

namespace {

constexpr int64_t kGrain = kElementwiseGrain;
constexpr int64_t kChunk = kElementwiseChunk;
constexpr int64_t kShortRow = 64;  // rows below this are gathered several at a time
constexpr size_t kMaxOperands = kElementwiseOperands;

using Loop = ElementwiseLoop;
using Operand = ElementwiseOperand;

class Runner {
 public:
  Runner(const StridedPlan& plan, const Operand* operands, Loop loop,
         const ReduceLoops* sum = nullptr)
      : plan_(plan), operands_(operands), loop_(loop), sum_(sum), n_(plan.operands()) {}

  // With a reduction the values go into `state` instead of the first operand.
  void operator()(int64_t begin, int64_t end, void* state = nullptr) {
    alignas(64) char typed[kMaxOperands][kChunk * 16];
    alignas(64) char raw[kChunk * 16];
    RowCursor cursor(plan_, begin);
    void* pointers[kMaxOperands];
    for (size_t i = 1; i < n_; ++i) {
      if (operands_[i].single) fill(typed[i], raw, i, std::min(kChunk, end - begin));
    }
    const bool span_rows = plan_.ndim() > 1 && plan_.sizes()[0] < kShortRow;
    while (begin < end) {
      int64_t count = std::min(kChunk, end - begin);
      if (!span_rows) count = std::min(count, cursor.row_left());
      for (size_t i = 0; i < n_; ++i)
        pointers[i] = input(i, cursor, count, span_rows, typed[i], raw);
      loop_(count, pointers);
      if (sum_) {
        sum_->row(count, pointers[0], 0, state);
      } else {
        output(pointers[0], cursor, count, span_rows, raw);
      }
      if (span_rows) {
        for (int64_t left = count; left > 0;) {
          const int64_t step = std::min(left, cursor.row_left());
          cursor.advance(step);
          left -= step;
        }
      } else {
        cursor.advance(count);
      }
      begin += count;
    }
  }

 private:
  void fill(char* typed, char* raw, size_t i, int64_t count) const {
    const Operand& o = operands_[i];
    const int64_t item = static_cast<int64_t>(item_size(o.dtype));
    char* target = o.cast ? raw : typed;
    copy_items(item_size(o.dtype), count, target, item, plan_.operand(i).data, 0);
    if (o.cast) {
      void* p[] = {typed, raw};
      o.cast(count, p);
    }
  }

  bool direct(size_t i, bool span_rows) const {
    const Operand& o = operands_[i];
    if (o.dtype != o.needed) return false;
    return o.linear ||
           (!span_rows && plan_.operand(i).strides[0] == static_cast<int64_t>(item_size(o.dtype)));
  }

  // Where the loop reads operand i (or, for the output, writes it).
  void* input(size_t i, const RowCursor& at, int64_t count, bool span_rows, char* typed,
              char* raw) {
    const Operand& o = operands_[i];
    if (i > 0 ? o.single : sum_ != nullptr) return typed;
    if (direct(i, span_rows)) return at.pointer(i);
    if (i == 0) return typed;
    const bool in_place = o.linear || (!span_rows && plan_.operand(i).strides[0] ==
                                                         static_cast<int64_t>(item_size(o.dtype)));
    if (in_place) {
      void* p[] = {typed, at.pointer(i)};
      o.cast(count, p);
      return typed;
    }
    move_rows(i, at, count, span_rows, o.cast ? raw : typed, true);
    if (o.cast) {
      void* p[] = {typed, raw};
      o.cast(count, p);
    }
    return typed;
  }

  void output(void* typed, const RowCursor& at, int64_t count, bool span_rows, char* raw) {
    const Operand& o = operands_[0];
    if (direct(0, span_rows)) return;
    char* source = static_cast<char*>(typed);
    const bool in_place = o.linear || (!span_rows && plan_.operand(0).strides[0] ==
                                                         static_cast<int64_t>(item_size(o.dtype)));
    if (o.cast) {
      void* p[] = {in_place ? at.pointer(0) : raw, typed};
      o.cast(count, p);
      if (in_place) return;
      source = raw;
    }
    move_rows(0, at, count, span_rows, source, false);
  }

  // Between a dense buffer and the operand's own layout.
  void move_rows(size_t i, const RowCursor& start, int64_t count, bool span_rows, char* buffer,
                 bool gather) const {
    const size_t item = item_size(operands_[i].dtype);
    const int64_t size = static_cast<int64_t>(item);
    const int64_t step = plan_.operand(i).strides[0];
    const auto move = [&](char* memory, int64_t n) {
      if (gather) {
        copy_items(item, n, buffer, size, memory, step);
      } else {
        copy_items(item, n, memory, step, buffer, size);
      }
      buffer += n * size;
    };
    if (!span_rows) return move(start.pointer(i), count);
    RowCursor at = start;
    while (count > 0) {
      const int64_t n = std::min(count, at.row_left());
      move(at.pointer(i), n);
      at.advance(n);
      count -= n;
    }
  }

  const StridedPlan& plan_;
  const Operand* operands_;
  Loop loop_;
  const ReduceLoops* sum_;
  size_t n_;
};

// needed[i]: the type in which the loop reads input i.
void describe_operands(const StridedPlan& plan, const Tensor& out, DType out_needed,
                       TensorList inputs, const DType* needed, Operand* operands) {
  for (size_t i = 0; i <= inputs.size(); ++i) {
    Operand& o = operands[i];
    o.dtype = i == 0 ? out.dtype() : inputs[i - 1].dtype();
    o.needed = i == 0 ? out_needed : needed[i - 1];
    if (o.dtype != o.needed) {
      o.cast = i == 0 ? cast_loop(o.dtype, o.needed) : cast_loop(o.needed, o.dtype);
    }
    o.linear = true;
    o.single = true;
    int64_t dense = static_cast<int64_t>(item_size(o.dtype));
    for (int64_t d = 0; d < plan.ndim(); ++d) {
      o.linear = o.linear && plan.operand(i).strides[d] == dense;
      o.single = o.single && plan.operand(i).strides[d] == 0;
      dense *= plan.sizes()[d];
    }
  }
}

void run_strided(Loop loop, const Tensor& out, DType out_needed, TensorList inputs,
                 const DType* needed) {
  StridedPlan plan(out.sizes());
  plan.add(out);
  for (const Tensor& t : inputs) plan.add(t);
  plan.finish();
  Operand operands[kMaxOperands];
  describe_operands(plan, out, out_needed, inputs, needed, operands);
  if (const int64_t across = tiled_dim(plan, operands))
    return run_tiled(plan, operands, loop, across);
  parallel_for(0, plan.numel(), kGrain,
               [&](int64_t b, int64_t e) { Runner(plan, operands, loop)(b, e); });
}

void launch(const ElementwiseSlot& slot, DType compute, const Tensor& out, TensorList inputs) {
  const int64_t n = out.numel();
  if (n == 0) return;
  const Loop loop = slot.cpu_loop(compute);
  DType needed[kMaxOperands];
  for (size_t i = 0; i < inputs.size(); ++i) needed[i] = slot.input_dtype(i, compute_type(compute));
  const DType out_needed = slot.result_dtype(compute_type(compute));

  // The plain cases, without a plan: same types, dense and equal layouts or one element.
  bool plain = out.dtype() == out_needed && (n == 1 || is_non_overlapping_and_dense(out));
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& t = inputs[i];
    plain = plain && t.dtype() == needed[i] &&
            (n == 1 || (t.numel() == n && (t.is_contiguous() ? out.is_contiguous()
                                                             : t.strides() == out.strides() &&
                                                                   t.sizes() == out.sizes())));
  }
  if (plain) {
    char* base[kMaxOperands] = {out.data<char>()};
    int64_t step[kMaxOperands] = {static_cast<int64_t>(item_size(out_needed))};
    for (size_t i = 0; i < inputs.size(); ++i) {
      base[i + 1] = inputs[i].data<char>();
      step[i + 1] = static_cast<int64_t>(item_size(needed[i]));
    }
    parallel_for(0, n, kGrain, [&](int64_t b, int64_t e) {
      void* pointers[kMaxOperands];
      for (size_t i = 0; i <= inputs.size(); ++i) pointers[i] = base[i] + b * step[i];
      loop(e - b, pointers);
    });
    return;
  }
  if (n == 1) {  // one element, some of it to convert
    alignas(16) char cells[kMaxOperands][16];
    void* pointers[kMaxOperands];
    for (size_t i = 0; i < inputs.size(); ++i) {
      pointers[i + 1] = inputs[i].data();
      if (inputs[i].dtype() != needed[i]) {
        void* p[] = {cells[i + 1], inputs[i].data()};
        cast_loop(needed[i], inputs[i].dtype())(1, p);
        pointers[i + 1] = cells[i + 1];
      }
    }
    const bool convert = out.dtype() != out_needed;
    pointers[0] = convert ? static_cast<void*>(cells[0]) : out.data();
    loop(1, pointers);
    if (convert) {
      void* p[] = {out.data(), cells[0]};
      cast_loop(out.dtype(), out_needed)(1, p);
    }
    return;
  }
  run_strided(loop, out, out_needed, inputs, needed);
}

// Blocks of one length whatever the number of threads, so that sums are the same for any.
void sum(const ElementwiseSlot& slot, DType compute, IntList shape, TensorList inputs,
         double divisor, const Tensor& result) {
  constexpr int64_t kBlock = 8 * kChunk;
  const ReduceLoops* loops = ReduceSlot::find("sum")->cpu_loops(compute);
  StridedPlan plan(shape);
  plan.add(inputs[0]);  // the order of dims; nothing is written
  for (const Tensor& t : inputs) plan.add(t);
  plan.finish();
  DType needed[kMaxOperands];
  for (size_t i = 0; i < inputs.size(); ++i) needed[i] = slot.input_dtype(i, compute);
  Operand operands[kMaxOperands];
  describe_operands(plan, inputs[0], inputs[0].dtype(), inputs, needed, operands);
  const int64_t n = plan.numel(), blocks = std::max<int64_t>(1, (n + kBlock - 1) / kBlock);
  std::vector<char> states(static_cast<size_t>(blocks * loops->state_size));
  loops->init(blocks, states.data());
  const auto state = [&](int64_t block) { return states.data() + block * loops->state_size; };
  if (n > 0) {
    parallel_for(0, blocks, kGrain / kBlock, [&](int64_t b, int64_t e) {
      Runner runner(plan, operands, slot.cpu_loop(compute), loops);
      for (; b < e; ++b) runner(b * kBlock, std::min(n, (b + 1) * kBlock), state(b));
    });
  }
  for (int64_t b = 1; b < blocks; ++b) loops->merge(1, state(0), state(b));
  loops->finish(1, state(0), divisor, result.data(), nullptr);
}

// Same types, and contiguous along different dims; false where this is not so.
bool copy_transposed(const Tensor& out, const Tensor& src) {
  StridedPlan plan(out.sizes());
  plan.add(out);
  plan.add(src);
  plan.finish();
  const ElementwiseOperand operands[2] = {{out.dtype(), out.dtype()}, {src.dtype(), src.dtype()}};
  const int64_t item = static_cast<int64_t>(out.item_size());
  const int64_t across = tiled_dim(plan, operands);
  if (across == 0 || plan.operand(0).strides[0] != item ||
      plan.operand(1).strides[across] != item) {
    return false;
  }
  copy_tiled(plan, out.item_size(), across);
  return true;
}

// A copy is the conversion loop run by the same driver.
void copy(const Tensor& out, const Tensor& src) {
  if (out.numel() == 0) return;
  if (out.dtype() == src.dtype() && out.is_contiguous() && src.is_contiguous() &&
      out.numel() == src.numel()) {
    const int64_t bytes = static_cast<int64_t>(out.nbytes());
    char* to = out.data<char>();
    const char* from = src.data<char>();
    if (to == from) return;
    parallel_for(0, bytes, kGrain * 8, [&](int64_t b, int64_t e) {
      __builtin_memmove(to + b, from + b, static_cast<size_t>(e - b));
    });
    return;
  }
  if (out.dtype() == src.dtype() && copy_transposed(out, src)) return;
  const Tensor inputs[] = {src};
  const DType needed[] = {src.dtype()};
  run_strided(cast_loop(out.dtype(), src.dtype()), out, out.dtype(), inputs, needed);
}

const RegisterKernel register_elementwise(elementwise_launcher, DeviceType::CPU, &launch);
const RegisterKernel register_sum(elementwise_sum_kernel, DeviceType::CPU, &sum);
const RegisterKernel register_copy(copy_kernel, DeviceType::CPU, &copy);

}  // namespace

}  // namespace rt::cpu
