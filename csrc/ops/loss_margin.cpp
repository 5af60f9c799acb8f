// Losses that ask for a margin: rankings, embeddings, triplets, classes against the others.
#include "ops/distance.h"
#include "ops/loss_record.h"

namespace rt {

namespace {

Tensor at_least_zero(const Tensor& x) { return ops::clamp(x, Scalar(0.0), {}); }

Tensor margin_ranking(const Tensor& a, const Tensor& b, const Tensor& y, double margin,
                      MaybeBool size_average, MaybeBool reduce, std::string_view reduction) {
  const char* op = "margin_ranking_loss";
  const Reduction how = reduction_of(op, size_average, reduce, reduction);
  RT_CHECK(a.dim() == b.dim() && a.dim() == y.dim(), Runtime, op,
           cat_str("All input tensors should have same dimension but got sizes: input1: ",
                   a.sizes(), ", input2: ", b.sizes(), ", target: ", y.sizes()));
  return reduced(at_least_zero(-y * (a - b) + Scalar(margin)), how);
}
const Op margin_ranking_op(
    "margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0, bool? "
    "size_average=None, "
    "bool? reduce=None, str reduction='mean') -> Tensor",
    margin_ranking,
    {.in = "nn.functional", .doc = R"(`max(0, -y (x1 - x2) + margin)` for targets y of 1 and -1.

Follows `torch.nn.functional.margin_ranking_loss`.

>>> nn.functional.margin_ranking_loss(rt.tensor([1.]), rt.tensor([3.]), rt.tensor([1.]))
tensor(2.)
)"});

Tensor hinge_embedding(const Tensor& x, const Tensor& y, double margin, MaybeBool size_average,
                       MaybeBool reduce, std::string_view reduction) {
  const Reduction how = reduction_of("hinge_embedding_loss", size_average, reduce, reduction);
  const Tensor push =
      ops::masked_fill(at_least_zero(Scalar(margin) - x), ops::eq(y, Scalar(1)), Scalar(0));
  return reduced(ops::masked_fill(x, ops::eq(y, Scalar(-1)), Scalar(0)) + push, how);
}
const Op hinge_embedding_op(
    "hinge_embedding_loss(Tensor input, Tensor target, float margin=1.0, bool? size_average=None, "
    "bool? reduce=None, str reduction='mean') -> Tensor",
    hinge_embedding,
    {.in = "nn.functional", .doc = R"(x where y is 1, `max(0, margin - x)` where y is -1.

Follows `torch.nn.functional.hinge_embedding_loss`.

>>> nn.functional.hinge_embedding_loss(rt.tensor([0.2, 0.2]), rt.tensor([1, -1]), reduction="none")
tensor([0.2000, 0.8000])
)"});

Tensor cosine_embedding(const Tensor& a, const Tensor& b, const Tensor& y, double margin,
                        MaybeBool size_average, MaybeBool reduce, std::string_view reduction) {
  const char* op = "cosine_embedding_loss";
  const Reduction how = reduction_of(op, size_average, reduce, reduction);
  RT_CHECK(y.dim() <= 1, Runtime, op, "0D or 1D target tensor expected, multi-target not supported",
           describe(y));
  RT_CHECK(a.dim() == y.dim() + 1 && b.dim() == y.dim() + 1, Runtime, op,
           cat_str(y.dim(), "D target tensor expects ", y.dim() + 1,
                   "D input tensors, but found inputs with sizes ", a.sizes(), " and ", b.sizes()));
  const int64_t last[] = {-1};
  const IntList row(last, 1);
  const Tensor square_a = ops::sum(a * a, row) + Scalar(1e-12),
               square_b = ops::sum(b * b, row) + Scalar(1e-12);
  const Tensor cosine = ops::sum(a * b, row) / ops::sqrt(square_a * square_b);
  const Tensor pull = ops::masked_fill(1 - cosine, ops::ne(y, Scalar(1)), Scalar(0));
  const Tensor push =
      ops::masked_fill(at_least_zero(cosine - Scalar(margin)), ops::ne(y, Scalar(-1)), Scalar(0));
  return reduced(pull + push, how);
}
const Op cosine_embedding_op(
    "cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0, bool? "
    "size_average=None, "
    "bool? reduce=None, str reduction='mean') -> Tensor",
    cosine_embedding,
    {.in = "nn.functional",
     .doc =
         R"(`1 - cos` where y is 1, `max(0, cos - margin)` where y is -1, for the cosine between rows.

Inputs (N, D) with targets (N), or (D) with (). RuntimeError for other shapes. Follows
`torch.nn.functional.cosine_embedding_loss`.

>>> x = rt.tensor([[3., 4.]])
>>> round(nn.functional.cosine_embedding_loss(x, 2 * x, rt.tensor([-1])).item(), 4)
1.0
)"});

Tensor multi_margin(const Tensor& input, const Tensor& target, int64_t p, double margin,
                    const Tensor& weight, MaybeBool size_average, MaybeBool reduce,
                    std::string_view reduction) {
  const char* op = "multi_margin_loss";
  const Reduction how = reduction_of(op, size_average, reduce, reduction);
  RT_CHECK(p == 1 || p == 2, Value, op, "only p == 1 and p == 2 supported", cat_str("p=", p));
  RT_CHECK(!weight.defined() || weight.dim() == 1, Value, op, "weight must be one-dimensional",
           weight.defined() ? describe(weight) : "");
  const bool single = input.dim() < 2;
  RT_CHECK(input.dim() <= 2 && (input.numel() > 0 || (input.dim() == 2 && input.sizes()[1] > 0)),
           Runtime, op, "Expected non-empty vector or matrix with optional 0-dim batch size",
           describe(input));
  const Tensor x = single ? ops::reshape(input, {1, input.numel()}) : input;
  const int64_t batch = x.sizes()[0], classes = x.sizes()[1];
  RT_CHECK(
      target.dim() <= 1 && target.numel() == batch, Runtime, op,
      cat_str("target tensor should be 1-D with size equal to the number of input samples (batch "
              "size). Expected target size [",
              batch, "], but got ", target.sizes()),
      describe(input));
  const Tensor y = ops::reshape(target, {batch, 1});
  RT_CHECK(!weight.defined() || weight.numel() == classes, Runtime, op,
           cat_str("inconsistent weight size, expected ", classes, " but got ",
                   weight.defined() ? weight.numel() : 0));
  if (batch > 0) {
    NoGradGuard guard;
    const Tensor outside =
        ops::any(ops::logical_or(ops::lt(y, Scalar(0)), ops::ge(y, Scalar(classes))));
    RT_CHECK(!item(outside).to_bool(), Runtime, op, "target out of range",
             cat_str(classes, " classes"));
  }
  Tensor gap = at_least_zero(x - ops::gather(x, 1, y) + Scalar(margin));
  if (p == 2) gap = ops::square(gap);
  if (weight.defined())
    gap = gap * ops::reshape(ops::index_select(weight, 0, ops::reshape(y, {batch})), {batch, 1});
  const int64_t row[] = {1};
  Tensor loss = ops::sum(ops::scatter(gap, 1, y, Scalar(0.0)), IntList(row, 1)) /
                Scalar(static_cast<double>(classes));
  if (single && target.dim() == 0) loss = ops::reshape(loss, {});
  return reduced(loss, how);
}
const Op multi_margin_op(
    "multi_margin_loss(Tensor input, Tensor target, int p=1, float margin=1.0, Tensor? "
    "weight=None, "
    "bool? size_average=None, bool? reduce=None, str reduction='mean') -> Tensor",
    multi_margin,
    {.in = "nn.functional",
     .doc = R"(`sum over j != y of max(0, margin - x_y + x_j)^p / C`, p 1 or 2.

Input (N, C) or (C), target (N) or () of classes as int64, `weight` (C). Follows
`torch.nn.functional.multi_margin_loss`.

>>> nn.functional.multi_margin_loss(rt.tensor([[0.1, 0.2, 0.4, 0.8]]), rt.tensor([3]))
tensor(0.3250)
)"});

Tensor multilabel_margin(const Tensor& input, const Tensor& target, MaybeBool size_average,
                         MaybeBool reduce, std::string_view reduction) {
  const char* op = "multilabel_margin_loss";
  const Reduction how = reduction_of(op, size_average, reduce, reduction);
  // A number and a vector of one element stand for each other.
  const bool lone = input.dim() <= 1 && target.dim() <= 1 && input.numel() == target.numel();
  RT_CHECK(
      lone || (input.sizes() == target.sizes() && input.dim() <= 2), Runtime, op,
      cat_str("inconsistent target size: ", target.sizes(), " for input of size: ", input.sizes()));
  const int64_t classes = input.dim() > 0 ? input.sizes()[input.dim() - 1] : 1;
  const Tensor x = ops::reshape(input, {input.numel() / std::max<int64_t>(classes, 1), classes});
  const Tensor y = ops::reshape(target, x.sizes());
  // Labels are those before the first negative one.
  Tensor valid, index, others;
  {
    NoGradGuard guard;
    RT_CHECK(y.numel() == 0 || item(ops::to(ops::amin(y, {}, false), Device{})).to_int() >= -1,
             Runtime, op, "argument #2 'target' is out of range", cat_str(classes, " classes"),
             "-1 for the end of the labels");
    valid = ops::eq(ops::cumsum(ops::to(ops::lt(y, Scalar(0)), DType::Int64), 1), Scalar(0));
    index = ops::masked_fill(y, ops::logical_not(valid), Scalar(0));
    const Tensor counts = ops::scatter_add(ops::zeros(x.sizes(), x.dtype(), x.device()), 1, index,
                                           ops::to(valid, x.dtype()));
    others = ops::eq(counts, Scalar(0));
  }
  const Tensor gap =
      at_least_zero(1 - ops::unsqueeze(ops::gather(x, 1, index), 2) + ops::unsqueeze(x, 1));
  const Tensor counted = ops::logical_and(ops::unsqueeze(valid, 2), ops::unsqueeze(others, 1));
  const int64_t both[] = {1, 2};
  Tensor loss = ops::sum(gap * ops::to(counted, x.dtype()), IntList(both, 2)) /
                Scalar(static_cast<double>(classes));
  if (input.dim() < 2) loss = ops::reshape(loss, {});
  return reduced(loss, how);
}
const Op multilabel_margin_op(
    "multilabel_margin_loss(Tensor input, Tensor target, bool? size_average=None, bool? "
    "reduce=None, "
    "str reduction='mean') -> Tensor",
    multilabel_margin,
    {.in = "nn.functional",
     .doc = R"(`sum of max(0, 1 - (x_i - x_j)) / C` over labels i and other classes j.

`target` has the input's shape, (N, C) or (C): classes as int64, ended by the first negative one. Follows
`torch.nn.functional.multilabel_margin_loss`.

>>> nn.functional.multilabel_margin_loss(rt.tensor([[0.1, 0.2, 0.4, 0.8]]), rt.tensor([[3, 0, -1, 1]]))
tensor(0.8500)
)"});

Tensor multilabel_soft_margin(const Tensor& x, const Tensor& y, const Tensor& weight,
                              MaybeBool size_average, MaybeBool reduce,
                              std::string_view reduction) {
  const Reduction how =
      reduction_of("multilabel_soft_margin_loss", size_average, reduce, reduction);
  Tensor loss = -(y * ops::logsigmoid(x) + (1 - y) * ops::logsigmoid(-x));
  if (weight.defined()) loss = loss * weight;
  const int64_t last[] = {-1};
  return reduced(ops::mean(loss, IntList(last, 1)), how);
}
const Op multilabel_soft_margin_op(
    "multilabel_soft_margin_loss(Tensor input, Tensor target, Tensor? weight=None, bool? "
    "size_average=None, "
    "bool? reduce=None, str reduction='mean') -> Tensor",
    multilabel_soft_margin,
    {.in = "nn.functional",
     .doc = R"(Binary cross entropy of sigmoid(x), averaged over the classes (the last dim).

Follows `torch.nn.functional.multilabel_soft_margin_loss`.

>>> nn.functional.multilabel_soft_margin_loss(rt.zeros(1, 2), rt.ones(1, 2))
tensor(0.6931)
)"});

Tensor triplet(const Tensor& anchor, const Tensor& positive, const Tensor& negative, double margin,
               double p, double eps, bool swap, MaybeBool size_average, MaybeBool reduce,
               std::string_view reduction) {
  const char* op = "triplet_margin_loss";
  const Reduction how = reduction_of(op, size_average, reduce, reduction);
  RT_CHECK(margin > 0, Value, op, cat_str("margin must be greater than 0, got ", margin));
  RT_CHECK(anchor.dim() == positive.dim() && anchor.dim() == negative.dim(), Runtime, op,
           cat_str("The anchor, positive, and negative tensors are expected to have the same "
                   "number of dimensions, but "
                   "got: anchor ",
                   anchor.dim(), "D, positive ", positive.dim(), "D, and negative ", negative.dim(),
                   "D inputs"));
  const Tensor near = ops::pairwise_distance(anchor, positive, p, eps);
  Tensor far = ops::pairwise_distance(anchor, negative, p, eps);
  if (swap) far = ops::minimum(far, ops::pairwise_distance(positive, negative, p, eps));
  return reduced(at_least_zero(near - far + Scalar(margin)), how);
}
const Op triplet_op(
    "triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, float "
    "p=2, "
    "float eps=1e-06, bool swap=False, bool? size_average=None, bool? reduce=None, str "
    "reduction='mean') -> Tensor",
    triplet,
    {.in = "nn.functional",
     .doc =
         R"(`max(0, d(anchor, positive) - d(anchor, negative) + margin)` with p-norm distances of rows.

`swap` takes the nearer of anchor and positive to the negative (Balntas et al., 2016). Follows
`torch.nn.functional.triplet_margin_loss`.

>>> a = rt.tensor([[0.]])
>>> nn.functional.triplet_margin_loss(a, a + 1, a + 3, eps=0.0)
tensor(0.)
)"});

}  // namespace

}  // namespace rt
