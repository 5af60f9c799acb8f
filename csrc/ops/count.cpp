// Counting: bincount, histc, isin, one_hot.
#include "ops/index_support.h"
#include "ops/ops.h"
#include "ops/sort_support.h"

namespace rt {

KernelSlot<void(const Tensor&, const Tensor&, double, double)> histogram_kernel{"histogram"};

namespace {

Tensor bincount_forward(const Tensor& input, const Tensor& weights, int64_t minlength) {
  RT_CHECK(is_integral(input.dtype()), NotImplemented, "bincount",
           cat_str("not implemented for '", torch_type_name(input.dtype()), "'"), describe(input),
           "an integer tensor");
  RT_CHECK(minlength >= 0, Runtime, "bincount", "minlength should be >= 0", cat_str(minlength));
  RT_CHECK(input.dim() == 1, Runtime, "bincount",
           "bincount only supports 1-d non-negative integral inputs.", describe(input));
  RT_CHECK(!weights.defined() || (weights.dim() == 1 && weights.numel() == input.numel()), Runtime,
           "bincount", "weights should be 1-d and have the same length as input",
           describe(weights));
  NoGradGuard guard;
  const Tensor index = ops::contiguous(ops::to(input, DType::Int64));
  int64_t smallest = 0, largest = -1;
  if (index.numel() > 0) index_range_kernel(index, index, &smallest, &largest);
  RT_CHECK(smallest >= 0, Runtime, "bincount",
           "bincount only supports 1-d non-negative integral inputs.",
           cat_str("the value ", smallest));
  const DType type = !weights.defined()                  ? DType::Int64
                     : weights.dtype() == DType::Float32 ? DType::Float32
                                                         : DType::Float64;
  const Tensor zero = ops::zeros({std::max(largest + 1, minlength)}, type, input.device());
  const Tensor values =
      weights.defined() ? ops::to(weights, type) : ops::ones(index.sizes(), type, input.device());
  return ops::index_add(zero, 0, index, values);
}
const Op bincount_op(
    "bincount(Tensor input, Tensor? weights=None, int minlength=0) -> Tensor", bincount_forward,
    {.integer_result = true,
     .doc =
         R"(How often each non-negative integer occurs in a 1-d tensor, or the sum of its weights.

The result has max(input) + 1 elements, at least `minlength`: int64, or the dtype of float32 weights,
else float64. Follows `torch.bincount`.

>>> rt.bincount(rt.tensor([0, 2, 2]))
tensor([1, 0, 2])
)"});

Tensor histc_forward(const Tensor& input, int64_t bins, Scalar min, Scalar max) {
  RT_CHECK(is_floating(input.dtype()), NotImplemented, "histc",
           cat_str("\"histogram_cpu\" not implemented for '", torch_type_name(input.dtype()), "'"),
           describe(input), "a float tensor");
  RT_CHECK(bins > 0, Runtime, "histc", "bins must be > 0", cat_str(bins));
  const double low = min.to_double(), high = max.to_double();
  RT_CHECK(low <= high, Runtime, "histc", "max must be larger than min",
           cat_str("min=", low, ", max=", high));
  NoGradGuard guard;
  const DType type = compute_type(input.dtype());
  Tensor counts = empty({bins}, type, input.device(), "histc");
  histogram_kernel(counts, counts, ops::contiguous(ops::to(input, type)), low, high);
  return ops::to(counts, input.dtype());
}
const Op histc_op(
    "histc(Tensor input, int bins=100, Scalar min=0, Scalar max=0) -> Tensor", histc_forward,
    {.out = true,
     .integer_result = true,
     .kernels = {&histogram_kernel},
     .doc =
         R"(A histogram of `bins` equal bins between `min` and `max`, in the dtype of the (float) input.

Equal bounds stand for the smallest and largest value; values outside are not counted. Follows
`torch.histc`.

>>> rt.histc(rt.tensor([1., 2., 1.]), bins=4, min=0, max=3)
tensor([0., 2., 1., 0.])
)"});

Tensor isin_forward(const Tensor& elements, const Tensor& test_elements, bool, bool invert) {
  NoGradGuard guard;
  const DType type = result_type(elements, test_elements);
  const Tensor x = ops::to(elements, type);
  Tensor found;
  if (test_elements.numel() == 0) {
    found = ops::zeros(x.sizes(), DType::Bool, x.device());
  } else {
    // Either may be a number, which is on the CPU.
    const Tensor& place = elements.dim() == 0 ? test_elements : elements;
    const Tensor flat = ops::to(ops::reshape(ops::to(test_elements, type), {test_elements.numel()}),
                                place.device());
    const Tensor among = std::get<0>(ops::sort(flat));
    Tensor at = ops::searchsorted(among, ops::to(x, place.device()));
    at = ops::masked_fill(at, ops::eq(at, Scalar(among.numel())), Scalar(0));
    found = ops::eq(ops::take(among, at), ops::to(x, place.device()));
  }
  return invert ? ops::eq(found, Scalar(false)) : found;
}
const Op isin_op(
    "isin(Operand elements, Operand test_elements, *, bool assume_unique=False, bool invert=False) "
    "-> Tensor",
    isin_forward,
    {.in = "rt",
     .out = true,
     .integer_result = true,
     .doc = R"(Whether each element is among `test_elements`: bool of elements' shape.

NaN is in nothing. Follows `torch.isin`.

>>> rt.isin(rt.tensor([1, 2, 3]), rt.tensor([3, 1]))
tensor([ True, False,  True])
)"});

Tensor one_hot_forward(const Tensor& tensor, int64_t num_classes) {
  RT_CHECK(tensor.dtype() == DType::Int64, Runtime, "one_hot",
           "one_hot is only applicable to index tensor of type LongTensor.", describe(tensor),
           ".long()");
  int64_t smallest = 0, largest = -1;
  const Tensor dense = ops::contiguous(tensor);
  if (dense.numel() > 0) index_range_kernel(dense, dense, &smallest, &largest);
  RT_CHECK(dense.numel() > 0 || num_classes > 0, Runtime, "one_hot",
           "Can not infer total number of classes from empty tensor.", describe(tensor));
  RT_CHECK(smallest >= 0, Runtime, "one_hot", "Class values must be non-negative.",
           cat_str("the value ", smallest));
  RT_CHECK(num_classes == -1 || largest < num_classes, Runtime, "one_hot",
           "Class values must be smaller than num_classes.", cat_str("the value ", largest));
  Dims sizes(tensor.sizes());
  sizes.push_back(num_classes == -1 ? largest + 1 : num_classes);
  return ops::scatter(ops::zeros(sizes, DType::Int64, tensor.device()), -1,
                      ops::unsqueeze(dense, -1), Scalar(1));
}
const Op one_hot_op(
    "one_hot(Tensor tensor, int num_classes=-1) -> Tensor", one_hot_forward,
    {.in = "nn.functional",
     .integer_result = true,
     .doc =
         R"(Class numbers (int64, any shape) as rows of zeros with a single one: int64 of shape (*, num_classes).

With -1 there is one class more than the largest number. Follows `torch.nn.functional.one_hot`.

>>> nn.functional.one_hot(rt.tensor([0, 2]))
tensor([[1, 0, 0],
        [0, 0, 1]])
)"});

}  // namespace

}  // namespace rt
