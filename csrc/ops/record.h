// One record per op, and the typed handle that C++ calls it through.
//
//   static Tensor softmax_forward(const Tensor& x, int64_t dim, std::optional<DType> dtype) {...}
//   static void softmax_vjp(VjpContext& c) {...}
//   static const Op softmax_op("softmax(Tensor input, int dim, *, DType? dtype=None) -> Tensor",
//                              softmax_forward, {.vjp = softmax_vjp, .saves = "result"});
//   Tensor softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
//     return softmax_op(x, dim, dtype);
//   }
//
// The record is all that the bindings, the tape, the tests, the docs and the selector read.
#pragma once

#include <tuple>

#include "core/modes.h"
#include "ops/schema.h"

namespace rt {

class VjpContext;  // autograd/vjp.h
class KernelSlotBase;
struct OpRecord;

// Where an op that can write into given memory puts its result; absent: allocate it.
class Out {
 public:
  Out() = default;
  explicit Out(const Tensor& t) : tensor_(&t) {}
  explicit operator bool() const { return tensor_ != nullptr; }
  const Tensor& operator*() const { return *tensor_; }

 private:
  const Tensor* tensor_ = nullptr;
};

// How operands may lie in the memory that an op writes in place: anyhow, since it reads before it
// writes; in all of the window or none of it; not at all, where the order of writes would show.
enum class Operands : uint8_t { Anywhere, SameWindow, Apart };

struct OpSpec {
  // Gradient formula, written with ops; absent on composites, whose parts have their own.
  void (*vjp)(VjpContext&) = nullptr;
  // The arguments and results that vjp reads, by name: "input other result". "input/other": the
  // gradient of `other` alone reads the input, which is not kept where none is asked for.
  const char* saves = "";
  // Where Python finds it: "rt" (rustorch.NAME), "Tensor" (a method), "nn.functional", "linalg",
  // "fft", "special"; "" for an internal op.
  const char* in = "rt Tensor";
  const char* aliases = "";  // other names in the same places
  bool inplace = false;      // has NAME_
  bool out = false;          // accepts out=
  bool view = false;         // the result shares memory with the first argument
  bool random = false;
  bool overlap_ok = false;  // in place, to write an element twice is to write the same value twice
  Operands operands = Operands::Anywhere;  // in place
  bool broadcasts = false;         // elementwise: gradients are summed back to each input's shape
  bool integer_result = false;     // results carry no gradient (comparisons, argmax)
  const char* lowering = nullptr;  // key of its Core ML lowering
  // Read while registering; the record keeps its own copy.
  std::initializer_list<const KernelSlotBase*> kernels = {};
  // Bytes moved and flops of one call, for benchmarks and the selector.
  void (*cost)(const Value* args, double* bytes, double* flops) = nullptr;
  const char* doc = "";
};

struct OpRecord {
  static constexpr size_t kMaxReturns = 4;
  using Boxed = void (*)(const OpRecord&, const Value* args, Value* returns);
  using BoxedOut = void (*)(const OpRecord&, const Value* args, const Tensor& out);

  Schema schema;
  OpSpec spec;
  void (*forward)() = nullptr;  // the typed function, for the boxed callers
  Boxed boxed = nullptr;
  BoxedOut boxed_out = nullptr;  // null: results are copied into out= and in-place targets
  std::vector<const KernelSlotBase*> kernels;
  std::vector<std::string> namespaces;
  std::vector<std::string> aliases;
  uint32_t saved_args = 0, saved_returns = 0;  // bit i: argument/result i
  std::vector<uint32_t> saved_for;  // by argument: bits of those whose gradients read it; 0: any

  const char* name() const { return schema.base_name.c_str(); }
  bool is_kernel() const { return !kernels.empty(); }
};

// Every record of the build, in registration order. Constant once the library is loaded.
const std::vector<const OpRecord*>& all_ops();
const OpRecord* find_op(std::string_view name_with_overload);

// ---- Calling by boxed values (bindings, tracer). All three pass the interceptors. ----
void call_boxed(const OpRecord& op, const Value* args, Value* returns);
// args[0] is written.
void call_inplace(const OpRecord& op, const Value* args);
// Writes into `outs` (one a result), resizing them if needed.
void call_out(const OpRecord& op, const Value* args, std::span<const Tensor> outs);

namespace detail {

OpRecord* register_op(const char* schema, OpSpec spec, std::span<const ArgKind> kinds,
                      std::span<const bool> optionals);

// Makes what a view op returned outside of grad mode a view of x, so that writing it later is seen.
void note_untracked_view(const Tensor& view, const Tensor& x);
template <class R, class... A>
void note_untracked_view(const R&, const A&...) {}
// The other ops' results are no views, though their forwards may have made them with one.
void drop_inner_view(const Tensor& result);
template <class R>
void drop_inner_view(const R&) {}
template <class... T>
void drop_inner_view(const std::tuple<T...>& results) {
  std::apply([](const auto&... r) { (drop_inner_view(r), ...); }, results);
}
template <class... A>
void note_untracked_view(const Tensor& view, const Tensor& x, const A&...) {
  note_untracked_view(view, x);
}

inline bool wants_grad(const Tensor& t) { return t.defined() && requires_grad(t); }
inline bool wants_grad(TensorList l) {
  for (const Tensor& t : l) {
    if (wants_grad(t)) return true;
  }
  return false;
}
template <class T>
bool wants_grad(const T&) {
  return false;
}

template <class R>
void box_return(R&& r, Value* out) {
  using T = std::decay_t<R>;
  if constexpr (std::is_same_v<T, Scalar>) {
    *out = Value(static_cast<const Scalar&>(r));
  } else {
    *out = Value(std::forward<R>(r));
  }
}
template <class... T>
void box_return(std::tuple<T...>&& r, Value* out) {
  std::apply([&](auto&&... v) { (box_return(std::move(v), out++), ...); }, std::move(r));
}

template <class R>
struct UnboxReturn {
  static R from(Value* v) {
    if constexpr (std::is_same_v<R, Scalar>) {
      return v->scalar();
    } else {
      return std::move(std::get<R>(*v));
    }
  }
};
template <class... T>
struct UnboxReturn<std::tuple<T...>> {
  static std::tuple<T...> from(Value* v) {
    return [&]<size_t... I>(std::index_sequence<I...>) {
      return std::tuple<T...>(UnboxReturn<T>::from(v + I)...);
    }
    (std::index_sequence_for<T...>{});
  }
};

template <class R, class... A>
struct Boxer {
  template <size_t... I>
  static void plain(R (*f)(A...), const Value* args, Value* out, std::index_sequence<I...>) {
    box_return(f(Unbox<A>::from(args[I])...), out);
  }
  static void call(const OpRecord& op, const Value* args, Value* out) {
    plain(reinterpret_cast<R (*)(A...)>(op.forward), args, out, std::index_sequence_for<A...>{});
  }
  template <size_t... I>
  static R with_out(R (*f)(Out, A...), Out out, const Value* args, std::index_sequence<I...>) {
    return f(out, Unbox<A>::from(args[I])...);
  }
  static void call_alloc(const OpRecord& op, const Value* args, Value* out) {
    box_return(with_out(reinterpret_cast<R (*)(Out, A...)>(op.forward), Out(), args,
                        std::index_sequence_for<A...>{}),
               out);
  }
  static void call_out(const OpRecord& op, const Value* args, const Tensor& out) {
    (void)with_out(reinterpret_cast<R (*)(Out, A...)>(op.forward), Out(out), args,
                   std::index_sequence_for<A...>{});
  }
};

}  // namespace detail

template <class Signature>
class Op;

template <class R, class... A>
class Op<R(A...)> {
 public:
  Op(const char* schema, R (*forward)(A...), OpSpec spec) : plain_(forward) {
    OpRecord* r = make(schema, spec);
    r->forward = reinterpret_cast<void (*)()>(forward);
    r->boxed = &detail::Boxer<R, A...>::call;
    record_ = r;
  }
  Op(const char* schema, R (*forward)(Out, A...), OpSpec spec) : with_out_(forward) {
    OpRecord* r = make(schema, spec);
    r->forward = reinterpret_cast<void (*)()>(forward);
    r->boxed = &detail::Boxer<R, A...>::call_alloc;
    r->boxed_out = &detail::Boxer<R, A...>::call_out;
    record_ = r;
  }

  const OpRecord& record() const { return *record_; }

  R operator()(A... a) const {
    const Modes& m = modes();
    const bool graph = m.grad && record_->spec.vjp != nullptr && (detail::wants_grad(a) || ...);
    if (!graph && !m.interceptor) [[likely]] {
      // Views note their base, so that in-place writes are seen; in grad mode that is the long way.
      if (m.grad ? !record_->spec.view : !record_->spec.vjp) {
        return plain_ ? plain_(a...) : with_out_(Out(), a...);
      }
      if (!m.grad) {
        R r = plain_ ? plain_(a...) : with_out_(Out(), a...);
        record_->spec.view ? detail::note_untracked_view(r, a...) : detail::drop_inner_view(r);
        return r;
      }
    }
    const Value args[sizeof...(A) + 1] = {Value(a)..., Value()};
    Value returns[OpRecord::kMaxReturns];
    call_boxed(*record_, args, returns);
    return detail::UnboxReturn<R>::from(returns);
  }

  // NAME_: writes the first argument.
  const Tensor& inplace(A... a) const {
    const Value args[] = {Value(a)...};
    call_inplace(*record_, args);
    return std::get<0>(std::tie(a...));
  }

 private:
  static OpRecord* make(const char* schema, const OpSpec& spec) {
    static constexpr ArgKind kinds[] = {Unbox<A>::kind..., ArgKind::Void};
    static constexpr bool optionals[] = {Unbox<A>::optional..., false};
    return detail::register_op(schema, spec, {kinds, sizeof...(A)}, {optionals, sizeof...(A)});
  }

  R (*plain_)(A...) = nullptr;
  R (*with_out_)(Out, A...) = nullptr;
  const OpRecord* record_ = nullptr;
};

template <class R, class... A>
Op(const char*, R (*)(A...), OpSpec) -> Op<R(A...)>;
template <class R, class... A>
Op(const char*, R (*)(Out, A...), OpSpec) -> Op<R(A...)>;

}  // namespace rt
