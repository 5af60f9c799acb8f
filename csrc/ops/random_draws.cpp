// Random tensors whose distribution is given by other tensors, and permutations.
#include <cmath>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/index_support.h"
#include "ops/ops.h"

namespace rt {

KernelSlot<void(const Tensor& out, Generator::State at)> randperm_kernel{"randperm"};
KernelSlot<void(const Tensor& out, const Tensor& rates, Generator::State at)> poisson_kernel{
    "poisson"};
KernelSlot<void(const Tensor& indices, const Tensor& weights, const Tensor& uniform,
                bool replacement)>
    multinomial_kernel{"multinomial"};

namespace {

using MaybeDType = std::optional<DType>;
using MaybeDevice = std::optional<Device>;

Generator::State reserve(Generator* g, Device device, int64_t counters) {
  const auto n = static_cast<uint64_t>(counters);
  return g ? g->reserve(n) : default_generator(device)->reserve(n);
}
bool truth(const Tensor& condition) { return item(condition).to_bool(); }
bool all_between(const Tensor& x, double low, double high) {
  NoGradGuard guard;
  const Tensor inside = ops::mul(ops::ge(x, Scalar(low)), ops::le(x, Scalar(high)));
  return !truth(ops::any(ops::eq(inside, Scalar(false))));
}
void zero_gradient_vjp(VjpContext& c) {
  if (c.needs(0)) c.set(0, ops::zeros(c.sizes(0), c.meta(0).dtype, c.meta(0).device));
}
void zero_gradients_vjp(VjpContext& c) {
  for (int i = 0; i < 2; ++i) {
    if (c.needs(i)) c.set(i, ops::zeros(c.sizes(i), c.meta(i).dtype, c.meta(i).device));
  }
}

// ---- randperm ----

Tensor randperm_forward(int64_t n, Generator* g, MaybeDType dtype, MaybeDevice device) {
  RT_CHECK(n >= 0, Runtime, "randperm", cat_str("n must be non-negative, got", n));
  const DType type = dtype.value_or(DType::Int64);
  RT_CHECK(type != DType::Bool && !is_complex(type), NotImplemented, "randperm",
           cat_str("\"randperm\" not implemented for '", torch_type_name(type), "'"));
  const Tensor last = scalar_tensor(std::max<int64_t>(n - 1, 0), type);
  RT_CHECK(item(last).to_double() == static_cast<double>(std::max<int64_t>(n - 1, 0)), Runtime,
           "randperm",
           cat_str("value cannot be converted to type ", name(type), " without overflow"),
           cat_str(n));
  const Tensor order = empty({n}, DType::Int64, device.value_or(Device{}), "randperm");
  randperm_kernel(order, order, reserve(g, order.device(), (n + 1) / 2));
  return ops::to(order, type);
}
const Op randperm_op(
    "randperm(int n, *, Generator? generator=None, DType? dtype=None, Device? device=None) -> "
    "Tensor",
    randperm_forward,
    {.in = "rt",
     .out = true,
     .random = true,
     .kernels = {&randperm_kernel},
     .doc = R"(The integers from 0 to n - 1 in random order.

int64 unless a dtype is given. Follows `torch.randperm`.

>>> sorted(rt.randperm(4).tolist())
[0, 1, 2, 3]
)"});

// ---- normal, of given means and deviations ----

Tensor standard_normal(IntList size, DType type, Device device, Generator* g) {
  Tensor t = empty(size, type, device, "normal");
  fill_random(t, {.kind = Distribution::Normal, .b = is_complex(type) ? std::sqrt(0.5) : 1.0}, g);
  return t;
}
Tensor normal_tensors_forward(const Tensor& mean, const Tensor& std, Generator* g) {
  RT_CHECK(!is_complex(std.dtype()), Runtime, "normal",
           "normal expects standard deviation to be non-complex", describe(std));
  RT_CHECK(std.numel() == 0 || !truth(ops::any(ops::lt(std, Scalar(0)))), Runtime, "normal",
           "normal expects all elements of std >= 0.0", describe(std));
  const Dims size = broadcast_shapes(mean.sizes(), std.sizes(), "normal");
  const DType type = is_integral(mean.dtype(), true) ? default_dtype() : mean.dtype();
  return ops::to(mean + std * standard_normal(size, type, mean.device(), g), type);
}
Tensor normal_mean_forward(const Tensor& mean, double std, Generator* g) {
  RT_CHECK(std >= 0, Runtime, "normal", cat_str("normal expects std >= 0.0, but found std ", std));
  const DType type = is_integral(mean.dtype(), true) ? default_dtype() : mean.dtype();
  return mean + standard_normal(mean.sizes(), type, mean.device(), g) * Scalar(std);
}
Tensor normal_std_forward(double mean, const Tensor& std, Generator* g) {
  return normal_tensors_forward(ops::full(std.sizes(), mean, float_type(std.dtype()), std.device()),
                                std, g);
}
Tensor normal_size_forward(double mean, double std, IntList size, Generator* g, MaybeDType dtype,
                           MaybeDevice device) {
  RT_CHECK(std >= 0, Runtime, "normal", cat_str("normal expects std >= 0.0, but found std ", std));
  Tensor t = empty(size, dtype.value_or(default_dtype()), device.value_or(Device{}), "normal");
  RT_CHECK(!is_integral(t.dtype(), true), NotImplemented, "normal",
           cat_str("\"normal_kernel_cpu\" not implemented for '", torch_type_name(t.dtype()), "'"));
  fill_random(t,
              {.kind = Distribution::Normal,
               .a = mean,
               .b = is_complex(t.dtype()) ? std * std::sqrt(0.5) : std},
              g);
  return t;
}
const Op normal_op(
    "normal.tensors(Tensor mean, Tensor std, *, Generator? generator=None) -> Tensor",
    normal_tensors_forward,
    {.vjp = zero_gradients_vjp,
     .in = "rt",
     .out = true,
     .random = true,
     .doc = R"(Numbers of normal distributions with the given means and standard deviations.

Each is a tensor or a number; for two numbers `size` gives the shape. No gradient flows back.
Follows `torch.normal`.

>>> rt.normal(rt.zeros(3), rt.ones(3)).shape
rustorch.Size([3])
)"});
const Op normal_mean_op(
    "normal.mean(Tensor mean, float std=1.0, *, Generator? generator=None) -> Tensor",
    normal_mean_forward, {.vjp = zero_gradient_vjp, .in = "rt", .out = true, .random = true});
const Op normal_std_op("normal.std(float mean, Tensor std, *, Generator? generator=None) -> Tensor",
                       normal_std_forward,
                       {.vjp = zero_gradients_vjp, .in = "rt", .out = true, .random = true});
const Op normal_size_op(
    "normal(float mean, float std, int[] size, *, Generator? generator=None, DType? dtype=None, "
    "Device? device=None) -> Tensor",
    normal_size_forward, {.in = "rt", .out = true, .random = true});

// ---- bernoulli ----

void check_probability(const char* op, double p) {
  RT_CHECK(p >= 0 && p <= 1, Runtime, op, cat_str(op, " expects p to be in [0, 1], but got p=", p));
}
uint64_t threshold(double p) { return static_cast<uint64_t>(std::llround(p * 4294967296.0)); }

// Whether a uniform number of the probabilities' precision is below each: a bool tensor.
Tensor successes(const Tensor& p, Generator* g) {
  RT_CHECK(
      is_floating(p.dtype()), NotImplemented, "bernoulli",
      cat_str("\"bernoulli_tensor_cpu_p_\" not implemented for '", torch_type_name(p.dtype()), "'"),
      describe(p), "floating-point probabilities");
  RT_CHECK(p.numel() == 0 || all_between(p, 0, 1), Runtime, "bernoulli",
           "Expected p_in >= 0 && p_in <= 1 to be true, but got false.", describe(p));
  const Tensor u = empty(p.sizes(), compute_type(p.dtype()), p.device(), "bernoulli");
  fill_random(u, {.kind = Distribution::Uniform, .b = 1}, g);
  return ops::lt(u, p);
}
void fill_bernoulli(const Tensor& t, double p, Generator* g, const char* op) {
  check_probability(op, p);
  RT_CHECK(!is_complex(t.dtype()), NotImplemented, op,
           cat_str("\"", op, "\" not implemented for complex dtypes"));
  fill_random(t, {.kind = Distribution::Bernoulli, .a = p, .range = threshold(p)}, g);
}
Tensor bernoulli_forward(const Tensor& p, Generator* g) {
  return ops::to(successes(p, g), p.dtype());
}
Tensor bernoulli_p_forward(const Tensor& x, double p, Generator* g) {
  Tensor t = empty_like(x);
  fill_bernoulli(t, p, g, "bernoulli");
  return t;
}
Tensor bernoulli_fill_forward(Out out, const Tensor& self, double p, Generator* g) {
  Tensor t = out ? *out : empty_like(self);
  fill_bernoulli(t, p, g, "bernoulli_");
  return t;
}
Tensor bernoulli_fill_tensor_forward(const Tensor& self, const Tensor& p, Generator* g) {
  // A number of its own for every element, also where they share a probability.
  return ops::to(successes(ops::expand(p, self.sizes()), g), self.dtype());
}
const Op bernoulli_op("bernoulli(Tensor input, *, Generator? generator=None) -> Tensor",
                      bernoulli_forward,
                      {.vjp = zero_gradient_vjp,
                       .out = true,
                       .random = true,
                       .doc = R"(Ones with the probabilities that the input gives, else zeros.

With `p`, a number, every element has that probability; the in-place form takes a number or a tensor.
Follows `torch.bernoulli`.

>>> rt.bernoulli(rt.tensor([0., 1.]))
tensor([0., 1.])
)"});
const Op bernoulli_p_op(
    "bernoulli.p(Tensor input, float p, *, Generator? generator=None) -> Tensor",
    bernoulli_p_forward, {.vjp = zero_gradient_vjp, .random = true});
const Op bernoulli_fill_op(
    "bernoulli.fill(Tensor input, float p=0.5, *, Generator? generator=None) -> Tensor",
    bernoulli_fill_forward,
    {.vjp = zero_gradient_vjp, .in = "Tensor.inplace", .inplace = true, .random = true});
const Op bernoulli_fill_tensor_op(
    "bernoulli.fill_tensor(Tensor input, Tensor p, *, Generator? generator=None) -> Tensor",
    bernoulli_fill_tensor_forward,
    {.vjp = zero_gradients_vjp, .in = "Tensor.inplace", .inplace = true, .random = true});

// ---- poisson ----

Tensor poisson_forward(const Tensor& rates, Generator* g) {
  RT_CHECK(is_floating(rates.dtype()), NotImplemented, "poisson",
           cat_str("\"poisson_cpu\" not implemented for '", torch_type_name(rates.dtype()), "'"),
           describe(rates));
  RT_CHECK(rates.numel() == 0 || all_between(rates, 0, INFINITY), Runtime, "poisson",
           "invalid Poisson rate, expected rate to be non-negative", describe(rates));
  const Tensor dense = ops::contiguous(ops::to(rates, DType::Float64));
  const Tensor out = empty(rates.sizes(), DType::Float64, rates.device(), "poisson");
  poisson_kernel(out, out, dense, reserve(g, rates.device(), rates.numel()));
  return ops::to(out, rates.dtype());
}
const Op poisson_op(
    "poisson(Tensor input, Generator? generator=None) -> Tensor", poisson_forward,
    {.vjp = zero_gradient_vjp,
     .in = "rt",
     .random = true,
     .kernels = {&poisson_kernel},
     .doc = R"(Numbers of events of Poisson distributions with the given rates, in the rates' dtype.

Errors if a rate is negative. Follows `torch.poisson`.

>>> rt.poisson(rt.zeros(2))
tensor([0., 0.])
)"});

// ---- multinomial ----

Tensor multinomial_forward(const Tensor& weights, int64_t draws, bool replacement, Generator* g) {
  RT_CHECK(weights.dim() == 1 || weights.dim() == 2, Runtime, "multinomial",
           "prob_dist must be 1 or 2 dim", describe(weights));
  RT_CHECK(is_floating(weights.dtype()), Runtime, "multinomial",
           cat_str("multinomial only supports floating-point dtypes for input, got: ",
                   name(weights.dtype())));
  RT_CHECK(draws > 0, Runtime, "multinomial", "cannot sample n_sample <= 0 samples",
           cat_str(draws));
  const int64_t n = weights.sizes().back();
  RT_CHECK(replacement || draws <= n, Runtime, "multinomial",
           "cannot sample n_sample > prob_dist.size(-1) samples without replacement",
           cat_str(draws));
  RT_CHECK(n <= (int64_t{1} << 24), Runtime, "multinomial",
           "number of categories cannot exceed 2^24", cat_str(n));
  Dims size(weights.sizes());
  size.back() = draws;
  const Tensor indices = empty(size, DType::Int64, weights.device(), "multinomial");
  if (indices.numel() == 0) return indices;
  const Tensor dense = ops::contiguous(ops::to(weights, DType::Float64));
  RT_CHECK(all_between(dense, 0, 1.7976931348623157e308), Runtime, "multinomial",
           "probability tensor contains either `inf`, `nan` or element < 0", describe(weights));
  RT_CHECK(!truth(ops::any(ops::le(ops::sum(dense, {-1}), Scalar(0)))), Runtime, "multinomial",
           "invalid multinomial distribution (sum of probabilities <= 0)", describe(weights));
  size.back() = replacement ? draws : n;
  // 1 - [0, 1) is (0, 1].
  Tensor uniform = empty(size, DType::Float64, weights.device(), "multinomial");
  fill_random(uniform, {.kind = Distribution::Uniform, .b = 1}, g);
  uniform = ops::sub(ops::ones({}, DType::Float64, weights.device()), uniform);
  multinomial_kernel(indices, indices, dense, uniform, replacement);
  return indices;
}
const Op multinomial_op(
    "multinomial(Tensor input, int num_samples, bool replacement=False, *, Generator? "
    "generator=None) -> Tensor",
    multinomial_forward,
    {.out = true,
     .random = true,
     .integer_result = true,
     .kernels = {&multinomial_kernel},
     .doc = R"(Indices drawn by the weights of each row, which need not add up to one.

A vector or a matrix of weights. Errors for negative or infinite weights, for rows that are all zero,
and for more draws than categories without replacement. Follows `torch.multinomial`.

>>> rt.multinomial(rt.tensor([0., 1., 0.]), 2, replacement=True)
tensor([1, 1])
)"});

}  // namespace

}  // namespace rt
