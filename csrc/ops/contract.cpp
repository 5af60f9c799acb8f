// Sums of products over chosen dims: tensordot, einsum, chains of matrices, Kronecker products.
#include <algorithm>

#include "autograd/vjp.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/ops.h"

namespace rt {

namespace {

int64_t count(IntList sizes) {
  int64_t n = 1;
  for (int64_t s : sizes) n *= s;
  return n;
}

// ---- tensordot ----

Tensor tensordot_forward(const Tensor& x, const Tensor& y, IntList dims_x, IntList dims_y) {
  RT_CHECK(dims_x.size() == dims_y.size(), Runtime, "tensordot",
           "both dimension lists should have same length", cat_str(dims_x, " and ", dims_y));
  RT_CHECK(x.dtype() == y.dtype(), Runtime, "tensordot", "both inputs should have same dtype",
           cat_str(describe(x), " and ", describe(y)));
  const Dims da = wrap_dims(dims_x, x.dim(), "tensordot", false),
             db = wrap_dims(dims_y, y.dim(), "tensordot", false);
  Tensor a = x, b = y;
  for (size_t i = 0; i < da.size(); ++i) {
    const int64_t na = x.sizes()[da[i]], nb = y.sizes()[db[i]];
    if (na == 1 && nb != 1) b = ops::sum(b, {db[i]}, true, b.dtype());
    if (nb == 1 && na != 1) a = ops::sum(a, {da[i]}, true, a.dtype());
    RT_CHECK(na == nb || na == 1 || nb == 1, Runtime, "tensordot",
             cat_str("contracted dimensions need to match, but first has size ", na, " in dim ",
                     dims_x[i], " and second has size ", nb, " in dim ", dims_y[i]),
             cat_str(describe(x), " and ", describe(y)));
  }
  Dims order_a, order_b(db), shape;
  const auto is_in = [](const Dims& l, int64_t d) {
    return std::find(l.begin(), l.end(), d) != l.end();
  };
  for (int64_t d = 0; d < a.dim(); ++d) {
    if (!is_in(da, d)) order_a.push_back(d), shape.push_back(a.sizes()[d]);
  }
  const int64_t rows = count(shape);
  int64_t inner = 1, cols = 1;
  for (int64_t d : da) order_a.push_back(d), inner *= a.sizes()[d];
  for (int64_t d = 0; d < b.dim(); ++d) {
    if (!is_in(db, d)) order_b.push_back(d), shape.push_back(b.sizes()[d]), cols *= b.sizes()[d];
  }
  const Tensor left = ops::reshape(ops::permute(a, order_a), {rows, inner});
  const Tensor right = ops::reshape(ops::permute(b, order_b), {inner, cols});
  return ops::reshape(ops::mm(left, right), shape);
}
const Op tensordot_op(
    "_tensordot(Tensor input, Tensor other, int[] dims_self, int[] dims_other) -> Tensor",
    tensordot_forward, {.in = "rt", .out = true});

// ---- einsum ----

// An operand with one label a dim, none of them twice.
struct Term {
  Tensor tensor;
  std::vector<int> labels;

  int64_t find(int label) const {
    const auto at = std::find(labels.begin(), labels.end(), label);
    return at == labels.end() ? -1 : at - labels.begin();
  }
};

using Sizes = std::vector<int64_t>;  // by label

double volume(const std::vector<int>& labels, const Sizes& sizes) {
  double v = 1;
  for (int l : labels) v *= static_cast<double>(sizes[static_cast<size_t>(l)]);
  return v;
}

// Sums over the labels that `keep` does not want.
Term reduced(Term t, const std::vector<bool>& keep) {
  Dims gone;
  std::vector<int> labels;
  for (size_t i = 0; i < t.labels.size(); ++i) {
    if (keep[static_cast<size_t>(t.labels[i])]) {
      labels.push_back(t.labels[i]);
    } else {
      gone.push_back(static_cast<int64_t>(i));
    }
  }
  if (!gone.empty()) t.tensor = ops::sum(t.tensor, gone);
  t.labels = std::move(labels);
  return t;
}

// The product of two terms, summed over shared labels that nothing else needs.
Term contract(Term a, Term b, const std::vector<bool>& needed, const Sizes& sizes) {
  std::vector<bool> keep_a(needed), keep_b(needed);
  for (int l : a.labels) keep_b[static_cast<size_t>(l)] = true;
  for (int l : b.labels) keep_a[static_cast<size_t>(l)] = true;
  for (int l : a.labels) {
    if (!needed[static_cast<size_t>(l)] && b.find(l) < 0) keep_a[static_cast<size_t>(l)] = false;
  }
  for (int l : b.labels) {
    if (!needed[static_cast<size_t>(l)] && a.find(l) < 0) keep_b[static_cast<size_t>(l)] = false;
  }
  a = reduced(std::move(a), keep_a);
  b = reduced(std::move(b), keep_b);
  std::vector<int> batch, inner, only_a, only_b;
  for (int l : a.labels) {
    (b.find(l) < 0 ? only_a : needed[static_cast<size_t>(l)] ? batch : inner).push_back(l);
  }
  for (int l : b.labels) {
    if (a.find(l) < 0) only_b.push_back(l);
  }
  const auto arranged = [&](const Term& t, std::initializer_list<const std::vector<int>*> groups) {
    Dims order, shape;
    for (const auto* group : groups) {
      int64_t n = 1;
      for (int l : *group) {
        order.push_back(t.find(l));
        n *= t.tensor.sizes()[order.back()];
      }
      shape.push_back(n);
    }
    return ops::reshape(ops::permute(t.tensor, order), shape);
  };
  Term r;
  for (const auto* group : {&batch, &only_a, &only_b})
    r.labels.insert(r.labels.end(), group->begin(), group->end());
  Dims shape;
  for (int l : r.labels) shape.push_back(sizes[static_cast<size_t>(l)]);
  if (inner.empty()) {
    // Nothing to sum: a product that broadcasts.
    const auto spread = [&](const Term& t) {
      Dims order, to;
      for (int l : r.labels) {
        const int64_t d = t.find(l);
        if (d >= 0) order.push_back(d);
        to.push_back(d >= 0 ? t.tensor.sizes()[d] : 1);
      }
      return ops::reshape(ops::permute(t.tensor, order), to);
    };
    r.tensor = ops::mul(spread(a), spread(b));
    return r;
  }
  const Tensor left = arranged(a, {&batch, &only_a, &inner}),
               right = arranged(b, {&batch, &inner, &only_b});
  r.tensor = ops::reshape(ops::bmm(left, right), shape);
  return r;
}

struct Equation {
  std::vector<std::vector<int>> inputs;  // labels; kEllipsis stands for the dims of "..."
  std::vector<int> output;
  bool has_output = false;
};
constexpr int kEllipsis = 52;

int label_of(char c) {
  return c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= 'A' && c <= 'Z' ? c - 'A' : -1;
}
std::string label_name(int l) {
  return l >= kEllipsis ? "..."
                        : std::string(1, static_cast<char>(l < 26 ? 'A' + l : 'a' + l - 26));
}

Equation parse(std::string_view text) {
  Equation e;
  e.inputs.emplace_back();
  bool ellipsis = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ') continue;
    std::vector<int>& labels = e.has_output ? e.output : e.inputs.back();
    const std::string where =
        e.has_output ? std::string("the output") : cat_str("operand ", e.inputs.size() - 1);
    if (c == '.') {
      RT_CHECK(
          !ellipsis, Runtime, "einsum",
          cat_str("einsum(): found '.' for ", where, " for which an ellipsis was already found"),
          cat_str(text));
      RT_CHECK(text.substr(i, 3) == "...", Runtime, "einsum",
               cat_str("einsum(): found '.' for ", where, " that is not part of any ellipsis"),
               cat_str(text));
      i += 2;
      ellipsis = true;
      labels.push_back(kEllipsis);
    } else if (c == ',' && !e.has_output) {
      e.inputs.emplace_back();
      ellipsis = false;
    } else if (c == '-' && !e.has_output) {
      RT_CHECK(text.substr(i, 2) == "->", Runtime, "einsum",
               "einsum(): found '-' that is not part of an arrow (->)", cat_str(text));
      ++i;
      e.has_output = true;
      ellipsis = false;
    } else {
      const int l = label_of(c);
      RT_CHECK(l >= 0, Runtime, "einsum",
               cat_str("einsum(): invalid subscript given at index ", i,
                       " in the equation string, subscripts must be in [a-zA-Z]"),
               cat_str(text));
      labels.push_back(l);
    }
  }
  return e;
}

// Gives each dim of "..." a label of its own, merges repeated labels into diagonals.
Term term_of(const Tensor& x, const std::vector<int>& written, size_t operand,
             int64_t ellipsis_dims, Sizes& sizes) {
  int64_t named = 0;
  bool ellipsis = false;
  for (int l : written) {
    if (l == kEllipsis) {
      ellipsis = true;
    } else {
      ++named;
    }
  }
  RT_CHECK(ellipsis ? named <= x.dim() : named == x.dim(), Runtime, "einsum",
           ellipsis ? cat_str("einsum(): the number of subscripts in the equation (", named,
                              ") is more than the number of dimensions (", x.dim(),
                              ") for operand ", operand)
                    : cat_str("einsum(): the number of subscripts in the equation (", named,
                              ") does not match the number of dimensions (", x.dim(),
                              ") for operand ", operand, " and no ellipsis was given"),
           describe(x));
  std::vector<int> labels;
  for (int l : written) {
    if (l != kEllipsis) {
      labels.push_back(l);
      continue;
    }
    const int64_t own = x.dim() - named;
    for (int64_t d = 0; d < own; ++d)
      labels.push_back(kEllipsis + static_cast<int>(ellipsis_dims - own + d));
  }
  Term t{x, {}};
  Dims shape;
  for (size_t d = 0; d < labels.size(); ++d) {
    const int64_t n = x.sizes()[d], at = t.find(labels[d]);
    if (at >= 0) {
      RT_CHECK(shape[static_cast<size_t>(at)] == n, Runtime, "einsum",
               cat_str("einsum(): subscript ", label_name(labels[d]), " is repeated for operand ",
                       operand, " but the sizes don't match, ", n,
                       " != ", shape[static_cast<size_t>(at)]),
               describe(x));
      // The dims taken so far come first; of this one and its namesake the diagonal stays.
      const auto here = static_cast<int64_t>(t.labels.size());
      t.tensor = ops::movedim(ops::diagonal(t.tensor, 0, at, here), {-1}, {at});
      continue;
    }
    t.labels.push_back(labels[d]);
    shape.push_back(n);
  }
  for (size_t d = 0; d < t.labels.size(); ++d) {
    int64_t& seen = sizes[static_cast<size_t>(t.labels[d])];
    RT_CHECK(seen == -1 || seen == shape[d] || seen == 1 || shape[d] == 1, Runtime, "einsum",
             cat_str("einsum(): subscript ", label_name(t.labels[d]), " has size ", shape[d],
                     " for operand ", operand,
                     " which does not broadcast with previously seen size ", seen),
             describe(x));
    if (seen == -1 || seen == 1) seen = shape[d];
  }
  return t;
}

Tensor einsum_forward(std::string_view equation, TensorList operands) {
  Equation e = parse(equation);
  RT_CHECK(!operands.empty(), Value, "einsum", "must provide at least one operand");
  RT_CHECK(e.inputs.size() <= operands.size(), Runtime, "einsum",
           "einsum(): fewer operands were provided than specified in the equation",
           cat_str(equation));
  RT_CHECK(e.inputs.size() >= operands.size(), Runtime, "einsum",
           "einsum(): more operands were provided than specified in the equation",
           cat_str(equation));
  int64_t ellipsis_dims = 0;
  for (size_t i = 0; i < operands.size(); ++i) {
    const auto& l = e.inputs[i];
    if (std::find(l.begin(), l.end(), kEllipsis) != l.end()) {
      ellipsis_dims =
          std::max(ellipsis_dims, operands[i].dim() - static_cast<int64_t>(l.size()) + 1);
    }
  }
  Sizes sizes(static_cast<size_t>(kEllipsis + ellipsis_dims), -1);
  std::vector<Term> terms;
  for (size_t i = 0; i < operands.size(); ++i) {
    terms.push_back(term_of(operands[i], e.inputs[i], i, ellipsis_dims, sizes));
  }
  std::vector<int> uses(sizes.size(), 0);
  for (const auto& in : e.inputs) {
    for (int l : in) {
      if (l != kEllipsis) ++uses[static_cast<size_t>(l)];
    }
  }
  std::vector<int> output;
  const auto add_ellipsis = [&] {
    for (int64_t d = 0; d < ellipsis_dims; ++d) output.push_back(kEllipsis + static_cast<int>(d));
  };
  if (e.has_output) {
    for (int l : e.output) {
      if (l == kEllipsis) {
        add_ellipsis();
        continue;
      }
      RT_CHECK(uses[static_cast<size_t>(l)] > 0, Runtime, "einsum",
               cat_str("einsum(): output subscript ", label_name(l),
                       " does not appear in the equation for any input operand"),
               cat_str(equation));
      RT_CHECK(std::find(output.begin(), output.end(), l) == output.end(), Runtime, "einsum",
               cat_str("einsum(): output subscript ", label_name(l),
                       " appears more than once in the output"),
               cat_str(equation));
      output.push_back(l);
    }
  } else {
    add_ellipsis();
    for (int l = 0; l < kEllipsis; ++l) {
      if (uses[static_cast<size_t>(l)] == 1) output.push_back(l);
    }
  }
  std::vector<bool> in_output(sizes.size(), false);
  for (int l : output) in_output[static_cast<size_t>(l)] = true;
  // A dim of size 1 that stands for a larger one carries no label.
  for (Term& t : terms) {
    std::vector<bool> keep(sizes.size(), true);
    for (size_t d = 0; d < t.labels.size(); ++d) {
      const size_t l = static_cast<size_t>(t.labels[d]);
      if (t.tensor.sizes()[d] == 1 && sizes[l] != 1) keep[l] = false;
    }
    Dims gone;
    std::vector<int> labels;
    for (size_t d = 0; d < t.labels.size(); ++d) {
      if (keep[static_cast<size_t>(t.labels[d])]) {
        labels.push_back(t.labels[d]);
      } else {
        gone.push_back(static_cast<int64_t>(d));
      }
    }
    if (!gone.empty()) t.tensor = ops::squeeze(t.tensor, gone);
    t.labels = std::move(labels);
  }
  // Each step takes the pair whose contraction costs least.
  while (terms.size() > 1) {
    size_t best_i = 0, best_j = 1;
    if (terms.size() > 2) {
      double best = -1;
      for (size_t i = 0; i < terms.size(); ++i) {
        for (size_t j = i + 1; j < terms.size(); ++j) {
          std::vector<int> all = terms[i].labels;
          for (int l : terms[j].labels) {
            if (terms[i].find(l) < 0) all.push_back(l);
          }
          const double cost = volume(all, sizes);
          if (best < 0 || cost < best) best = cost, best_i = i, best_j = j;
        }
      }
    }
    std::vector<bool> needed = in_output;
    for (size_t i = 0; i < terms.size(); ++i) {
      if (i == best_i || i == best_j) continue;
      for (int l : terms[i].labels) needed[static_cast<size_t>(l)] = true;
    }
    Term joined = contract(std::move(terms[best_i]), std::move(terms[best_j]), needed, sizes);
    terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(best_j));
    terms[best_i] = std::move(joined);
  }
  const Term last = reduced(std::move(terms[0]), in_output);
  Dims order, shape;
  for (int l : output) {
    const int64_t d = last.find(l);
    if (d >= 0) order.push_back(d);
    shape.push_back(d >= 0 ? last.tensor.sizes()[d] : 1);
  }
  const Tensor r = ops::permute(last.tensor, order);
  return static_cast<size_t>(r.dim()) == shape.size() ? r : ops::reshape(r, shape);
}
const Op einsum_op("_einsum(str equation, Tensor[] operands) -> Tensor", einsum_forward,
                   {.in = "rt"});

// ---- chains of matrices ----

struct Chain {
  std::vector<Tensor> parts;
  std::vector<std::vector<size_t>> split;

  Tensor product(size_t i, size_t j) const {
    if (i == j) return parts[i];
    return ops::mm(product(i, split[i][j]), product(split[i][j] + 1, j));
  }
};

Tensor chain_product(const char* op, std::vector<Tensor> parts) {
  const size_t n = parts.size();
  std::vector<double> p(n + 1);
  for (size_t i = 0; i < n; ++i) {
    p[i] = static_cast<double>(parts[i].sizes()[0]);
    p[i + 1] = static_cast<double>(parts[i].sizes()[1]);
    RT_CHECK(i == 0 || parts[i - 1].sizes()[1] == parts[i].sizes()[0], Runtime, op,
             cat_str(op, "(): tensors ", i - 1, " and ", i, " with shapes ",
                     parts[i > 0 ? i - 1 : 0].sizes(), " and ", parts[i].sizes(),
                     " cannot be multiplied"));
  }
  Chain c{std::move(parts), std::vector<std::vector<size_t>>(n, std::vector<size_t>(n, 0))};
  std::vector<std::vector<double>> cost(n, std::vector<double>(n, 0));
  for (size_t length = 1; length < n; ++length) {
    for (size_t i = 0; i + length < n; ++i) {
      const size_t j = i + length;
      cost[i][j] = -1;
      for (size_t k = i; k < j; ++k) {
        const double q = cost[i][k] + cost[k + 1][j] + p[i] * p[k + 1] * p[j + 1];
        if (cost[i][j] < 0 || q < cost[i][j]) cost[i][j] = q, c.split[i][j] = k;
      }
    }
  }
  return c.product(0, n - 1);
}

Tensor multi_dot_forward(TensorList tensors) {
  const size_t n = tensors.size();
  RT_CHECK(n >= 2, Runtime, "multi_dot",
           cat_str("multi_dot(): expected at least 2 tensors but got ", n));
  std::vector<Tensor> parts(tensors.begin(), tensors.end());
  for (size_t i = 0; i < n; ++i) {
    const bool end = i == 0 || i + 1 == n;
    const int64_t d = parts[i].dim();
    RT_CHECK(d == 2 || (end && d == 1), Runtime, "multi_dot",
             end ? cat_str("multi_dot(): the ", i == 0 ? "first" : "last",
                           " tensor must be 1D or 2D but got ", d, "D")
                 : cat_str("multi_dot(): tensor ", i, " must be 2D but got ", d, "D"));
    RT_CHECK(parts[i].dtype() == parts[0].dtype(), Runtime, "multi_dot",
             cat_str("multi_dot(): all tensors must have be the same dtype but tensor 0 is ",
                     name(parts[0].dtype()), " and tensor ", i, " ", name(parts[i].dtype())));
  }
  const bool row = parts[0].dim() == 1, column = parts[n - 1].dim() == 1;
  if (row) parts[0] = ops::unsqueeze(parts[0], 0);
  if (column) parts[n - 1] = ops::unsqueeze(parts[n - 1], 1);
  Tensor r = chain_product("multi_dot", std::move(parts));
  if (row) r = ops::squeeze(r, {0});
  return column ? ops::squeeze(r, {-1}) : r;
}
const Op multi_dot_op("multi_dot(Tensor[] tensors) -> Tensor", multi_dot_forward,
                      {.in = "linalg",
                       .out = true,
                       .doc = R"(The product of a chain of matrices, in the cheapest order.

The first and the last may be vectors. Follows `torch.linalg.multi_dot`.

>>> rt.linalg.multi_dot([rt.tensor([1, 2]), rt.tensor([[1, 0], [0, 1]]), rt.tensor([1, 1])])
tensor(3)
)"});
Tensor chain_matmul_forward(TensorList tensors) {
  RT_CHECK(!tensors.empty(), Runtime, "chain_matmul",
           "chain_matmul(): Expected one or more matrices");
  for (const Tensor& t : tensors) {
    RT_CHECK(t.dim() == 2, Runtime, "chain_matmul",
             cat_str("Tensor dimension is ", t.dim(), ", expected 2 instead."), describe(t));
  }
  return chain_product("chain_matmul", std::vector<Tensor>(tensors.begin(), tensors.end()));
}
const Op chain_matmul_op("_chain_matmul(Tensor[] matrices) -> Tensor", chain_matmul_forward,
                         {.in = "rt", .out = true});

// ---- kron, trace, cross ----

Tensor kron_forward(const Tensor& a, const Tensor& b) {
  const int64_t n = std::max(a.dim(), b.dim());
  Dims wide_a, wide_b, shape;
  for (int64_t d = 0; d < n; ++d) {
    const int64_t da = d - (n - a.dim()), db = d - (n - b.dim());
    const int64_t sa = da < 0 ? 1 : a.sizes()[da], sb = db < 0 ? 1 : b.sizes()[db];
    wide_a.push_back(sa), wide_a.push_back(1);
    wide_b.push_back(1), wide_b.push_back(sb);
    shape.push_back(sa * sb);
  }
  return ops::reshape(ops::reshape(a, wide_a) * ops::reshape(b, wide_b), shape);
}
const Op kron_op("kron(Tensor input, Tensor other) -> Tensor", kron_forward,
                 {.out = true,
                  .doc = R"(The Kronecker product: each element of one tensor times the whole other.

Shapes multiply dim by dim, with leading ones added. Follows `torch.kron`.

>>> rt.kron(rt.tensor([1, 2]), rt.tensor([1, 1]))
tensor([1, 1, 2, 2])
)"});

Tensor trace_forward(const Tensor& x) {
  RT_CHECK(x.dim() == 2, Runtime, "trace",
           cat_str("expected a matrix, but got tensor with dim ", x.dim()), describe(x));
  return ops::sum(ops::diagonal(x), {0});
}
void trace_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const IntList s = c.sizes(0);
  c.set(0, ops::diagonal_backward(ops::expand(c.grad(), {std::min(s[0], s[1])}), s, 0, 0, 1));
}
const Op trace_op("trace(Tensor input) -> Tensor", trace_forward,
                  {.vjp = trace_vjp,
                   .doc = R"(The sum of the diagonal of a matrix; of integers it is int64.

Follows `torch.trace`.

>>> rt.trace(rt.tensor([[1, 2], [3, 4]]))
tensor(5)
)"});

Tensor cross_core(const Tensor& a, const Tensor& b, int64_t dim) {
  const auto at = [dim](const Tensor& t, int64_t i) { return ops::narrow(t, dim, i, 1); };
  const Tensor both[] = {a, b};
  const Dims shape = broadcast_shapes(a.sizes(), b.sizes(), "cross");
  Tensor out = empty(shape, result_type(both), a.device(), "cross");
  for (int64_t i = 0; i < 3; ++i) {
    const int64_t j = (i + 1) % 3, k = (i + 2) % 3;
    const Tensor part = at(a, j) * at(b, k) - at(a, k) * at(b, j), place = at(out, i);
    copy_kernel(place, place, part);
  }
  return out;
}
Tensor cross_product(const Tensor& a, const Tensor& b, int64_t dim);
void cross_vjp(VjpContext& c) {
  if (!c.has_grad()) return;
  const int64_t dim = c.arg<int64_t>(2);
  if (c.needs(0)) c.set(0, cross_product(ops::conj(c.input(1)), c.grad(), dim));
  if (c.needs(1)) c.set(1, cross_product(c.grad(), ops::conj(c.input(0)), dim));
}
const Op cross_core_op("_cross(Tensor input, Tensor other, int dim) -> Tensor", cross_core,
                       {.vjp = cross_vjp, .saves = "input other", .in = "", .broadcasts = true});
Tensor cross_product(const Tensor& a, const Tensor& b, int64_t dim) {
  return cross_core_op(a, b, dim);
}

Tensor linalg_cross_forward(const Tensor& a, const Tensor& b, int64_t dim) {
  RT_CHECK(a.dim() == b.dim(), Runtime, "cross", "inputs must have the same number of dimensions.",
           cat_str(describe(a), " and ", describe(b)));
  const int64_t d = wrap_dim(dim, a.dim(), "cross");
  RT_CHECK(a.size(d) == 3 && b.size(d) == 3, Runtime, "cross",
           cat_str("inputs dimension ", dim, " must have length 3. Got ", a.size(d), " and ",
                   b.size(d)));
  return cross_core_op(a, b, d - a.dim());
}
const Op linalg_cross_op(
    "cross.linalg(Tensor input, Tensor other, *, int dim=-1) -> Tensor", linalg_cross_forward,
    {.in = "linalg",
     .out = true,
     .doc = R"(The cross product of vectors of length 3 along a dim; other dims broadcast.

Follows `torch.linalg.cross`.

>>> rt.linalg.cross(rt.tensor([1, 0, 0]), rt.tensor([0, 1, 0]))
tensor([0, 0, 1])
)"});
Tensor cross_forward(const Tensor& a, const Tensor& b, std::optional<int64_t> dim) {
  if (dim) return linalg_cross_forward(a, b, *dim);
  int64_t d = 0;
  while (d < a.dim() && a.sizes()[d] != 3) ++d;
  RT_CHECK(d < a.dim(), Runtime, "cross", "no dimension of size 3 in input", describe(a));
  return linalg_cross_forward(a, b, d);
}
const Op cross_op(
    "cross(Tensor input, Tensor other, int? dim=None) -> Tensor", cross_forward,
    {.out = true,
     .doc =
         R"(The cross product of vectors of length 3 along a dim, by default the first of that size.

Follows `torch.cross`.

>>> rt.cross(rt.tensor([1, 0, 0]), rt.tensor([0, 1, 0]))
tensor([0, 0, 1])
)"});

Tensor vecdot_forward(const Tensor& x, const Tensor& y, int64_t dim) {
  for (const Tensor& t : {x, y}) {
    RT_CHECK(is_differentiable(t.dtype()), Runtime, "vecdot",
             cat_str("linalg.vecdot: Expected a floating point or complex tensor as input. Got ",
                     name(t.dtype())),
             describe(t));
  }
  return ops::sum(ops::conj(x) * y, {dim});
}
const Op vecdot_op(
    "vecdot(Tensor x, Tensor y, *, int dim=-1) -> Tensor", vecdot_forward,
    {.in = "linalg",
     .out = true,
     .doc = R"(The dot products of vectors along a dim; the first is conjugated, shapes broadcast.

Follows `torch.linalg.vecdot`.

>>> rt.linalg.vecdot(rt.ones(2, 3), rt.ones(3))
tensor([3., 3.])
)"});

}  // namespace

}  // namespace rt
