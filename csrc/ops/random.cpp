#include "ops/random.h"

#include <cmath>
#include <limits>
#include <utility>

#include "autograd/vjp.h"
#include "core/warning.h"
#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/memory_format.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor& out, const RandomFill&)> random_kernel{"random"};

int elements_per_counter(Distribution kind, DType computed) {
  return kind == Distribution::Bernoulli || computed == DType::Float32 ? 4 : 2;
}

DType random_compute_type(Distribution kind, DType result) {
  switch (kind) {
    case Distribution::Bernoulli:
      return DType::Bool;
    case Distribution::Integer:
      return DType::Int64;
    case Distribution::Cauchy:
    case Distribution::Geometric:
      return DType::Float64;
    default:
      return result == DType::Float64 ? DType::Float64 : DType::Float32;
  }
}

void fill_random(const Tensor& out, RandomFill fill, Generator* generator) {
  if (is_complex(out.dtype())) {
    NoGradGuard guard;
    return fill_random(ops::view_as_real(out), fill, generator);
  }
  const int k = elements_per_counter(fill.kind, random_compute_type(fill.kind, out.dtype()));
  const uint64_t counters = static_cast<uint64_t>((out.numel() + k - 1) / k);
  RT_CHECK(
      !generator || generator->device() == out.device(), Runtime, "random",
      cat_str("Expected a '", to_string(out.device()), "' device type for generator but found '",
              generator ? to_string(generator->device()) : "", "'"));
  fill.at =
      generator ? generator->reserve(counters) : default_generator(out.device())->reserve(counters);
  random_kernel(out, out, fill);
}

namespace {

using MaybeDType = std::optional<DType>;
using MaybeDevice = std::optional<Device>;

// What _like functions make room with: the layout of the input, another dtype or device.
Tensor room_like(const char* op, const Tensor& x, MaybeDType dtype, MaybeDevice device,
                 FormatName format) {
  return empty_in_format(op, x, memory_format(op, format, MemoryFormat::Preserve),
                         dtype.value_or(x.dtype()), device.value_or(x.device()));
}
Tensor room(IntList size, MaybeDType dtype, MaybeDevice device, const char* op) {
  return empty(size, dtype.value_or(default_dtype()), device.value_or(Device{}), op);
}

void check_float(const char* kernel, DType t) {
  RT_CHECK(!is_integral(t, true), NotImplemented, kernel,
           cat_str("\"", kernel, "\" not implemented for '", torch_type_name(t), "'"), "",
           "a floating-point dtype");
}

// ---- uniform in [0, 1) and standard normal ----

Tensor uniform01(Tensor t, Generator* g) {
  check_float("rand", t.dtype());
  fill_random(t, {.kind = Distribution::Uniform, .b = 1}, g);
  return t;
}
Tensor normal01(Tensor t, Generator* g) {
  check_float("randn", t.dtype());
  // A complex number of variance 1 has parts of variance 1/2.
  fill_random(t, {.kind = Distribution::Normal, .b = is_complex(t.dtype()) ? std::sqrt(0.5) : 1.0},
              g);
  return t;
}
Tensor rand_forward(IntList size, Generator* g, MaybeDType dtype, MaybeDevice device) {
  return uniform01(room(size, dtype, device, "rand"), g);
}
Tensor randn_forward(IntList size, Generator* g, MaybeDType dtype, MaybeDevice device) {
  return normal01(room(size, dtype, device, "randn"), g);
}
const Op rand_op(
    "rand(int[] size, *, Generator? generator=None, DType? dtype=None, Device? device=None) -> "
    "Tensor",
    rand_forward,
    {.in = "rt", .out = true, .random = true, .doc = R"(Numbers drawn evenly from [0, 1).

Floating or complex dtypes (both parts are drawn). Follows `torch.rand`.

>>> rt.rand(2, 3).shape
rustorch.Size([2, 3])
)"});
const Op randn_op(
    "randn(int[] size, *, Generator? generator=None, DType? dtype=None, Device? device=None) -> "
    "Tensor",
    randn_forward,
    {.in = "rt",
     .out = true,
     .random = true,
     .doc = R"(Numbers drawn from the normal distribution of mean 0 and variance 1.

Floating or complex dtypes. Follows `torch.randn`.

>>> rt.randn(2, 3).shape
rustorch.Size([2, 3])
)"});
Tensor rand_like_forward(const Tensor& x, Generator* g, MaybeDType dtype, MaybeDevice device,
                         FormatName format) {
  return uniform01(room_like("rand_like", x, dtype, device, format), g);
}
Tensor randn_like_forward(const Tensor& x, Generator* g, MaybeDType dtype, MaybeDevice device,
                          FormatName format) {
  return normal01(room_like("randn_like", x, dtype, device, format), g);
}
const Op rand_like_op(
    "rand_like(Tensor input, *, Generator? generator=None, DType? dtype=None, Device? device=None, "
    "str? memory_format=None) -> Tensor",
    rand_like_forward,
    {.in = "rt",
     .random = true,
     .doc = R"(`rand` with the shape, dtype and device of another tensor.

Follows `torch.rand_like`.

>>> rt.rand_like(rt.zeros(2)).shape
rustorch.Size([2])
)"});
const Op randn_like_op(
    "randn_like(Tensor input, *, Generator? generator=None, DType? dtype=None, Device? "
    "device=None, str? memory_format=None) -> Tensor",
    randn_like_forward,
    {.in = "rt",
     .random = true,
     .doc = R"(`randn` with the shape, dtype and device of another tensor.

Follows `torch.randn_like`.

>>> rt.randn_like(rt.zeros(2)).shape
rustorch.Size([2])
)"});

// ---- integers ----

double largest_finite(DType t) {
  if (t == DType::Float16) return 65504;
  if (t == DType::BFloat16) return 0x1.fep127;
  return t == DType::Float32 ? std::numeric_limits<float>::max()
                             : std::numeric_limits<double>::max();
}

// The largest integer up to which the type has them all.
double largest_exact(DType t) {
  switch (t) {
    case DType::Bool:
      return 1;
    case DType::UInt8:
      return 255;
    case DType::Int8:
      return 127;
    case DType::Int16:
      return 32767;
    case DType::Int32:
      return 2147483647;
    case DType::Float16:
      return 2048;
    case DType::BFloat16:
      return 256;
    case DType::Float32:
      return 16777216;
    case DType::Float64:
      return 9007199254740992;
    default:
      return 9223372036854775807.0;
  }
}
// Floats hold every integer only so far; beyond it some are never drawn.
void check_float_bound(const char* end, int64_t value, DType t) {
  const double most = largest_exact(t), at = static_cast<double>(value);
  RT_CHECK(std::abs(at) <= largest_finite(t), Runtime, "random_",
           cat_str(end, " is out of bounds for ", name(t)), cat_str(value));
  if (std::abs(at) <= most) return;
  const int bits = std::ilogb(most);
  warn("random_", cat_str(end, " is out of bounds [-(2^", bits, "), 2^", bits,
                          "]. Due to precision limitations ", name(t),
                          " can support discrete uniform distribution only within this range"));
}
void check_bounds(DType t, int64_t low, int64_t high) {
  RT_CHECK(
      low < high, Runtime, "random_",
      cat_str("random_ expects 'from' to be less than 'to', but got from=", low, " >= to=", high));
  RT_CHECK(!is_complex(t), NotImplemented, "random_",
           "\"random_\" not implemented for complex dtypes", name(t));
  if (!is_integral(t, true)) {
    check_float_bound("from", low, t);
    check_float_bound("to - 1", high - 1, t);
    return;
  }
  const double most = largest_exact(t);
  const double least = t == DType::Bool || t == DType::UInt8 ? 0 : -most - 1;
  RT_CHECK(static_cast<double>(low) >= least && static_cast<double>(low) <= most, Runtime,
           "random_", cat_str("from is out of bounds for ", name(t)), cat_str(low));
  RT_CHECK(static_cast<double>(high) - 1 >= least && static_cast<double>(high) - 1 <= most, Runtime,
           "random_", cat_str("to - 1 is out of bounds for ", name(t)), cat_str(high));
}
void fill_integers(const Tensor& t, int64_t low, int64_t high, Generator* g) {
  check_bounds(t.dtype(), low, high);
  fill_random(t,
              {.kind = Distribution::Integer,
               .base = low,
               .range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low)},
              g);
}
Tensor randint_low_forward(int64_t low, int64_t high, IntList size, Generator* g, MaybeDType dtype,
                           MaybeDevice device) {
  Tensor t = room(size, dtype.value_or(DType::Int64), device, "randint");
  fill_integers(t, low, high, g);
  return t;
}
Tensor randint_forward(int64_t high, IntList size, Generator* g, MaybeDType dtype,
                       MaybeDevice device) {
  return randint_low_forward(0, high, size, g, dtype, device);
}
const Op randint_op(
    "randint(int high, int[] size, *, Generator? generator=None, DType? dtype=None, Device? "
    "device=None) -> Tensor",
    randint_forward,
    {.in = "rt",
     .out = true,
     .random = true,
     .doc = R"(Integers drawn evenly from [low, high); low is 0 if not given.

int64 unless a dtype is given. Errors if low >= high. Follows `torch.randint`.

>>> rt.randint(0, 10, (2, 3)).shape
rustorch.Size([2, 3])
)"});
const Op randint_low_op(
    "randint.low(int low, int high, int[] size, *, Generator? generator=None, DType? dtype=None, "
    "Device? device=None) -> Tensor",
    randint_low_forward, {.in = "rt", .out = true, .random = true});
Tensor randint_like_low_forward(const Tensor& x, int64_t low, int64_t high, Generator* g,
                                MaybeDType dtype, MaybeDevice device, FormatName format) {
  Tensor t = room_like("randint_like", x, dtype, device, format);
  fill_integers(t, low, high, g);
  return t;
}
Tensor randint_like_forward(const Tensor& x, int64_t high, Generator* g, MaybeDType dtype,
                            MaybeDevice device, FormatName format) {
  return randint_like_low_forward(x, 0, high, g, dtype, device, format);
}
const Op randint_like_op(
    "randint_like(Tensor input, int high, *, Generator? generator=None, DType? dtype=None, Device? "
    "device=None, str? memory_format=None) -> Tensor",
    randint_like_forward,
    {.in = "rt",
     .random = true,
     .doc = R"(`randint` with the shape, dtype and device of another tensor.

Follows `torch.randint_like`.

>>> rt.randint_like(rt.zeros(2), 5).shape
rustorch.Size([2])
)"});
const Op randint_like_low_op(
    "randint_like.low(Tensor input, int low, int high, *, Generator? generator=None, DType? "
    "dtype=None, Device? device=None, str? memory_format=None) -> Tensor",
    randint_like_low_forward, {.in = "rt", .random = true});

// ---- In-place draws: the old values do not matter, so no gradient reaches them ----

void no_gradient_vjp(VjpContext& c) {
  if (c.needs(0)) c.set(0, ops::zeros(c.sizes(0), c.meta(0).dtype, c.meta(0).device));
}
Tensor target_of(Out out, const Tensor& self) { return out ? *out : empty_like(self); }

#define RT_DRAW_OP(fn, schema, text)        \
  const Op fn##_op(schema, fn##_forward,    \
                   {.vjp = no_gradient_vjp, \
                    .in = "Tensor.inplace", \
                    .inplace = true,        \
                    .random = true,         \
                    .doc = text})

Tensor uniform_forward(Out out, const Tensor& self, double from, double to, Generator* g) {
  const Tensor t = target_of(out, self);
  check_float("uniform_", t.dtype());
  RT_CHECK(from <= to, Runtime, "uniform_",
           cat_str("uniform_ expects to return a [from, to) range, but found from=", from,
                   " > to=", to));
  const double most = largest_finite(t.dtype());
  for (const auto& [end, bound] : {std::pair{"from", from}, std::pair{"to", to}}) {
    RT_CHECK(std::abs(bound) <= most, Runtime, "uniform_",
             cat_str(end, " is out of bounds for ", name(t.dtype())), cat_str(bound));
  }
  RT_CHECK(to - from <= most, Runtime, "uniform_",
           cat_str("uniform_ expects to-from <= ", most, ", the largest ", name(t.dtype()),
                   ", but found to=", to, " and from=", from),
           "", "a narrower range");
  fill_random(t, {.kind = Distribution::Uniform, .a = from, .b = to}, g);
  return t;
}
RT_DRAW_OP(
    uniform,
    "uniform(Tensor input, float from=0, float to=1, *, Generator? generator=None) -> Tensor",
    R"(Fills the tensor with numbers drawn evenly from [from, to).

Follows `torch.Tensor.uniform_`.

>>> rt.zeros(2).uniform_(1, 2).shape
rustorch.Size([2])
)");

Tensor normal_inplace_forward(Out out, const Tensor& self, double mean, double std, Generator* g) {
  const Tensor t = target_of(out, self);
  check_float("normal_", t.dtype());
  RT_CHECK(std >= 0, Runtime, "normal_", cat_str("normal expects std >= 0.0, but found std ", std));
  if (is_complex(t.dtype())) std *= std::sqrt(0.5);
  fill_random(t, {.kind = Distribution::Normal, .a = mean, .b = std}, g);
  return t;
}
RT_DRAW_OP(
    normal_inplace,
    "normal.fill(Tensor input, float mean=0, float std=1, *, Generator? generator=None) -> Tensor",
    R"(Fills the tensor with numbers of a normal distribution.

Follows `torch.Tensor.normal_`.

>>> rt.zeros(2).normal_(0, 2).shape
rustorch.Size([2])
)");

Tensor log_normal_forward(Out out, const Tensor& self, double mean, double std, Generator* g) {
  const Tensor t = target_of(out, self);
  RT_CHECK(is_floating(t.dtype()), NotImplemented, "log_normal_",
           cat_str("\"log_normal\" not implemented for '", torch_type_name(t.dtype()), "'"), "",
           "a floating-point dtype");
  RT_CHECK(std > 0, Runtime, "log_normal_",
           cat_str("log_normal_ expects std > 0.0, but found std=", std));
  fill_random(t, {.kind = Distribution::LogNormal, .a = mean, .b = std}, g);
  return t;
}
RT_DRAW_OP(
    log_normal,
    "log_normal(Tensor input, float mean=1, float std=2, *, Generator? generator=None) -> Tensor",
    R"(Fills the tensor with numbers whose logarithm is normally distributed.

Follows `torch.Tensor.log_normal_`.

>>> rt.zeros(2).log_normal_().shape
rustorch.Size([2])
)");

Tensor exponential_forward(Out out, const Tensor& self, double lambd, Generator* g) {
  const Tensor t = target_of(out, self);
  RT_CHECK(is_floating(t.dtype()), Runtime, "exponential_",
           cat_str("Exponential distribution is a continuous probability distribution. dtype must "
                   "be a floating "
                   "point but you specified ",
                   name(t.dtype())));
  RT_CHECK(lambd > 0, Runtime, "exponential_",
           cat_str("exponential_ expects lambda > 0.0, but found lambda=", lambd));
  fill_random(t, {.kind = Distribution::Exponential, .a = lambd}, g);
  return t;
}
RT_DRAW_OP(exponential,
           "exponential(Tensor input, float lambd=1, *, Generator? generator=None) -> Tensor",
           R"(Fills the tensor with numbers of the exponential distribution of rate `lambd`.

Follows `torch.Tensor.exponential_`.

>>> rt.zeros(2).exponential_().shape
rustorch.Size([2])
)");

Tensor cauchy_forward(Out out, const Tensor& self, double median, double sigma, Generator* g) {
  const Tensor t = target_of(out, self);
  RT_CHECK(is_floating(t.dtype()), Runtime, "cauchy_",
           cat_str("Cauchy distribution is a continuous probability distribution. dtype must be a "
                   "floating point "
                   "but you specified ",
                   name(t.dtype())));
  RT_CHECK(sigma > 0, Runtime, "cauchy_",
           cat_str("cauchy_ expects sigma > 0.0, but found sigma=", sigma));
  fill_random(t, {.kind = Distribution::Cauchy, .a = median, .b = sigma}, g);
  return t;
}
RT_DRAW_OP(
    cauchy,
    "cauchy(Tensor input, float median=0, float sigma=1, *, Generator? generator=None) -> Tensor",
    R"(Fills the tensor with numbers of a Cauchy distribution.

Follows `torch.Tensor.cauchy_`.

>>> rt.zeros(2).cauchy_().shape
rustorch.Size([2])
)");

Tensor geometric_forward(Out out, const Tensor& self, double p, Generator* g) {
  const Tensor t = target_of(out, self);
  RT_CHECK(!is_complex(t.dtype()) && t.dtype() != DType::Bool, NotImplemented, "geometric_",
           cat_str("\"geometric_\" not implemented for '", torch_type_name(t.dtype()), "'"));
  RT_CHECK(p > 0 && p < 1, Runtime, "geometric_",
           cat_str("geometric_ expects p to be in (0, 1), but got p=", p));
  fill_random(t, {.kind = Distribution::Geometric, .a = std::log1p(-p)}, g);
  return t;
}
RT_DRAW_OP(
    geometric, "geometric(Tensor input, float p, *, Generator? generator=None) -> Tensor",
    R"(Fills the tensor with the number of trials up to the first success, of probability `p`.

Follows `torch.Tensor.geometric_`.

>>> rt.zeros(2).geometric_(0.5).shape
rustorch.Size([2])
)");

Tensor random_range_forward(Out out, const Tensor& self, int64_t from, std::optional<int64_t> to,
                            Generator* g) {
  const Tensor t = target_of(out, self);
  if (to) {
    fill_integers(t, from, *to, g);
    return t;
  }
  RT_CHECK(!is_complex(t.dtype()), NotImplemented, "random_",
           "\"random_\" not implemented for complex dtypes", name(t.dtype()));
  if (t.dtype() == DType::Int64) {
    fill_random(t,
                {.kind = Distribution::Integer,
                 .base = from,
                 .range = static_cast<uint64_t>(INT64_MAX) - static_cast<uint64_t>(from) + 1},
                g);
  } else {
    fill_integers(t, from, static_cast<int64_t>(largest_exact(t.dtype())) + 1, g);
  }
  return t;
}
Tensor random_to_forward(Out out, const Tensor& self, int64_t to, Generator* g) {
  return random_range_forward(out, self, 0, to, g);
}
Tensor random_forward(Out out, const Tensor& self, Generator* g) {
  return random_range_forward(out, self, 0, std::nullopt, g);
}
RT_DRAW_OP(random, "random(Tensor input, *, Generator? generator=None) -> Tensor",
           R"(Fills the tensor with integers drawn evenly from [from, to).

Without bounds: from 0 to the largest value, or to the largest integer up to which a floating-point
type has them all. Follows `torch.Tensor.random_`.

>>> rt.zeros(2).random_(5).shape
rustorch.Size([2])
)");
RT_DRAW_OP(random_to, "random.to(Tensor input, int to, *, Generator? generator=None) -> Tensor",
           "");
RT_DRAW_OP(random_range,
           "random.from(Tensor input, int from, int? to, *, Generator? generator=None) -> Tensor",
           "");

}  // namespace

namespace ops {

Tensor rand(IntList size, Generator* g, MaybeDType dtype, MaybeDevice device) {
  return rand_op(size, g, dtype, device);
}
Tensor randn(IntList size, Generator* g, MaybeDType dtype, MaybeDevice device) {
  return randn_op(size, g, dtype, device);
}

}  // namespace ops
}  // namespace rt
