#include "ops/range.h"

#include <cmath>

#include "core/warning.h"
#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor& out, const Sequence&)> sequence_kernel{"sequence"};

namespace {

using MaybeDType = std::optional<DType>;
using MaybeDevice = std::optional<Device>;

Tensor fill_sequence(int64_t n, DType dtype, MaybeDevice device, const char* op,
                     const Sequence& s) {
  Tensor t = empty({n}, dtype, device.value_or(Device{}), op);
  if (n > 0) sequence_kernel(t, t, s);
  return t;
}

int64_t arange_length(const char* op, const Scalar& start, const Scalar& end, const Scalar& step) {
  RT_CHECK(!start.is_complex() && !end.is_complex() && !step.is_complex(), Runtime, op,
           "value cannot be converted to type double without overflow",
           cat_str(start, ", ", end, ", ", step));
  RT_CHECK(step.to_bool(), Runtime, op, "step must be nonzero");
  const double a = start.to_double(), b = end.to_double(), h = step.to_double();
  RT_CHECK(std::isfinite(a) && std::isfinite(b), Runtime, op,
           cat_str("unsupported range: ", start, " -> ", end));
  RT_CHECK((h > 0 && b >= a) || (h < 0 && b <= a), Runtime, op,
           "upper bound and lower bound inconsistent with step sign",
           cat_str("start ", start, ", end ", end, ", step ", step));
  if (start.is_integral() && end.is_integral() && step.is_integral()) {
    // Unsigned, because the distance of two int64 may take 64 bits.
    const uint64_t distance =
        h > 0 ? static_cast<uint64_t>(end.to_int()) - static_cast<uint64_t>(start.to_int())
              : static_cast<uint64_t>(start.to_int()) - static_cast<uint64_t>(end.to_int());
    const uint64_t stride =
        h > 0 ? static_cast<uint64_t>(step.to_int()) : -static_cast<uint64_t>(step.to_int());
    const uint64_t n = distance / stride + (distance % stride != 0);
    RT_CHECK(n <= static_cast<uint64_t>(INT64_MAX), Runtime, op,
             "invalid size, possible overflow?");
    return static_cast<int64_t>(n);
  }
  const double n = std::ceil((b - a) / h);
  RT_CHECK(n >= 0 && n < 9.2e18, Runtime, op, "invalid size, possible overflow?", cat_str(n));
  return static_cast<int64_t>(n);
}

Tensor arange_forward(Scalar start, Scalar end, Scalar step, MaybeDType dtype, MaybeDevice device) {
  const bool integral = start.is_integral() && end.is_integral() && step.is_integral();
  const DType type = dtype.value_or(integral ? DType::Int64 : default_dtype());
  RT_CHECK(type != DType::Bool, NotImplemented, "arange",
           "\"arange_cpu\" not implemented for 'Bool'", "", "an integer dtype");
  Sequence s{};
  if (is_integral(type)) {
    // As in PyTorch, an integer result starts and steps by truncated numbers. int64 is counted by
    // them too, and the narrower types by the numbers as given.
    const Scalar a = start.to_int(), h = step.to_int();
    const bool by_integers = !integral && type == DType::Int64;
    RT_CHECK(!by_integers || h.to_bool() || !step.to_bool(), Value, "arange",
             "step must be nonzero", cat_str("step ", step, " of int64"));
    const int64_t n = by_integers ? arange_length("arange", a, Scalar(end.to_int()), h)
                                  : arange_length("arange", start, end, step);
    s.kind = Sequence::Kind::Integers;
    s.first = a.to_int();
    s.step = h.to_int();
    return fill_sequence(n, type, device, "arange", s);
  }
  s.kind = Sequence::Kind::Reals;
  s.start = start.to_double();
  s.real_step = step.to_double();
  return fill_sequence(arange_length("arange", start, end, step), type, device, "arange", s);
}
Tensor arange_end_forward(Scalar end, MaybeDType dtype, MaybeDevice device) {
  return arange_forward(0, end, 1, dtype, device);
}
const Op arange_end_op(
    "arange(Scalar end, *, DType? dtype=None, Device? device=None) -> Tensor", arange_end_forward,
    {.in = "rt",
     .out = true,
     .doc = R"(The numbers from `start` (0) up to but without `end`, in steps of `step` (1).

int64 if all are integers, else the default float dtype. Follows `torch.arange`.

>>> rt.arange(4)
tensor([0, 1, 2, 3])
)"});
const Op arange_op(
    "arange.start(Scalar start, Scalar end, Scalar step=1, *, DType? dtype=None, Device? "
    "device=None) -> Tensor",
    arange_forward, {.in = "rt", .out = true});

// The older form, which includes `end`.
Tensor range_forward(Scalar start, Scalar end, Scalar step, MaybeDType dtype, MaybeDevice device) {
  (void)arange_length("range", start, end, step);
  const DType type = dtype.value_or(default_dtype());
  const double steps = (end.to_double() - start.to_double()) / step.to_double();
  Sequence s{};
  s.kind = is_integral(type, true) ? Sequence::Kind::Integers : Sequence::Kind::Reals;
  s.first = start.to_int();
  s.step = step.to_int();
  s.start = start.to_double();
  s.real_step = step.to_double();
  warn("range", "deprecated, since unlike Python's range it includes the end; use rustorch.arange");
  return fill_sequence(static_cast<int64_t>(std::floor(steps)) + 1, type, device, "range", s);
}
const Op range_op(
    "range(Scalar start=0, Scalar end, Scalar step=1, *, DType? dtype=None, Device? device=None) "
    "-> Tensor",
    range_forward,
    {.in = "rt",
     .out = true,
     .doc = R"(The numbers from `start` to `end`, both included; `arange` is preferred.

Follows `torch.range`.

>>> rt.range(1, 3)
tensor([1., 2., 3.])
)"});

DType spaced_dtype(const char* op, MaybeDType dtype, const Scalar& start, const Scalar& end) {
  const bool complex = start.is_complex() || end.is_complex();
  const DType type = dtype.value_or(complex ? complex_of(default_dtype()) : default_dtype());
  RT_CHECK(!complex || is_complex(type), Runtime, op,
           cat_str("torch.", op, "(): inferred dtype ", name(complex_of(default_dtype())),
                   " can't be safely cast to passed dtype ", name(type)));
  return type;
}
// As in PyTorch, integers lie between truncated ends.
void fit_ends(const char* op, DType type, Scalar* start, Scalar* end) {
  if (!is_integral(type, true)) return;
  for (Scalar* s : {start, end}) {
    check_number_fits(op, *s, type);
    *s = s->to_int();
  }
}
void check_steps(const char* op, int64_t steps) {
  RT_CHECK(steps >= 0, Runtime, op, "number of steps must be non-negative", cat_str(steps));
}

Tensor linspace_forward(Scalar start, Scalar end, int64_t steps, MaybeDType dtype,
                        MaybeDevice device) {
  const DType type = spaced_dtype("linspace", dtype, start, end);
  check_steps("linspace", steps);
  fit_ends("linspace", type, &start, &end);
  Sequence s{};
  s.kind = Sequence::Kind::Between;
  if (!is_complex(type)) {
    s.start = start.to_double();
    s.end = end.to_double();
    return fill_sequence(steps, type, device, "linspace", s);
  }
  Tensor t = empty({steps}, type, device.value_or(Device{}), "linspace");
  if (steps == 0) return t;
  for (int part = 0; part < 2; ++part) {
    const auto a = start.to_complex(), b = end.to_complex();
    s.start = part == 0 ? a.real() : a.imag();
    s.end = part == 0 ? b.real() : b.imag();
    const Tensor line = fill_sequence(steps, real_of(type), device, "linspace", s);
    copy_kernel(t, make_view(t, {steps}, {2}, part, real_of(type)), line);
  }
  return t;
}
const Op linspace_op(
    "linspace(Scalar start, Scalar end, int steps, *, DType? dtype=None, Device? device=None) -> "
    "Tensor",
    linspace_forward,
    {.in = "rt",
     .out = true,
     .doc = R"(`steps` numbers evenly spaced from `start` to `end`, both included.

Follows `torch.linspace`.

>>> rt.linspace(0, 1, 3)
tensor([0.0000, 0.5000, 1.0000])
)"});

Tensor logspace_forward(Scalar start, Scalar end, int64_t steps, double base, MaybeDType dtype,
                        MaybeDevice device) {
  const DType type = spaced_dtype("logspace", dtype, start, end);
  check_steps("logspace", steps);
  fit_ends("logspace", type, &start, &end);
  if (is_complex(type)) {
    return ops::pow(scalar_tensor(base, type, device.value_or(Device{})),
                    linspace_forward(start, end, steps, type, device));
  }
  Sequence s{};
  s.kind = Sequence::Kind::Powers;
  s.start = start.to_double();
  s.end = end.to_double();
  s.base = base;
  return fill_sequence(steps, type, device, "logspace", s);
}
const Op logspace_op(
    "logspace(Scalar start, Scalar end, int steps, float base=10.0, *, DType? dtype=None, Device? "
    "device=None) "
    "-> Tensor",
    logspace_forward,
    {.in = "rt",
     .out = true,
     .doc = R"(`steps` powers of `base`, with exponents evenly spaced from `start` to `end`.

Follows `torch.logspace`.

>>> rt.logspace(0, 2, 3)
tensor([  1.,  10., 100.])
)"});

// ---- eye ----

Tensor eye_rows_forward(int64_t n, int64_t m, MaybeDType dtype, MaybeDevice device) {
  RT_CHECK(n >= 0, Runtime, "eye", cat_str("n must be greater or equal to 0, got ", n));
  RT_CHECK(m >= 0, Runtime, "eye", cat_str("m must be greater or equal to 0, got ", m));
  Tensor t = ops::zeros({n, m}, dtype, device);
  if (t.numel() > 0) {
    const Tensor diagonal = make_view(t, {std::min(n, m)}, {m + 1}, 0);
    copy_kernel(t, diagonal, scalar_tensor(1, t.dtype()));
  }
  return t;
}
Tensor eye_forward(int64_t n, MaybeDType dtype, MaybeDevice device) {
  return eye_rows_forward(n, n, dtype, device);
}
const Op eye_op(
    "eye(int n, *, DType? dtype=None, Device? device=None) -> Tensor", eye_forward,
    {.in = "rt",
     .out = true,
     .doc = R"(A matrix with ones on its diagonal and zeros elsewhere, square unless `m` is given.

Follows `torch.eye`.

>>> rt.eye(2)
tensor([[1., 0.],
        [0., 1.]])
)"});
const Op eye_rows_op("eye.m(int n, int m, *, DType? dtype=None, Device? device=None) -> Tensor",
                     eye_rows_forward, {.in = "rt", .out = true});

}  // namespace

namespace ops {

Tensor arange(Scalar start, Scalar end, Scalar step, MaybeDType dtype, MaybeDevice device) {
  return arange_op(start, end, step, dtype, device);
}
Tensor linspace(double start, double end, int64_t steps, MaybeDType dtype, MaybeDevice device) {
  return linspace_op(start, end, steps, dtype, device);
}

}  // namespace ops
}  // namespace rt
