#include "ops/ops.h"

namespace rt {

namespace {

void check_neighbour(const Tensor& x, const Tensor& t, int64_t dim) {
  RT_CHECK(t.dim() == x.dim(), Runtime, "diff",
           "diff expects prepend or append to be the same dimension as input",
           cat_str(describe(t), " for ", describe(x)));
  for (int64_t d = 0; d < x.dim(); ++d) {
    RT_CHECK(d == dim || t.size(d) == x.size(d), Runtime, "diff",
             "diff expects the shape of tensor to prepend or append to match that of input except "
             "along the "
             "differencing dimension",
             cat_str(describe(t), " for ", describe(x)));
  }
}

Tensor diff(const Tensor& input, int64_t n, int64_t dim, const Tensor& prepend,
            const Tensor& append) {
  RT_CHECK(input.dim() > 0, Runtime, "diff",
           "diff expects input to be at least one-dimensional along dim", describe(input));
  RT_CHECK(n >= 0, Runtime, "diff", cat_str("order must be non-negative but got ", n));
  if (n == 0) return ops::clone(input);
  const int64_t d = wrap_dim(dim, input.dim(), "diff");
  std::vector<Tensor> parts;
  for (const Tensor* t : {&prepend, &input, &append}) {
    if (!t->defined()) continue;
    check_neighbour(input, *t, d);
    parts.push_back(*t);
  }
  Tensor x = parts.size() == 1 ? input : ops::cat(parts, d);
  for (n = std::min(n, x.size(d)); n > 0; --n) {
    const int64_t left = x.size(d) - 1;
    const Tensor later = ops::narrow(x, d, 1, left), earlier = ops::narrow(x, d, 0, left);
    x = x.dtype() == DType::Bool ? ops::logical_xor(later, earlier) : later - earlier;
  }
  return x.is_same(input) ? ops::clone(x) : x;
}
const Op diff_op(
    "diff(Tensor input, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> Tensor",
    diff, {.out = true, .doc = R"(The differences of neighbours along `dim`, taken `n` times.

`prepend` and `append` are joined to the input along `dim` first; nothing is left if `n` is not below its
size. Differences of bool are exclusive or. Follows `torch.diff`.

>>> rt.diff(rt.tensor([1, 3, 2]))
tensor([ 2, -1])
)"});

}  // namespace

}  // namespace rt
