// Sequences and random fills on every compute device.
#include <bit>
#include <cmath>

#include "gpu/dense.h"
#include "ops/random.h"
#include "ops/range.h"
#include "rt_creation_plans.h"

namespace rt::gpu {

namespace {

// What needs float64 or goes one step at a time is made on the host, by the CPU's kernel.
template <class Make>
void fill_from_host(const Tensor& out, Make make) {
  const Tensor host = empty(out.sizes(), out.dtype());
  make(host);
  const size_t item = out.item_size();
  Tensor dense = out.is_contiguous() ? out : empty(out.sizes(), out.dtype(), out.device());
  engine_for(out.device(), "copy_")
      .copy_from_host(*dense.storage(), static_cast<size_t>(dense.offset()) * item, host.data(),
                      static_cast<size_t>(host.numel()) * item);
  if (!out.is_contiguous()) copy_kernel(out, out, dense);
}

// ---- Sequences ----

// A number as two floats that add up to 48 bits of it.
void split(double x, float* parts) {
  parts[0] = static_cast<float>(x);
  parts[1] = static_cast<float>(x - static_cast<double>(parts[0]));
}

SequencePlan plan_of(const Sequence& s, int64_t n) {
  SequencePlan p{};
  p.last = static_cast<uint64_t>(n - 1);
  p.first = s.first;
  p.step = s.step;
  if (s.kind == Sequence::Kind::Integers) return p;
  const bool between = s.kind == Sequence::Kind::Between;
  p.turn = static_cast<uint64_t>(between && n > 1 ? n / 2 : n);
  double step = s.real_step;
  if (between) step = n > 1 ? (s.end - s.start) / static_cast<double>(n - 1) : 0;
  const double widest = std::max({std::fabs(s.start), std::fabs(between ? s.end : 0.0),
                                  std::fabs(step) * static_cast<double>(n)});
  int exponent = 0;
  std::frexp(widest, &exponent);
  const int part = exponent / 2;
  p.scale[0] = std::ldexp(1.0f, part);
  p.scale[1] = std::ldexp(1.0f, exponent - part);
  split(std::ldexp(s.start, -exponent), p.start);
  split(std::ldexp(step, -exponent), p.real_step);
  split(std::ldexp(s.end, -exponent), p.end);
  return p;
}

void sequence(const Tensor& out, const Sequence& s) {
  const bool integers = s.kind == Sequence::Kind::Integers;
  const double ends = std::fabs(s.start) + std::fabs(s.end) + std::fabs(s.real_step);
  const bool device_can =
      integers || (s.kind != Sequence::Kind::Powers && is_floating(out.dtype()) && ends < 1e38);
  if (!device_can && shader_type(out.dtype())) {
    return fill_from_host(out, [&](const Tensor& host) { sequence_kernel(host, host, s); });
  }
  SequencePlan plan = plan_of(s, out.numel());
  const char* base = integers ? "sequence_integers_" : "sequence_reals_";
  launch_dense(out, base, "arange", 16 / static_cast<int64_t>(out.item_size()),
               [&](int64_t begin, int64_t n) {
                 plan.begin = static_cast<uint64_t>(begin);
                 plan.n = static_cast<uint32_t>(n);
                 return plan;
               });
}

// ---- Random fills ----

// As many leading bits as the type has, so that rounding cannot reach 1.
uint32_t mask_of(DType t) {
  if (t == DType::Float16) return ~uint32_t{0} << (32 - 11);
  if (t == DType::BFloat16) return ~uint32_t{0} << (32 - 8);
  return ~uint32_t{0};
}

const char* base_of(Distribution kind) {
  switch (kind) {
    case Distribution::Uniform:
      return "random_uniform_";
    case Distribution::Normal:
      return "random_normal_";
    case Distribution::LogNormal:
      return "random_log_normal_";
    case Distribution::Exponential:
      return "random_exponential_";
    case Distribution::Integer:
      return "random_integer_";
    case Distribution::Bernoulli:
      return "random_bernoulli_";
    default:
      return nullptr;  // computed in float64
  }
}

void fill(const Tensor& out, const RandomFill& f) {
  if (out.numel() == 0) return;
  const char* base = base_of(f.kind);
  if (!base && shader_type(out.dtype())) {
    return fill_from_host(out, [&](const Tensor& host) { random_kernel(host, host, f); });
  }
  if (!out.is_contiguous()) {
    const Tensor dense = empty(out.sizes(), out.dtype(), out.device());
    fill(dense, f);
    return copy_kernel(out, out, dense);
  }
  const int64_t each = elements_per_counter(f.kind, random_compute_type(f.kind, out.dtype()));
  RandomPlan plan{};
  plan.mask = mask_of(out.dtype());
  plan.seed = f.at.seed;
  plan.base = f.base;
  plan.range = f.range;
  plan.a = static_cast<float>(f.a);
  plan.b = static_cast<float>(f.b);
  plan.width = static_cast<float>(f.b - f.a);
  launch_dense(out, base ? base : "random_", "random", each, [&](int64_t begin, int64_t n) {
    plan.block = f.at.offset + static_cast<uint64_t>(begin / each);
    plan.n = static_cast<uint32_t>(n);
    return plan;
  });
}

// Each swap needs the ones before it.
void randperm(const Tensor& out, Generator::State at) {
  fill_from_host(out, [&](const Tensor& host) { randperm_kernel(host, host, at); });
}

const RegisterGpuKernel register_sequence(sequence_kernel, &sequence);
const RegisterGpuKernel register_random(random_kernel, &fill);
const RegisterGpuKernel register_randperm(randperm_kernel, &randperm);

}  // namespace

}  // namespace rt::gpu
