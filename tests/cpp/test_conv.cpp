#include <complex>
#include <cstdint>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "check.h"
#include "core/error.h"
#include "cpu/conv.h"
#include "cpu/parallel.h"

using namespace rt;
using namespace rt::cpu;

namespace {

using Cplx = std::complex<double>;
std::mt19937_64 g_random(11);

template <class T>
Cplx value(T x) {
  return static_cast<double>(x);
}
Cplx value(Half x) { return to_float(x); }
Cplx value(BFloat16 x) { return to_float(x); }
Cplx value(Complex64 x) { return {x.re, x.im}; }
Cplx value(Complex128 x) { return {x.re, x.im}; }

template <class T>
T from(double re, double im) {
  if constexpr (std::is_same_v<T, Half>) {
    return to_half(static_cast<float>(re));
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return to_bfloat16(static_cast<float>(re));
  } else if constexpr (std::is_same_v<T, Complex64>) {
    return {static_cast<float>(re), static_cast<float>(im)};
  } else if constexpr (std::is_same_v<T, Complex128>) {
    return {re, im};
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(re * 5);
  } else {
    return static_cast<T>(re);
  }
}

template <class T>
std::vector<T> random_values(int64_t n) {
  std::uniform_real_distribution<double> u(-1, 1);
  std::vector<T> v(static_cast<size_t>(n));
  for (T& x : v) x = from<T>(u(g_random), u(g_random));
  return v;
}

struct Sizes {
  explicit Sizes(const ConvShape& s) {
    for (int d = 0; d < 3; ++d) out[d] = d < s.spatial_dims ? s.out_size(d) : 1;
    for (size_t d = 0; d < 3; ++d) {
      const bool used = d < static_cast<size_t>(s.spatial_dims);
      in[d] = used ? s.in_size[d] : 1;
      kernel[d] = used ? s.kernel[d] : 1;
    }
    input = s.batch * s.in_channels * in[0] * in[1] * in[2];
    weight = s.out_channels * (s.in_channels / s.groups) * kernel[0] * kernel[1] * kernel[2];
    output = s.batch * s.out_channels * out[0] * out[1] * out[2];
  }
  int64_t in[3], kernel[3], out[3], input, weight, output;
};

// Calls f(input index, weight index, output index, output channel) for each product in the sum
// that defines the convolution.
template <class F>
void for_each_product(const ConvShape& s, F&& f) {
  const Sizes z(s);
  const int64_t gi = s.in_channels / s.groups, go = s.out_channels / s.groups;
  const auto at = [&](size_t d, int64_t o, int64_t k) {
    return d < static_cast<size_t>(s.spatial_dims)
               ? o * s.stride[d] - s.padding[d] + k * s.dilation[d]
               : 0;
  };
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t oc = 0; oc < s.out_channels; ++oc)
      for (int64_t o0 = 0; o0 < z.out[0]; ++o0)
        for (int64_t o1 = 0; o1 < z.out[1]; ++o1)
          for (int64_t o2 = 0; o2 < z.out[2]; ++o2)
            for (int64_t c = 0; c < gi; ++c)
              for (int64_t k0 = 0; k0 < z.kernel[0]; ++k0)
                for (int64_t k1 = 0; k1 < z.kernel[1]; ++k1)
                  for (int64_t k2 = 0; k2 < z.kernel[2]; ++k2) {
                    const int64_t i0 = at(0, o0, k0), i1 = at(1, o1, k1), i2 = at(2, o2, k2);
                    if (i0 < 0 || i0 >= z.in[0] || i1 < 0 || i1 >= z.in[1] || i2 < 0 ||
                        i2 >= z.in[2]) {
                      continue;
                    }
                    const int64_t ic = oc / go * gi + c;
                    const int64_t i =
                        (((n * s.in_channels + ic) * z.in[0] + i0) * z.in[1] + i1) * z.in[2] + i2;
                    const int64_t w =
                        (((oc * gi + c) * z.kernel[0] + k0) * z.kernel[1] + k1) * z.kernel[2] + k2;
                    const int64_t o =
                        (((n * s.out_channels + oc) * z.out[0] + o0) * z.out[1] + o1) * z.out[2] +
                        o2;
                    f(static_cast<size_t>(i), static_cast<size_t>(w), static_cast<size_t>(o));
                  }
}

template <class T>
void compare(const std::vector<T>& got, const std::vector<Cplx>& want,
             const std::vector<double>& magnitude) {
  double step = 1e-14;
  if (std::is_same_v<T, float> || std::is_same_v<T, Complex64>) step = 3e-6;
  if (std::is_same_v<T, Half>) step = 1.0 / 1024;
  if (std::is_same_v<T, BFloat16>) step = 1.0 / 128;
  for (size_t i = 0; i < got.size(); ++i) {
    if constexpr (std::is_integral_v<T>) {
      CHECK(got[i] == static_cast<T>(static_cast<int64_t>(want[i].real())));  // sums wrap
    } else {
      CHECK_NEAR(std::abs(value(got[i]) - want[i]), 0, step * (magnitude[i] + 1));
    }
  }
}

template <class T>
void check_shape(const ConvShape& s) {
  const Sizes z(s);
  const DType dtype = DTypeOf<T>::value;
  const std::vector<T> input = random_values<T>(z.input), weight = random_values<T>(z.weight),
                       bias = random_values<T>(s.out_channels),
                       in_bias = random_values<T>(s.in_channels), grad = random_values<T>(z.output);
  const T poison = from<T>(1e4, 1e4);  // outputs are overwritten
  std::vector<T> output(grad.size(), poison), grad_input(input.size(), poison),
      grad_weight(weight.size(), poison), grad_bias(bias.size(), poison);
  std::vector<Cplx> want_output(grad.size()), want_input(input.size()), want_weight(weight.size()),
      want_bias(bias.size());
  std::vector<double> size_output(grad.size()), size_input(input.size()),
      size_weight(weight.size()), size_bias(bias.size());
  const size_t plane =
      grad.empty() ? 1 : grad.size() / static_cast<size_t>(s.batch * s.out_channels);
  for (size_t i = 0; i < grad.size(); ++i) {
    const size_t c = i / plane % bias.size();
    want_bias[c] += value(grad[i]);
    size_bias[c] += std::abs(value(grad[i]));
  }
  const auto add = [](std::vector<Cplx>& sum, std::vector<double>& size, size_t i, Cplx v) {
    sum[i] += v;
    size[i] += std::abs(v);
  };
  for_each_product(s, [&](size_t i, size_t w, size_t o) {
    add(want_output, size_output, o, value(input[i]) * value(weight[w]));
    add(want_input, size_input, i, value(grad[o]) * value(weight[w]));
    add(want_weight, size_weight, w, value(grad[o]) * value(input[i]));
  });
  conv_backward_weight(dtype, s, input.data(), grad.data(), grad_weight.data(), grad_bias.data());
  compare(grad_weight, want_weight, size_weight);
  compare(grad_bias, want_bias, size_bias);
  std::fill(grad_weight.begin(), grad_weight.end(), poison);
  conv_backward_weight(dtype, s, input.data(), grad.data(), grad_weight.data(), nullptr);
  compare(grad_weight, want_weight, size_weight);
  conv_backward_data(dtype, s, grad.data(), weight.data(), nullptr, grad_input.data());
  compare(grad_input, want_input, size_input);
  conv_forward(dtype, s, input.data(), weight.data(), nullptr, output.data());
  compare(output, want_output, size_output);
  // With biases: of the output, and of a transposed convolution's.
  for (size_t i = 0; i < grad.size(); ++i) want_output[i] += value(bias[i / plane % bias.size()]);
  conv_forward(dtype, s, input.data(), weight.data(), bias.data(), output.data());
  compare(output, want_output, size_output);
  const size_t in_plane =
      input.empty() ? 1 : input.size() / static_cast<size_t>(s.batch * s.in_channels);
  for (size_t i = 0; i < input.size(); ++i)
    want_input[i] += value(in_bias[i / in_plane % in_bias.size()]);
  conv_backward_data(dtype, s, grad.data(), weight.data(), in_bias.data(), grad_input.data());
  compare(grad_input, want_input, size_input);
}

ConvShape shape(int dims, int64_t batch, int64_t in, int64_t out, int64_t groups, int64_t size,
                int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  ConvShape s;
  s.spatial_dims = dims;
  s.batch = batch;
  s.in_channels = in;
  s.out_channels = out;
  s.groups = groups;
  for (int64_t d = 0; d < dims; ++d) {
    const size_t i = static_cast<size_t>(d);
    s.in_size[i] = size + d;  // not square
    s.kernel[i] = kernel;
    s.stride[i] = stride;
    s.padding[i] = padding;
    s.dilation[i] = dilation;
  }
  return s;
}

template <class T>
void check_type(bool all) {
  check_shape<T>(shape(2, 2, 3, 4, 1, 7, 3, 1, 1, 1));
  check_shape<T>(shape(2, 1, 4, 6, 2, 8, 3, 2, 1, 1));
  check_shape<T>(shape(2, 3, 5, 5, 5, 9, 3, 2, 1, 2));
  check_shape<T>(shape(1, 2, 4, 3, 1, 20, 5, 3, 2, 2));
  if (!all) return;
  for (const int dims : {1, 2, 3}) {
    for (const int64_t stride : {1, 2, 3}) {
      for (const int64_t padding : {0, 1, 4}) {
        for (const int64_t dilation : {1, 2}) {
          for (const int64_t kernel : {1, 2, 3}) {
            if (dims == 3 && (padding == 4 || kernel == 2)) continue;
            check_shape<T>(shape(dims, 2, 4, 6, 1, 6, kernel, stride, padding, dilation));
            check_shape<T>(shape(dims, 1, 4, 6, 2, 6, kernel, stride, padding, dilation));
            check_shape<T>(shape(dims, 2, 3, 3, 3, 6, kernel, stride, padding, dilation));
            check_shape<T>(shape(dims, 2, 2, 6, 2, 6, kernel, stride, padding, dilation));
          }
        }
      }
    }
  }
  check_shape<T>(shape(2, 4, 1, 16, 1, 8, 3, 1, 1, 1));
  check_shape<T>(shape(2, 2, 16, 32, 1, 8, 3, 1, 1, 1));
  check_shape<T>(shape(2, 1, 32, 48, 1, 14, 1, 1, 0, 1));
  check_shape<T>(shape(2, 1, 32, 32, 32, 28, 5, 1, 2, 1));
  check_shape<T>(shape(2, 1, 8, 24, 8, 16, 3, 2, 1, 1));
  check_shape<T>(shape(1, 2, 16, 16, 16, 100, 31, 1, 15, 1));
  check_shape<T>(shape(3, 1, 8, 8, 2, 9, 3, 1, 1, 1));
}

void empty_and_bad_shapes() {
  check_shape<float>(shape(2, 0, 3, 4, 1, 7, 3, 1, 1, 1));
  check_shape<float>(shape(2, 2, 3, 4, 1, 2, 4, 1, 0, 1));  // the kernel does not fit: no output
  float x = 0;
  const auto fails = [&](const ConvShape& s) {
    CHECK_THROWS(conv_forward(DType::Float32, s, &x, &x, nullptr, &x), Error);
  };
  ConvShape four = shape(3, 1, 1, 1, 1, 3, 1, 1, 0, 1);
  four.spatial_dims = 4;
  fails(four);
  fails(shape(2, 1, 3, 4, 2, 3, 1, 1, 0, 1));
  fails(shape(2, 1, 1, 1, 1, 3, 1, 0, 0, 1));
  fails(shape(2, 1, 1, 1, 1, 3, 1, 1, 0, 0));
  fails(shape(2, 1, 1, 1, 1, 3, 1, 1, -1, 1));
  CHECK_THROWS(conv_forward(DType::Bool, shape(2, 1, 1, 1, 1, 3, 1, 1, 0, 1), &x, &x, nullptr, &x),
               Error);
}

// A NaN or infinity at one input reaches the outputs and weight gradients that use it, no others.
void special_values_stay_local() {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              inf = std::numeric_limits<float>::infinity();
  for (const int64_t groups : {1, 4}) {
    for (const float special : {nan, inf}) {
      for (const int64_t padding : {0, 1}) {
        const ConvShape s = shape(2, 1, 4, 4, groups, 9, 3, 1, padding, 1);
        const Sizes z(s);
        std::vector<float> input(static_cast<size_t>(z.input), 1.0f),
            weight(static_cast<size_t>(z.weight), 1.0f), output(static_cast<size_t>(z.output)),
            grad(static_cast<size_t>(z.output), 1.0f), grad_weight(weight.size());
        const size_t where = input.size() - 1;  // the last corner
        input[where] = special;
        std::vector<bool> output_hit(output.size()), weight_hit(weight.size());
        for_each_product(s, [&](size_t i, size_t w, size_t o) {
          if (i == where) output_hit[o] = weight_hit[w] = true;
        });
        conv_forward(DType::Float32, s, input.data(), weight.data(), nullptr, output.data());
        conv_backward_weight(DType::Float32, s, input.data(), grad.data(), grad_weight.data(),
                             nullptr);
        for (size_t i = 0; i < output.size(); ++i) CHECK(std::isfinite(output[i]) != output_hit[i]);
        for (size_t i = 0; i < weight.size(); ++i)
          CHECK(std::isfinite(grad_weight[i]) != weight_hit[i]);
      }
    }
  }
}

}  // namespace

void test_conv() {
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    check_type<float>(true);
    check_type<double>(threads == 1);
    check_type<Half>(false);
    check_type<BFloat16>(false);
    check_type<Complex64>(false);
    check_type<Complex128>(false);
    check_type<int8_t>(false);
    check_type<int16_t>(false);
    check_type<int32_t>(false);
    check_type<int64_t>(false);
  }
  empty_and_bad_shapes();
  special_values_stay_local();
}
