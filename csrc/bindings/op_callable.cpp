// The Python callables of ops, made from their records: overloads, keywords, defaults, out=,
// varargs.
#include <cstring>
#include <new>
#include <typeinfo>
#include <unordered_map>

#include "autograd/node.h"
#include "bindings/default_device.h"
#include "bindings/older_forms.h"

namespace rt::py {

namespace {

struct OpCallable {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  PyObject* name;
  PyObject* doc;
  std::vector<const OpRecord*> overloads;
  bool method, inplace;
};

PyTypeObject* g_function_type;  // made once when the module is imported
PyTypeObject* g_method_type;

constexpr size_t kMaxArgs = 32;

// Names that NumPy users type for PyTorch's arguments.
bool is_numpy_name(std::string_view key, std::string_view name) {
  if (name == "dim") return key == "axis";
  if (name == "dim0") return key == "axis0";
  if (name == "dim1") return key == "axis1";
  if (name == "keepdim") return key == "keepdims";
  if (name == "other") return key == "x2";
  if (name == "input") return key == "x" || key == "a" || key == "x1";
  return false;
}

// Arguments that concern the result's making rather than the op.
struct Extras {
  PyObject* out = nullptr;
  bool requires_grad = false;
  bool pin_memory = false;
};

bool is_layout_keyword(const char* k) {
  return !std::strcmp(k, "layout") || !std::strcmp(k, "pin_memory") ||
         !std::strcmp(k, "memory_format");
}

// Room for the arguments of any op on the stack, of which only those used are made.
class Values {
 public:
  Values() = default;
  Values(const Values&) = delete;
  ~Values() {
    for (size_t i = 0; i < count_; ++i) data()[i].~Value();
  }
  void push(Value&& v) { new (data() + count_++) Value(std::move(v)); }
  Value* data() { return reinterpret_cast<Value*>(room_); }

 private:
  alignas(Value) std::byte room_[kMaxArgs * sizeof(Value)];
  size_t count_ = 0;
};

// An error from one of the parts of a composite names the op that was called.
template <class F>
void speaking_as(const OpRecord& op, F&& f) {
  try {
    f();
  } catch (const Error& e) {
    const std::string_view called = op.name();
    if (typeid(e) != typeid(Error)) throw;  // it says more than can be said again
    if (e.op().empty() || e.op() == called || called.front() == '_') throw;
    throw Error(e.kind(), std::string(called), e.problem(), e.got(), e.hint());
  }
}

// Appends integers that fit 64 bits, the usual f(2, 3); false for anything else.
bool plain_ints(PyObject* const* args, size_t n, Dims* to) {
  for (size_t i = 0; i < n; ++i) {
    if (!PyLong_CheckExact(args[i])) return false;
    int overflow = 0;
    const long long v = PyLong_AsLongLongAndOverflow(args[i], &overflow);
    if (overflow != 0) return false;
    to->push_back(v);
  }
  return true;
}

// A type of the schema as PyTorch's messages have it: "tuple of Tensors" for Tensor[].
std::string wanted(const Argument& a) {
  std::string_view type = a.type;
  const bool list = type.find('[') != std::string_view::npos;
  type = type.substr(0, type.find_first_of("?["));
  const std::string_view said = type == "Operand"     ? "Tensor"
                                : type == "Scalar"    ? "Number"
                                : type == "DType"     ? "rustorch.dtype"
                                : type == "Device"    ? "rustorch.device"
                                : type == "Generator" ? "rustorch.Generator"
                                                      : type;
  return list ? cat_str("tuple of ", said, "s") : std::string(said);
}

std::string position(const Argument& a, size_t i) {
  return a.keyword_only ? std::string() : cat_str(" (position ", i + 1, ")");
}

const char* short_name(const PyTypeObject* type) {
  const char* dot = std::strrchr(type->tp_name, '.');
  return dot ? dot + 1 : type->tp_name;
}

// The types of a call's arguments: "Tensor, str, dim=int".
std::string types_of(PyObject* const* args, size_t first, size_t n, PyObject* kwnames) {
  std::string s;
  const auto add = [&](const std::string& label, PyObject* value) {
    s += (s.empty() ? "" : ", ") + label + short_name(Py_TYPE(value));
  };
  for (size_t i = first; i < n; ++i) add("", args[i]);
  const Py_ssize_t keywords = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  for (Py_ssize_t k = 0; k < keywords; ++k) {
    add(cat_str(PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, k)), "="),
        args[n + static_cast<size_t>(k)]);
  }
  return s;
}

// One call laid against one overload. `why` collects the reason of a mismatch.
class Binding {
 public:
  Binding(const OpRecord& op, bool method, bool inplace)
      : op_(op), method_(method), inplace_(inplace) {}

  bool bind(PyObject* const* args, size_t n, PyObject* kwnames, std::string* why) {
    const auto& params = op_.schema.args;
    const size_t count = params.size();
    PyObject* slots[kMaxArgs] = {};
    size_t positional = 0;
    for (const Argument& a : params) positional += !a.keyword_only;
    const size_t first = method_ ? 1 : 0;
    // f(2, 3) for f((2, 3)), where the shape is the only positional argument; True is no size.
    const bool varargs = positional == first + 1 && params[first].kind == ArgKind::IntList &&
                         n > first && (n > first + 1 || !accepts(params[first], args[first])) &&
                         !PyTuple_Check(args[first]) && !PyList_Check(args[first]) &&
                         args[first] != Py_None && !PyBool_Check(args[first]);
    // f(x, y) for f((x, y)), where the schema says Tensor[*].
    const bool tensors = positional == first + 1 && params[first].type == "Tensor[*]" &&
                         (n == first || is_tensor(args[first]));
    const bool sizes = varargs && plain_ints(args + first, n - first, &sizes_);
    if (sizes) {
      std::copy(args, args + first + 1, slots);  // the rest is in sizes_
    } else if (varargs || tensors) {
      for (size_t i = 0; i < first; ++i) slots[i] = args[i];
      gathered_ = checked(PyTuple_New(static_cast<Py_ssize_t>(n - first)));
      for (size_t i = first; i < n; ++i) {
        Py_INCREF(args[i]);
        PyTuple_SET_ITEM(gathered_.get(), static_cast<Py_ssize_t>(i - first), args[i]);
      }
      slots[first] = gathered_.get();
    } else {
      if (n > positional) {
        *why = cat_str("takes ", positional, " positional arguments but ", n, " were given");
        return false;
      }
      std::copy(args, args + n, slots);
    }
    const Py_ssize_t keywords = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t k = 0; k < keywords; ++k) {
      const char* key = PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, k));
      PyObject* value = args[n + static_cast<size_t>(k)];
      const int at = find_parameter(key);
      if (at >= 0) {
        if (slots[at]) {
          *why = cat_str("got multiple values for argument '", key, "'");
          return false;
        }
        slots[at] = value;
      } else if (!take_extra(key, value)) {
        *why = cat_str("got an unexpected keyword argument '", key, "'");
        return false;
      }
    }
    for (size_t i = 0; i < count; ++i) {
      const Argument& a = params[i];
      if (!slots[i]) {
        if (a.has_default) continue;
        *why = cat_str("missing argument '", a.name, "'");
        return false;
      }
      if (sizes && i == first) continue;
      if (a.kind == ArgKind::Tensor ? !is_tensor(slots[i]) && !accepts(a, slots[i])
                                    : !accepts(a, slots[i])) {
        const bool gathered = slots[i] == gathered_.get() && n == first + 1;
        const PyObject* given = gathered ? args[first] : slots[i];
        *why = cat_str("argument '", a.name, "'", position(a, i - (i >= first ? first : 0)),
                       " must be ", wanted(a), ", not ", short_name(Py_TYPE(given)));
        return false;
      }
    }
    int device = -1;
    for (size_t i = 0; i < count; ++i) {
      if (params[i].kind == ArgKind::Device) device = static_cast<int>(i);
      if (sizes && i == first) {
        values_.push(Value(std::move(sizes_)));
      } else if (slots[i]) {
        values_.push(to_value(op_.name(), params[i], slots[i]));
      } else {
        values_.push(Value(params[i].default_value));
      }
    }
    if (device >= 0 && !extras_.out) settle_device(op_, values_.data(), device);
    return true;
  }

  PyObject* call(PyObject* self) {
    if (inplace_) return call_op_inplace(op_, self, values_.data());
    if (extras_.out) return call_with_out();
    PyObject* result = call_op(op_, values_.data());
    if (extras_.pin_memory && result) {
      const Object made(result);
      result = checked(PyObject_CallMethod(made.get(), "pin_memory", nullptr)).release();
    }
    if (extras_.requires_grad && result) {
      try {
        set_requires_grad(unwrap(result), true);
      } catch (...) {
        Py_DECREF(result);
        throw;
      }
    }
    return result;
  }

 private:
  int find_parameter(const char* key) const {
    const auto& params = op_.schema.args;
    for (size_t i = 0; i < params.size(); ++i) {
      if (params[i].name == key) return static_cast<int>(i);
    }
    for (size_t i = 0; i < params.size(); ++i) {
      if (is_numpy_name(key, params[i].name)) return static_cast<int>(i);
    }
    if (!params.empty() && !std::strcmp(key, "self")) return 0;
    return -1;
  }

  bool take_extra(const char* key, PyObject* value) {
    if (!std::strcmp(key, "out") && op_.spec.out && !inplace_) {
      extras_.out = value == Py_None ? nullptr : value;
      return true;
    }
    const bool creates = op_.schema.index_of("dtype") >= 0 && op_.schema.index_of("device") >= 0;
    if (!std::strcmp(key, "requires_grad") && creates) {
      extras_.requires_grad = PyObject_IsTrue(value) == 1;
      return true;
    }
    if (!std::strcmp(key, "pin_memory") && creates) {
      extras_.pin_memory = PyObject_IsTrue(value) == 1;
      return true;
    }
    return is_layout_keyword(key) && (creates || std::strcmp(key, "pin_memory"));
  }

  PyObject* call_with_out() {
    std::vector<Tensor> outs;
    if (is_tensor(extras_.out)) {
      outs.push_back(unwrap(extras_.out));
    } else {
      Object fast =
          checked(PySequence_Fast(extras_.out, "out= must be a tensor or a tuple of tensors"));
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
        PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), i);
        RT_CHECK(is_tensor(item), Type, op_.name(), "out= must be a tensor or a tuple of tensors",
                 Py_TYPE(item)->tp_name);
        outs.push_back(unwrap(item));
      }
    }
    speaking_as(op_, [&] { call_out(op_, values_.data(), outs); });
    Py_INCREF(extras_.out);
    return extras_.out;
  }

  const OpRecord& op_;
  bool method_, inplace_;
  Extras extras_;
  Object gathered_;
  Dims sizes_;
  Values values_;
};

int64_t elements(const OpRecord& op, const Value* args) {
  int64_t n = 0;
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    if (const auto* t = std::get_if<Tensor>(&args[i])) {
      if (t->defined()) n += t->numel();
    } else if (const auto* l = std::get_if<std::vector<Tensor>>(&args[i])) {
      for (const Tensor& t : *l) n += t.defined() ? t.numel() : 0;
    } else if (const auto* d = std::get_if<Dims>(&args[i])) {
      int64_t size = 1;
      for (int64_t s : *d) size = s > 0 && size < kReleaseGilAbove ? size * s : size;
      n += size;
    }
  }
  return n;
}

PyObject* vectorcall(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  return guard([&]() -> PyObject* {
    auto* self = reinterpret_cast<OpCallable*>(callable);
    const size_t n = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
    std::string reasons, why;
    for (const OpRecord* op : self->overloads) {
      Binding binding(*op, self->method, self->inplace);
      if (binding.bind(args, n, kwnames, &why)) return binding.call(n > 0 ? args[0] : nullptr);
      reasons += cat_str("\n  ", op->schema.text, ": ", why);
    }
    const char* name = PyUnicode_AsUTF8(self->name);
    if (RewrittenCall older; rewrite_older_form(name, self->method, args, n, kwnames, &older)) {
      const std::string text = cat_str(
          "This overload of ", name, " is deprecated: numbers before tensors; try ", older.advice);
      checked(PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1));
      return vectorcall(callable, older.args.data(), 1, older.names.get());
    }
    if (self->overloads.size() == 1)
      RT_FAIL(Type, name, cat_str(name, why.starts_with("argument") ? "(): " : "() ", why));
    RT_FAIL(Type, name,
            cat_str(name, "() received an invalid combination of arguments - got (",
                    types_of(args, self->method ? 1 : 0, n, kwnames),
                    "), but expected one of:", reasons));
  });
}

PyObject* get_descriptor(PyObject* callable, PyObject* obj, PyObject*) {
  if (!obj || obj == Py_None) {
    Py_INCREF(callable);
    return callable;
  }
  return PyMethod_New(callable, obj);
}

void dealloc(PyObject* o) {
  auto* self = reinterpret_cast<OpCallable*>(o);
  PyTypeObject* type = Py_TYPE(o);
  Py_XDECREF(self->name);
  Py_XDECREF(self->doc);
  self->overloads.~vector();
  type->tp_free(o);
  Py_DECREF(type);
}

PyObject* repr(PyObject* o) {
  auto* self = reinterpret_cast<OpCallable*>(o);
  return PyUnicode_FromFormat("<op %U of rustorch>", self->name);
}

PyObject* text_signature(PyObject* o, void*) {
  auto* self = reinterpret_cast<OpCallable*>(o);
  if (self->overloads.size() != 1) Py_RETURN_NONE;
  std::string s = "(";
  bool keyword_only = false;
  for (const Argument& a : self->overloads[0]->schema.args) {
    if (a.keyword_only && !keyword_only) {
      s += "*, ";
      keyword_only = true;
    }
    s += a.name;
    if (a.has_default) s += "=" + to_string(a.default_value);
    s += ", ";
  }
  if (s.size() > 1) s.resize(s.size() - 2);
  return PyUnicode_FromString((s + ")").c_str());
}

PyObject* schemas(PyObject* o, void*) {
  auto* self = reinterpret_cast<OpCallable*>(o);
  Object list(PyList_New(0));
  for (const OpRecord* op : self->overloads) {
    Object text(PyUnicode_FromString(op->schema.text.c_str()));
    if (!text || PyList_Append(list.get(), text.get()) < 0) return nullptr;
  }
  return list.release();
}

PyObject* reduce(PyObject* o, PyObject*) {
  // Pickles by name and namespace: linalg.norm is another function than norm.
  auto* self = reinterpret_cast<OpCallable*>(o);
  return guard([&]() -> PyObject* {
    Object module = checked(PyImport_ImportModule("rustorch._C"));
    Object find = checked(PyObject_GetAttrString(module.get(), "_find_callable"));
    Object spaces = checked(PyObject_GetAttrString(module.get(), "_namespaces"));
    PyObject *key, *functions, *home = Py_None;
    for (Py_ssize_t at = 0; PyDict_Next(spaces.get(), &at, &key, &functions);) {
      if (PyDict_GetItem(functions, self->name) == o) home = key;
    }
    return Py_BuildValue("(O(OOOO))", find.get(), self->name, self->method ? Py_True : Py_False,
                         self->inplace ? Py_True : Py_False, home);
  });
}

// A named result over several lines, as PyTorch writes it.
PyObject* struct_repr(PyObject* o) {
  std::string text = cat_str(Py_TYPE(o)->tp_name, "(\n");
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); ++i) {
    const Object value(PyObject_Repr(PyTuple_GET_ITEM(o, i)));
    if (!value) return nullptr;
    if (i > 0) text += ",\n";
    text += cat_str(Py_TYPE(o)->tp_members[i].name, "=", PyUnicode_AsUTF8(value.get()));
  }
  return PyUnicode_FromString((text + ")").c_str());
}

PyObject* struct_type(const OpRecord& op) {
  // Named results: rustorch.return_types.max(values=..., indices=...). One type an op name.
  static auto& types = *new std::unordered_map<std::string, PyObject*>;
  PyObject*& type = types[op.schema.text];
  if (!type) {
    static auto& strings =
        *new std::vector<std::unique_ptr<std::string>>;  // names outlive the types
    const auto keep = [](std::string s) {
      strings.push_back(std::make_unique<std::string>(std::move(s)));
      return strings.back()->c_str();
    };
    auto fields = std::make_unique<PyStructSequence_Field[]>(op.schema.returns.size() + 1);
    for (size_t i = 0; i < op.schema.returns.size(); ++i) {
      fields[i] = {keep(op.schema.returns[i].name), ""};
    }
    fields[op.schema.returns.size()] = {nullptr, nullptr};
    PyStructSequence_Desc desc{keep("rustorch.return_types." + op.schema.base_name), "",
                               fields.get(), static_cast<int>(op.schema.returns.size())};
    type = reinterpret_cast<PyObject*>(PyStructSequence_NewType(&desc));
    if (!type) throw PythonError{};
    reinterpret_cast<PyTypeObject*>(type)->tp_repr = struct_repr;
  }
  return type;
}

// _return_type(name): the type of an op's named results, by the op's base name; None if it has
// none.
PyObject* return_type(PyObject*, PyObject* name) {
  return guard([&]() -> PyObject* {
    const char* wanted = PyUnicode_AsUTF8(name);
    if (!wanted) return nullptr;
    for (const OpRecord* op : all_ops()) {
      const auto& returns = op->schema.returns;
      if (op->schema.base_name == wanted && returns.size() > 1 && !returns[0].name.empty()) {
        return Object::borrow(struct_type(*op)).release();
      }
    }
    Py_RETURN_NONE;
  });
}
PyMethodDef functions[] = {{"_return_type", return_type, METH_O, nullptr}, {}};

}  // namespace

PyObject* call_op(const OpRecord& op, const Value* args) {
  Value returns[OpRecord::kMaxReturns];
  {
    ReleaseGil released(elements(op, args) > kReleaseGilAbove);
    speaking_as(op, [&] { call_boxed(op, args, returns); });
  }
  const size_t n = op.schema.returns.size();
  if (n == 1) return to_python(returns[0]);
  const bool named = !op.schema.returns[0].name.empty();
  Object result =
      named ? checked(PyStructSequence_New(reinterpret_cast<PyTypeObject*>(struct_type(op))))
            : checked(PyTuple_New(static_cast<Py_ssize_t>(n)));
  for (size_t i = 0; i < n; ++i) {
    PyObject* item = checked(to_python(returns[i])).release();
    if (named) {
      PyStructSequence_SetItem(result.get(), static_cast<Py_ssize_t>(i), item);
    } else {
      PyTuple_SET_ITEM(result.get(), static_cast<Py_ssize_t>(i), item);
    }
  }
  return result.release();
}

PyObject* call_op_inplace(const OpRecord& op, PyObject* self, const Value* args) {
  {
    ReleaseGil released(elements(op, args) > kReleaseGilAbove);
    speaking_as(op, [&] { call_inplace(op, args); });
  }
  if (self && is_tensor(self) && unwrap(self).is_same(args[0].tensor())) {
    Py_INCREF(self);
    return self;
  }
  return wrap(args[0].tensor());
}

PyObject* make_op_callable(const char* name, std::vector<const OpRecord*> overloads, bool method,
                           bool inplace) {
  PyTypeObject* type = method ? g_method_type : g_function_type;
  Object o = checked(type->tp_alloc(type, 0));
  auto* self = reinterpret_cast<OpCallable*>(o.get());
  new (&self->overloads) std::vector<const OpRecord*>(std::move(overloads));
  self->vectorcall = vectorcall;
  self->method = method;
  self->inplace = inplace;
  self->name = checked(PyUnicode_FromString(name)).release();
  std::string doc;
  for (const OpRecord* op : self->overloads) {
    if (*op->spec.doc) {
      doc = op->spec.doc;
      break;
    }
  }
  if (inplace)
    doc = cat_str("In-place form of `", self->overloads[0]->schema.base_name, "`.\n\n", doc);
  self->doc = checked(PyUnicode_FromString(doc.c_str())).release();
  return o.release();
}

void init_ops(PyObject* module) {
  static PyMemberDef members[] = {
      {"__vectorcalloffset__", T_PYSSIZET, offsetof(OpCallable, vectorcall), READONLY, nullptr},
      {"__name__", T_OBJECT, offsetof(OpCallable, name), READONLY, nullptr},
      {"__qualname__", T_OBJECT, offsetof(OpCallable, name), READONLY, nullptr},
      {"__doc__", T_OBJECT, offsetof(OpCallable, doc), READONLY, nullptr},
      {}};
  static PyGetSetDef properties[] = {
      {"__text_signature__", text_signature, nullptr, nullptr, nullptr},
      {"__schemas__", schemas, nullptr, "The overloads' schemas.", nullptr},
      {}};
  static PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr}, {}};
  const auto make = [&](const char* name, bool method) {
    PyType_Slot slots[] = {
        {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
        {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
        {Py_tp_repr, reinterpret_cast<void*>(repr)},
        {Py_tp_members, members},
        {Py_tp_getset, properties},
        {Py_tp_methods, methods},
        method ? PyType_Slot{Py_tp_descr_get, reinterpret_cast<void*>(get_descriptor)}
               : PyType_Slot{0, nullptr},
        {0, nullptr}};
    PyType_Spec spec{name, sizeof(OpCallable), 0,
                     static_cast<unsigned>(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
                                           Py_TPFLAGS_HAVE_VECTORCALL |
                                           (method ? Py_TPFLAGS_METHOD_DESCRIPTOR : 0)),
                     slots};
    return reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
  };
  g_function_type = make("rustorch.op", false);
  g_method_type = make("rustorch.op_method", true);

  // namespaces() -> {"rt": {name: callable}, "Tensor": {...}, "nn.functional": {...}, ...}
  Object spaces = checked(PyDict_New());
  std::unordered_map<std::string, std::vector<const OpRecord*>> groups;
  std::vector<std::string> order;
  const auto add = [&](const std::string& space, const std::string& name, const OpRecord* op) {
    auto& group = groups[space + " " + name];
    if (group.empty()) order.push_back(space + " " + name);
    group.push_back(op);
  };
  for (const OpRecord* op : all_ops()) {
    std::vector<std::string> names = op->aliases;
    names.insert(names.begin(), op->schema.base_name);
    for (const std::string& space : op->namespaces) {
      const size_t dot = space.find(".inplace");
      for (const std::string& n : names) {
        const std::string base = space.substr(0, dot);
        if (dot == std::string::npos) add(base, n, op);
        if (op->spec.inplace && (dot != std::string::npos || base == "Tensor" || base == "rt" ||
                                 base == "nn.functional")) {
          add(base, n + "_", op);
        }
      }
    }
  }
  for (const std::string& key : order) {
    const std::string space = key.substr(0, key.find(' ')), n = key.substr(key.find(' ') + 1);
    PyObject* dict = PyDict_GetItemString(spaces.get(), space.c_str());
    if (!dict) {
      Object fresh = checked(PyDict_New());
      checked(PyDict_SetItemString(spaces.get(), space.c_str(), fresh.get()));
      dict = fresh.get();
    }
    const auto& group = groups[key];
    const bool inplace = n.back() == '_' && group[0]->schema.base_name.back() != '_';
    Object callable = checked(make_op_callable(n.c_str(), group, space == "Tensor", inplace));
    checked(PyDict_SetItemString(dict, n.c_str(), callable.get()));
    if (space == "Tensor") {
      checked(PyObject_SetAttrString(reinterpret_cast<PyObject*>(tensor_type), n.c_str(),
                                     callable.get()));
    }
  }
  checked(PyModule_AddObjectRef(module, "_namespaces", spaces.get()));
  checked(PyModule_AddFunctions(module, functions));
}

}  // namespace rt::py
