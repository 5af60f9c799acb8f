// What scripted functions compute besides tensors: Python's numbers and lists, sizes, print, raise.
// Each is a record like an op's, so that graphs hold, check, print and run both alike.
#include <cmath>
#include <limits>
#include <memory>
#include <unordered_map>

#include "graph/trace.h"
#include "ops/ops.h"

namespace rt::graph {

namespace {

using Args = const rt::Value*;
using Compute = OpRecord::Boxed;
struct Definition {
  const char* schema;
  Compute compute;
  bool effects = false;
};

// ---- Numbers, as Python has them, but for ints beyond 64 bits ----

bool is_float(const rt::Value& v) { return v.is<double>(); }
int64_t as_int(const rt::Value& v) { return v.scalar().to_int(); }
double as_float(const rt::Value& v) { return v.scalar().to_double(); }

[[noreturn]] void overflow(const char* op) {
  RT_FAIL(Runtime, op, "the result does not fit in 64 bits", "", "a float");
}
[[noreturn]] void zero_division() {
  script_hooks().raise("ZeroDivisionError", "division by zero");
  RT_FAIL(Runtime, "div", "division by zero");
}

int64_t floor_div(int64_t a, int64_t b) {
  if (b == 0) zero_division();
  if (b == -1) {
    int64_t r;
    if (__builtin_sub_overflow(int64_t{0}, a, &r)) overflow("floordiv");
    return r;
  }
  const int64_t q = a / b;
  return q - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}
int64_t floor_mod(int64_t a, int64_t b) {
  if (b == 0) zero_division();
  if (b == -1) return 0;
  const int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
double floor_mod(double a, double b) {
  if (b == 0) zero_division();
  double r = std::fmod(a, b);
  if (r != 0 && (r < 0) != (b < 0)) r += b;
  return r == 0 ? std::copysign(0.0, b) : r;
}
double floor_div(double a, double b) {
  const double r = floor_mod(a, b);
  const double q = (a - r) / b;
  if (q == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(q);
  return q - floored > 0.5 ? floored + 1 : floored;
}

rt::Value power(const rt::Value& a, const rt::Value& b) {
  if (is_float(a) || is_float(b) || as_int(b) < 0) {
    const double x = as_float(a), y = as_float(b);
    if (x == 0 && y < 0) zero_division();
    RT_CHECK(!(x < 0 && std::isfinite(y) && y != std::floor(y)), Value, "pow",
             "a negative number to a fractional power is complex");
    return std::pow(x, y);
  }
  int64_t base = as_int(a), result = 1;
  for (int64_t n = as_int(b); n > 0; n >>= 1) {
    if ((n & 1) && __builtin_mul_overflow(result, base, &result)) overflow("pow");
    if (n > 1 && __builtin_mul_overflow(base, base, &base)) overflow("pow");
  }
  return result;
}

template <class F>
bool compare(Args a, F&& f) {
  if (a[0].is<std::string>() || a[1].is<std::string>())
    return f(same_attribute(a[0], a[1]) ? 0 : 1, 0);
  if (is_float(a[0]) || is_float(a[1])) {
    const auto wide = [](const rt::Value& v) {
      return is_float(v) ? static_cast<long double>(v.get<double>())
                         : static_cast<long double>(as_int(v));
    };
    return f(wide(a[0]), wide(a[1]));
  }
  return f(as_int(a[0]), as_int(a[1]));
}

int64_t truncated(double x, const char* op) {
  RT_CHECK(!std::isnan(x), Value, op, "cannot convert float NaN to integer");
  constexpr double limit = 9223372036854775808.0;
  if (x >= limit || x < -limit) overflow(op);
  return static_cast<int64_t>(x);
}

rt::Value math(const rt::Value& name, const rt::Value& number) {
  const std::string& f = name.get<std::string>();
  const double x = as_float(number);
  if (f == "floor") return truncated(std::floor(x), "floor");
  if (f == "ceil") return truncated(std::ceil(x), "ceil");
  static constexpr struct {
    std::string_view name;
    double (*compute)(double);
  } table[] = {{"sqrt", std::sqrt},   {"exp", std::exp},  {"log", std::log}, {"log2", std::log2},
               {"log10", std::log10}, {"sin", std::sin},  {"cos", std::cos}, {"tan", std::tan},
               {"tanh", std::tanh},   {"fabs", std::fabs}};
  for (const auto& row : table) {
    if (row.name != f) continue;
    const bool outside = f == "sqrt" ? x < 0 : f.starts_with("log") && x <= 0;
    RT_CHECK(!outside, Value, f, "math domain error");
    return row.compute(x);
  }
  RT_FAIL(Value, "math", "there is no such function in scripts", f);
}

// ---- Tensors ----

Scalar read(const Tensor& t, const char* what) {
  RT_CHECK(t.numel() == 1, Runtime, what,
           cat_str("a Tensor with ", t.numel(), " elements cannot be converted to a number"));
  note_read(t, what);
  return item(t);
}

bool truth(const Tensor& t) {
  RT_CHECK(t.numel() == 1, Runtime, "bool",
           t.numel() == 0 ? "Boolean value of Tensor with no values is ambiguous"
                          : "Boolean value of Tensor with more than one value is ambiguous");
  note_read(t, "bool");
  return item(t).to_bool();
}

int64_t size(const Tensor& t, int64_t dim) {
  return t.sizes()[static_cast<size_t>(wrap_dim(dim, t.dim(), "size"))];
}

template <class List>
Tensor tensor_of(const List& data, DType dtype, const rt::Value& wanted, const rt::Value& device) {
  const Tensor t = empty({static_cast<int64_t>(data.size())}, dtype, Device{});
  using Item = std::decay_t<decltype(data[0])>;
  std::copy(data.begin(), data.end(), static_cast<Item*>(t.host_data()));
  const DType to = wanted.is<DType>()        ? wanted.get<DType>()
                   : dtype == DType::Float64 ? default_dtype()
                                             : dtype;
  const Tensor cast = ops::to(t, to);
  return device.is<Device>() ? ops::to(cast, device.get<Device>()) : cast;
}

// ---- Lists: values, of which a change makes another ----

template <class List>
const List& list_of(const rt::Value& v) {
  return v.get<List>();
}
int64_t place(int64_t i, size_t size, const char* what) {
  const auto n = static_cast<int64_t>(size);
  RT_CHECK(i >= -n && i < n, Index, what, "list index out of range", cat_str(i));
  return i < 0 ? i + n : i;
}
template <class List>
void list_get(const OpRecord&, Args a, rt::Value* r) {
  const List& list = list_of<List>(a[0]);
  r[0] = list[static_cast<size_t>(place(a[1].get<int64_t>(), list.size(), "list"))];
}
template <class List, class Item>
void list_set(const OpRecord&, Args a, rt::Value* r) {
  List list = list_of<List>(a[0]);
  list[static_cast<size_t>(place(a[1].get<int64_t>(), list.size(), "list"))] =
      Unbox<Item>::from(a[2]);
  r[0] = std::move(list);
}
template <class List, class Item>
void list_append(const OpRecord&, Args a, rt::Value* r) {
  List list = list_of<List>(a[0]);
  list.push_back(Unbox<Item>::from(a[1]));
  r[0] = std::move(list);
}
template <class List>
void list_concat(const OpRecord&, Args a, rt::Value* r) {
  List list = list_of<List>(a[0]);
  for (const auto& item : list_of<List>(a[1])) list.push_back(item);
  r[0] = std::move(list);
}
template <class List>
void list_repeat(const OpRecord&, Args a, rt::Value* r) {
  const List& list = list_of<List>(a[0]);
  const int64_t n = std::max<int64_t>(a[1].get<int64_t>(), 0);
  constexpr int64_t most = int64_t{1} << 32;
  RT_CHECK(list.size() == 0 || n <= most / static_cast<int64_t>(list.size()), Runtime, "list",
           "a list has at most 2^32 items", cat_str(n));
  List all;
  for (int64_t i = 0; i < n; ++i) {
    for (const auto& item : list) all.push_back(item);
  }
  r[0] = std::move(all);
}
template <class List>
void list_length(const OpRecord&, Args a, rt::Value* r) {
  r[0] = static_cast<int64_t>(list_of<List>(a[0]).size());
}
// Python's list[start:stop:step].
template <class List>
void list_slice(const OpRecord&, Args a, rt::Value* r) {
  const List& list = list_of<List>(a[0]);
  const auto n = static_cast<int64_t>(list.size());
  const int64_t step = a[3].get<int64_t>();
  RT_CHECK(step != 0, Value, "list", "slice step cannot be zero");
  const auto bound = [&](const rt::Value& v, int64_t otherwise) {
    if (v.is_none()) return otherwise;
    int64_t i = v.get<int64_t>();
    if (i < 0) i = i < -n ? -1 : i + n;
    return step > 0 ? std::clamp<int64_t>(i, 0, n) : std::clamp<int64_t>(i, -1, n - 1);
  };
  const int64_t start = bound(a[1], step > 0 ? 0 : n - 1), stop = bound(a[2], step > 0 ? n : -1);
  List part;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    part.push_back(list[static_cast<size_t>(i)]);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  r[0] = std::move(part);
}

#define RT_RESULT(expr) [](const OpRecord&, Args a, rt::Value* r) { r[0] = expr; }
#define RT_ARITHMETIC(symbol, checked)                                               \
  [](const OpRecord& op, Args a, rt::Value* r) {                                     \
    if (is_float(a[0]) || is_float(a[1])) {                                          \
      r[0] = as_float(a[0]) symbol as_float(a[1]);                                   \
    } else {                                                                         \
      int64_t v = 0;                                                                 \
      if (checked(as_int(a[0]), as_int(a[1]), &v)) overflow(op.schema.name.c_str()); \
      r[0] = v;                                                                      \
    }                                                                                \
  }
#define RT_COMPARISON(symbol) RT_RESULT(compare(a, [](auto x, auto y) { return x symbol y; }))
#define RT_LIST(suffix, type, item, List, Item)                                                 \
  {"script.list" suffix "(" type "[] items) -> " type "[]", RT_RESULT(a[0])},                   \
      {"script.get" suffix "(" type "[] list, int index) -> " type, list_get<List>},            \
      {"script.set" suffix "(" type "[] list, int index, " item " value) -> " type "[]",        \
       list_set<List, Item>},                                                                   \
      {"script.append" suffix "(" type "[] list, " item " value) -> " type "[]",                \
       list_append<List, Item>},                                                                \
      {"script.concat" suffix "(" type "[] list, " type "[] other) -> " type "[]",              \
       list_concat<List>},                                                                      \
      {"script.repeat" suffix "(" type "[] list, int times) -> " type "[]", list_repeat<List>}, \
      {"script.len" suffix "(" type "[] list) -> int", list_length<List>}, {                    \
    "script.slice" suffix "(" type                                                              \
    "[] list, int? start=None, int? stop=None, int step=1)"                                     \
    " -> " type "[]",                                                                           \
        list_slice<List>                                                                        \
  }

using Tensors = std::vector<Tensor>;
using Floats = std::vector<double>;

const Definition kDefinitions[] = {
    // Constants.
    {"script.int(int value) -> int", RT_RESULT(a[0])},
    {"script.float(float value) -> float", RT_RESULT(as_float(a[0]))},
    {"script.bool(bool value) -> bool", RT_RESULT(a[0])},
    {"script.str(str value) -> str", RT_RESULT(a[0])},
    {"script.dtype(DType value) -> DType", RT_RESULT(a[0])},
    {"script.device(Device value) -> Device", RT_RESULT(a[0])},
    // None, and what a variable is before it has a value.
    {"script.none() -> None", [](const OpRecord&, Args, rt::Value* r) { r[0] = rt::Value(); }},
    {"script.is_none(Tensor? anything) -> bool",
     RT_RESULT(a[0].is_none() || (a[0].is<Tensor>() && !a[0].tensor().defined()))},
    // Numbers.
    {"script.add(Scalar a, Scalar b) -> Scalar", RT_ARITHMETIC(+, __builtin_add_overflow)},
    {"script.sub(Scalar a, Scalar b) -> Scalar", RT_ARITHMETIC(-, __builtin_sub_overflow)},
    {"script.mul(Scalar a, Scalar b) -> Scalar", RT_ARITHMETIC(*, __builtin_mul_overflow)},
    {"script.div(Scalar a, Scalar b) -> float",
     [](const OpRecord&, Args a, rt::Value* r) {
       if (as_float(a[1]) == 0) zero_division();
       r[0] = as_float(a[0]) / as_float(a[1]);
     }},
    {"script.floordiv(Scalar a, Scalar b) -> Scalar",
     [](const OpRecord&, Args a, rt::Value* r) {
       if (is_float(a[0]) || is_float(a[1])) {
         r[0] = floor_div(as_float(a[0]), as_float(a[1]));
       } else {
         r[0] = floor_div(as_int(a[0]), as_int(a[1]));
       }
     }},
    {"script.mod(Scalar a, Scalar b) -> Scalar",
     [](const OpRecord&, Args a, rt::Value* r) {
       if (is_float(a[0]) || is_float(a[1])) {
         r[0] = floor_mod(as_float(a[0]), as_float(a[1]));
       } else {
         r[0] = floor_mod(as_int(a[0]), as_int(a[1]));
       }
     }},
    {"script.pow(Scalar a, Scalar b) -> Scalar", RT_RESULT(power(a[0], a[1]))},
    {"script.neg(Scalar a) -> Scalar",
     [](const OpRecord&, Args a, rt::Value* r) {
       if (is_float(a[0])) {
         r[0] = -a[0].get<double>();
       } else {
         r[0] = floor_div(as_int(a[0]), int64_t{-1});
       }
     }},
    {"script.min(Scalar a, Scalar b) -> Scalar",
     RT_RESULT(compare(a, [](auto x, auto y) { return y < x; }) ? a[1] : a[0])},
    {"script.max(Scalar a, Scalar b) -> Scalar",
     RT_RESULT(compare(a, [](auto x, auto y) { return y > x; }) ? a[1] : a[0])},
    {"script.lt(Scalar a, Scalar b) -> bool", RT_COMPARISON(<)},
    {"script.le(Scalar a, Scalar b) -> bool", RT_COMPARISON(<=)},
    {"script.gt(Scalar a, Scalar b) -> bool", RT_COMPARISON(>)},
    {"script.ge(Scalar a, Scalar b) -> bool", RT_COMPARISON(>=)},
    {"script.eq(Scalar a, Scalar b) -> bool", RT_COMPARISON(==)},
    {"script.ne(Scalar a, Scalar b) -> bool", RT_COMPARISON(!=)},
    {"script.eq.str(str a, str b) -> bool", RT_COMPARISON(==)},
    {"script.ne.str(str a, str b) -> bool", RT_COMPARISON(!=)},
    {"script.eq.dtype(DType a, DType b) -> bool", RT_RESULT(same_attribute(a[0], a[1]))},
    {"script.ne.dtype(DType a, DType b) -> bool", RT_RESULT(!same_attribute(a[0], a[1]))},
    {"script.eq.device(Device a, Device b) -> bool", RT_RESULT(same_attribute(a[0], a[1]))},
    {"script.ne.device(Device a, Device b) -> bool", RT_RESULT(!same_attribute(a[0], a[1]))},
    {"script.not(Scalar a) -> bool", RT_RESULT(!a[0].scalar().to_bool())},
    {"script.to_int(Scalar a) -> int",
     RT_RESULT(is_float(a[0]) ? truncated(a[0].get<double>(), "int") : as_int(a[0]))},
    {"script.to_float(Scalar a) -> float", RT_RESULT(as_float(a[0]))},
    {"script.to_bool(Scalar a) -> bool", RT_RESULT(a[0].scalar().to_bool())},
    {"script.math(str name, Scalar a) -> Scalar", RT_RESULT(math(a[0], a[1]))},
    // Tensors.
    {"script.size(Tensor input) -> int[]", RT_RESULT(Dims(a[0].tensor().sizes()))},
    {"script.size.dim(Tensor input, int dim) -> int",
     RT_RESULT(size(a[0].tensor(), a[1].get<int64_t>()))},
    {"script.len(Tensor input) -> int",
     [](const OpRecord&, Args a, rt::Value* r) {
       RT_CHECK(a[0].tensor().dim() > 0, Type, "len", "len() of a 0-d tensor");
       r[0] = a[0].tensor().sizes()[0];
     }},
    {"script.dim(Tensor input) -> int", RT_RESULT(a[0].tensor().dim())},
    {"script.numel(Tensor input) -> int", RT_RESULT(a[0].tensor().numel())},
    {"script.dtype_of(Tensor input) -> DType", RT_RESULT(a[0].tensor().dtype())},
    {"script.device_of(Tensor input) -> Device", RT_RESULT(a[0].tensor().device())},
    {"script.requires_grad(Tensor input) -> bool", RT_RESULT(requires_grad(a[0].tensor()))},
    {"script.item(Tensor input) -> Scalar", RT_RESULT(rt::Value(read(a[0].tensor(), "item")))},
    {"script.int_of(Tensor input) -> int",
     [](const OpRecord&, Args a, rt::Value* r) {
       const rt::Value v(read(a[0].tensor(), "int"));
       r[0] = is_float(v) ? truncated(v.get<double>(), "int") : as_int(v);
     }},
    {"script.float_of(Tensor input) -> float",
     RT_RESULT(read(a[0].tensor(), "float").to_double())},
    {"script.bool_of(Tensor input) -> bool", RT_RESULT(truth(a[0].tensor()))},
    {"script.tensor.ints(int[] data, *, DType? dtype=None, Device? device=None) -> Tensor",
     RT_RESULT(tensor_of(a[0].get<Dims>(), DType::Int64, a[1], a[2]))},
    {"script.tensor.floats(float[] data, *, DType? dtype=None, Device? device=None) -> Tensor",
     RT_RESULT(tensor_of(a[0].get<Floats>(), DType::Float64, a[1], a[2]))},
    // Lists.
    RT_LIST(".tensors", "Tensor", "Tensor", Tensors, const Tensor&),
    RT_LIST(".ints", "int", "int", Dims, int64_t),
    RT_LIST(".floats", "float", "float", Floats, double),
    {"script.expect_length(int length, int wanted) -> int",
     [](const OpRecord&, Args a, rt::Value* r) {
       const int64_t n = a[0].get<int64_t>(), wanted = a[1].get<int64_t>();
       RT_CHECK(n == wanted, Value, "",
                n < wanted ? cat_str("not enough values to unpack (expected ", wanted, ", got ", n, ")")
                           : cat_str("too many values to unpack (expected ", wanted, ")"));
       r[0] = n;
     },
     true},
    // Effects.
    {"script.print(Tensor? anything, str end) -> int",
     [](const OpRecord&, Args a, rt::Value* r) {
       script_hooks().print(a[0], a[1].get<std::string>());
       r[0] = int64_t{0};
     },
     true},
    {"script.raise(str kind, str message) -> int",
     [](const OpRecord&, Args a, rt::Value*) {
       script_hooks().raise(a[0].get<std::string>(), a[1].get<std::string>());
       RT_FAIL(Runtime, "", a[1].get<std::string>());
     },
     true},
};

struct Table {
  Table() {
    for (const Definition& d : kDefinitions) {
      auto r = std::make_unique<OpRecord>();
      r->schema = parse_schema(d.schema);
      r->boxed = d.compute;
      for (rt::Argument& a : r->schema.args) {
        if (a.name == "anything") a.kind = ArgKind::Void;  // a value of any kind
      }
      if (d.effects) effects.insert(r.get());
      const std::string name = r->schema.name;
      by_name.emplace(name, std::move(r));
    }
  }
  std::unordered_map<std::string, std::unique_ptr<OpRecord>> by_name;
  std::unordered_set<const OpRecord*> effects;
};

// Global: constant once it is made.
const Table& table() {
  static const Table t;
  return t;
}

}  // namespace

const OpRecord* find_script_op(std::string_view name) {
  const auto it = table().by_name.find(std::string(name));
  return it == table().by_name.end() ? nullptr : it->second.get();
}

bool is_script_op(const OpRecord& op) { return op.schema.base_name == "script"; }

bool has_effects(const OpRecord& op) { return is_script_op(op) && table().effects.count(&op) > 0; }

ScriptHooks& script_hooks() {
  static ScriptHooks hooks;
  return hooks;
}

}  // namespace rt::graph
