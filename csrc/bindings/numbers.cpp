// The operators of Tensor, bound straight to CPython's slots: the shortest way into an op.
#include "bindings/python.h"
#include "graph/trace.h"
#include "ops/ops.h"
#include "ops/whole_ops.h"

namespace rt::py {

namespace {

// A tensor or a number; NotImplemented (false) for anything else, so that Python asks the other
// side.
bool operand(PyObject* o, Tensor* out) {
  if (is_tensor(o)) {
    *out = unwrap(o);
    return true;
  }
  if (PyFloat_CheckExact(o)) {
    *out = wrapped_number(PyFloat_AS_DOUBLE(o));
    return true;
  }
  if (is_number(o)) {
    *out = wrapped_number(to_scalar(o));
    return true;
  }
  if (is_numpy_array(o)) {
    *out = tensor_of_array(o);
    return true;
  }
  return false;
}

template <Tensor (*F)(const Tensor&, const Tensor&)>
PyObject* binary_fast(PyObject* a, PyObject* b) {
  return guard([&]() -> PyObject* {
    Tensor x, y;
    if (!operand(a, &x) || !operand(b, &y)) Py_RETURN_NOTIMPLEMENTED;
    enter_whole_ops(x);
    enter_whole_ops(y);
    Tensor r;
    {
      ReleaseGil released(x.numel() + y.numel() > kReleaseGilAbove);
      r = F(x, y);
    }
    return wrap(std::move(r));
  });
}
Tensor add(const Tensor& a, const Tensor& b) { return ops::add(a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return ops::sub(a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return ops::mul(a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return ops::div(a, b); }

// Any other binary op, by its record; looked up once.
struct Named {
  const OpRecord* op = nullptr;
  explicit Named(const char* name) : op(find_op(name)) {}
};

PyObject* call_binary(const OpRecord* op, PyObject* a, PyObject* b, bool inplace) {
  return guard([&]() -> PyObject* {
    if (!op) Py_RETURN_NOTIMPLEMENTED;
    Value args[8];
    Tensor x, y;
    if (!operand(a, &x) || !operand(b, &y)) Py_RETURN_NOTIMPLEMENTED;
    args[0] = std::move(x);
    args[1] = std::move(y);
    for (size_t i = 2; i < op->schema.args.size(); ++i) args[i] = op->schema.args[i].default_value;
    return inplace ? call_op_inplace(*op, a, args) : call_op(*op, args);
  });
}
PyObject* call_unary(const OpRecord* op, PyObject* a) {
  return guard([&]() -> PyObject* {
    if (!op) Py_RETURN_NOTIMPLEMENTED;
    Value args[8] = {Value(unwrap(a))};
    for (size_t i = 1; i < op->schema.args.size(); ++i) args[i] = op->schema.args[i].default_value;
    return call_op(*op, args);
  });
}

#define RT_BINARY(fn, opname)                  \
  PyObject* fn(PyObject* a, PyObject* b) {     \
    static const Named named(opname);          \
    return call_binary(named.op, a, b, false); \
  }
#define RT_INPLACE(fn, opname)                \
  PyObject* fn(PyObject* a, PyObject* b) {    \
    static const Named named(opname);         \
    return call_binary(named.op, a, b, true); \
  }
#define RT_UNARY(fn, opname)          \
  PyObject* fn(PyObject* a) {         \
    static const Named named(opname); \
    return call_unary(named.op, a);   \
  }
RT_BINARY(floor_divide, "floor_divide")
RT_BINARY(remainder, "remainder")
RT_BINARY(matmul, "matmul")
RT_BINARY(bit_and, "bitwise_and")
RT_BINARY(bit_or, "bitwise_or")
RT_BINARY(bit_xor, "bitwise_xor")
RT_BINARY(lshift, "bitwise_left_shift")
RT_BINARY(rshift, "bitwise_right_shift")
RT_INPLACE(iadd, "add")
RT_INPLACE(isub, "sub")
RT_INPLACE(imul, "mul")
RT_INPLACE(idiv, "div")
RT_INPLACE(ifloor_divide, "floor_divide")
RT_INPLACE(iremainder, "remainder")
RT_INPLACE(iand, "bitwise_and")
RT_INPLACE(ior, "bitwise_or")
RT_INPLACE(ixor, "bitwise_xor")
RT_INPLACE(ilshift, "bitwise_left_shift")
RT_INPLACE(irshift, "bitwise_right_shift")
RT_UNARY(negative, "neg")
RT_UNARY(absolute, "abs")
RT_UNARY(invert, "bitwise_not")
RT_BINARY(cmp_eq, "eq")
RT_BINARY(cmp_ne, "ne")
RT_BINARY(cmp_lt, "lt")
RT_BINARY(cmp_le, "le")
RT_BINARY(cmp_gt, "gt")
RT_BINARY(cmp_ge, "ge")

PyObject* power(PyObject* a, PyObject* b, PyObject* modulus) {
  static const Named named("pow");
  if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
  return call_binary(named.op, a, b, false);
}
PyObject* ipower(PyObject* a, PyObject* b, PyObject*) {
  static const Named named("pow");
  return call_binary(named.op, a, b, true);
}
PyObject* positive(PyObject* a) {
  return guard([&]() -> PyObject* {
    RT_CHECK(unwrap(a).dtype() != DType::Bool, Runtime, "positive",
             "The `+` operator, on a bool tensor is not supported.", describe(unwrap(a)));
    Py_INCREF(a);
    return a;
  });
}

Scalar only_element(PyObject* o, const char* what) {
  const Tensor& t = unwrap(o);
  RT_CHECK(t.numel() == 1, Value, what,
           "only one element tensors can be converted to Python scalars", describe(t),
           "indexing one element");
  graph::note_read(t, cat_str(what, "()").c_str());
  return item(t);
}
int to_bool(PyObject* o) {
  return guard(
      [&]() -> int {
        const Tensor& t = unwrap(o);
        RT_CHECK(t.numel() != 0, Runtime, "bool",
                 "Boolean value of Tensor with no values is ambiguous", describe(t),
                 "t.numel() > 0");
        RT_CHECK(t.numel() == 1, Runtime, "bool",
                 "Boolean value of Tensor with more than one value is ambiguous", describe(t),
                 "t.any() or t.all()");
        graph::note_read(t, "bool()");
        return item(t).to_bool();
      },
      -1);
}
PyObject* to_int(PyObject* o) {
  return guard([&]() -> PyObject* {
    const Scalar s = only_element(o, "int");
    RT_CHECK(!s.is_complex() || s.to_complex().imag() == 0, Runtime, "int",
             "value cannot be converted to type int64_t without overflow", describe(unwrap(o)));
    if (s.is_integral()) return PyLong_FromLongLong(s.to_int());
    return PyLong_FromDouble(s.to_double());
  });
}
PyObject* to_float(PyObject* o) {
  return guard([&]() -> PyObject* {
    const Scalar s = only_element(o, "float");
    RT_CHECK(!s.is_complex() || s.to_complex().imag() == 0, Runtime, "float",
             "value cannot be converted to type double without overflow", describe(unwrap(o)));
    return PyFloat_FromDouble(s.to_double());
  });
}
PyObject* to_index(PyObject* o) {
  return guard([&]() -> PyObject* {
    const Tensor& t = unwrap(o);
    RT_CHECK(t.numel() == 1 && is_integral(t.dtype(), true), Type, "index",
             "only integer tensors of a single element can be converted to an index", describe(t));
    graph::note_read(t, "a tensor as an index");
    return PyLong_FromLongLong(item(t).to_int());
  });
}

}  // namespace

PyNumberMethods* number_methods() {
  static PyNumberMethods n = [] {
    PyNumberMethods m{};
    m.nb_add = binary_fast<add>;
    m.nb_subtract = binary_fast<sub>;
    m.nb_multiply = binary_fast<mul>;
    m.nb_true_divide = binary_fast<div>;
    m.nb_floor_divide = floor_divide;
    m.nb_remainder = remainder;
    m.nb_power = power;
    m.nb_matrix_multiply = matmul;
    m.nb_negative = negative;
    m.nb_positive = positive;
    m.nb_absolute = absolute;
    m.nb_invert = invert;
    m.nb_and = bit_and;
    m.nb_or = bit_or;
    m.nb_xor = bit_xor;
    m.nb_lshift = lshift;
    m.nb_rshift = rshift;
    m.nb_inplace_add = iadd;
    m.nb_inplace_subtract = isub;
    m.nb_inplace_multiply = imul;
    m.nb_inplace_true_divide = idiv;
    m.nb_inplace_floor_divide = ifloor_divide;
    m.nb_inplace_remainder = iremainder;
    m.nb_inplace_power = ipower;
    m.nb_inplace_and = iand;
    m.nb_inplace_or = ior;
    m.nb_inplace_xor = ixor;
    m.nb_inplace_lshift = ilshift;
    m.nb_inplace_rshift = irshift;
    m.nb_bool = to_bool;
    m.nb_int = to_int;
    m.nb_float = to_float;
    m.nb_index = to_index;
    return m;
  }();
  return &n;
}

PyObject* rich_compare(PyObject* a, PyObject* b, int op) {
  switch (op) {
    case Py_EQ:
      return cmp_eq(a, b);
    case Py_NE:
      return cmp_ne(a, b);
    case Py_LT:
      return cmp_lt(a, b);
    case Py_LE:
      return cmp_le(a, b);
    case Py_GT:
      return cmp_gt(a, b);
    default:
      return cmp_ge(a, b);
  }
}

}  // namespace rt::py
