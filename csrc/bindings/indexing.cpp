// x[key] and x[key] = value. Integers, slices, None and Ellipsis make a view; tensors, masks,
// arrays and lists then index that view.
#include <cstring>

#include "autograd/node.h"
#include "bindings/python.h"
#include "core/warning.h"
#include "ops/index_support.h"
#include "ops/ops.h"
#include "ops/whole_ops.h"

namespace rt::py {

namespace {

[[noreturn]] void invalid_index(PyObject* key) {
  RT_FAIL(Index, "index",
          cat_str("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables "
                  "are valid "
                  "indices (got ",
                  Py_TYPE(key)->tp_name, ")"));
}

int64_t to_int64(PyObject* o) {
  Object index = checked(PyNumber_Index(o));
  const long long v = PyLong_AsLongLong(index.get());
  if (v == -1 && PyErr_Occurred()) throw PythonError{};
  return v;
}

int64_t wrap_index(int64_t index, int64_t dim, int64_t size) {
  RT_CHECK(index >= -size && index < size, Index, "index",
           cat_str("index ", index, " is out of bounds for dimension ", dim, " with size ", size));
  return index < 0 ? index + size : index;
}

bool is_numpy_bool(PyObject* o) { return std::strncmp(Py_TYPE(o)->tp_name, "numpy.bool", 10) == 0; }

// A list, range or the like as an index tensor; an empty one selects nothing.
Tensor index_from_sequence(PyObject* o) {
  Object module = checked(PyImport_ImportModule("rustorch._C"));
  Object made = checked(PyObject_CallMethod(module.get(), "_tensor_from_data", "OO", o, Py_None));
  const Tensor t = unwrap(made.get());
  return t.numel() == 0 && t.dtype() != DType::Bool ? ops::to(t, DType::Int64) : t;
}
Tensor index_from_array(PyObject* o) {
  const Tensor t = tensor_from_numpy(o);
  return is_integral(t.dtype()) ? ops::to(t, DType::Int64) : t;
}

// What one entry of a key is.
struct Entry {
  enum Kind : uint8_t { Int, Slice, None, Dots, Bool, Index };
  Kind kind;
  int64_t value = 0;  // Int, Bool
  PyObject* slice = nullptr;
  Tensor tensor;  // Index

  // Dims of the tensor that it takes.
  int64_t span() const {
    if (kind == Int || kind == Slice) return 1;
    if (kind != Index) return 0;
    const DType t = tensor.dtype();
    return t == DType::Bool || t == DType::UInt8 ? tensor.dim() : 1;
  }
};

Entry entry_of_tensor(Tensor t) {
  if (t.dtype() == DType::UInt8) {
    warn("index",
         "indexing with dtype rustorch.uint8 is now deprecated, please use a dtype rustorch.bool "
         "instead");
  }
  if (t.dim() == 0 && is_integral(t.dtype(), true)) {
    const Scalar s = item(t);
    const bool mask = t.dtype() == DType::Bool || t.dtype() == DType::UInt8;
    return {mask ? Entry::Bool : Entry::Int, mask ? int64_t{s.to_bool()} : s.to_int(), nullptr, {}};
  }
  RT_CHECK(is_integral(t.dtype(), true), Index, "index",
           "tensors used as indices must be long, int, byte or bool tensors", describe(t));
  return {Entry::Index, 0, nullptr, std::move(t)};
}

Entry entry_of(PyObject* o) {
  if (PyLong_CheckExact(o)) return {Entry::Int, to_int64(o), nullptr, {}};
  if (PySlice_Check(o)) return {Entry::Slice, 0, o, {}};
  if (o == Py_None) return {Entry::None, 0, nullptr, {}};
  if (o == Py_Ellipsis) return {Entry::Dots, 0, nullptr, {}};
  if (PyBool_Check(o)) return {Entry::Bool, o == Py_True, nullptr, {}};
  if (is_tensor(o)) return entry_of_tensor(unwrap(o));
  if (is_numpy_array(o)) return entry_of_tensor(index_from_array(o));
  if (is_numpy_bool(o)) return {Entry::Bool, PyObject_IsTrue(o), nullptr, {}};
  if (PyIndex_Check(o)) return {Entry::Int, to_int64(o), nullptr, {}};
  if (PyUnicode_Check(o) || PyBytes_Check(o)) {
    RT_FAIL(Type, "index", cat_str("invalid data type '", Py_TYPE(o)->tp_name, "' for an index"));
  }
  if (PySequence_Check(o)) return entry_of_tensor(index_from_sequence(o));
  invalid_index(o);
}

// PyTorch reads a short list that holds more than numbers as if it were a tuple.
bool is_tuple_like(PyObject* key) {
  if (PyTuple_Check(key)) return true;
  if (!PyList_Check(key) || PyList_GET_SIZE(key) >= 32) return false;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(key); ++i) {
    PyObject* o = PyList_GET_ITEM(key, i);
    if (o == Py_None || o == Py_Ellipsis || PySlice_Check(o) || is_tensor(o) || is_numpy_array(o) ||
        PyList_Check(o) || PyTuple_Check(o)) {
      return true;
    }
  }
  return false;
}

std::vector<Entry> entries_of(PyObject* key) {
  std::vector<Entry> list;
  if (!is_tuple_like(key)) {
    list.push_back(entry_of(key));
    return list;
  }
  Object fast = checked(PySequence_Fast(key, ""));
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.get());
  list.reserve(static_cast<size_t>(n));
  for (Py_ssize_t i = 0; i < n; ++i)
    list.push_back(entry_of(PySequence_Fast_GET_ITEM(fast.get(), i)));
  return list;
}

// Takes the basic entries off a tensor, one by one: as one strided window where nobody has to know
// the steps, else as the chain of select, slice and unsqueeze that the tape records.
class Walk {
 public:
  explicit Walk(const Tensor& x)
      : silent_(ops::can_view_silently(x)),
        x_(x),
        sizes_(x.sizes()),
        strides_(x.strides()),
        offset_(x.offset()) {
    if (!silent_) current_ = x;
  }

  void apply(std::vector<Entry>& entries) {
    int64_t used = 0;
    for (const Entry& e : entries) used += e.span();
    RT_CHECK(used <= x_.dim(), Index, "index",
             cat_str("too many indices for tensor of dimension ", x_.dim()),
             cat_str(used, " indices for ", describe(x_)));
    for (Entry& e : entries) {
      switch (e.kind) {
        case Entry::Int:
          select(e.value);
          break;
        case Entry::Slice:
          slice(e.slice);
          break;
        case Entry::None:
          unsqueeze();
          ++dim_;
          break;
        case Entry::Dots:
          dim_ += x_.dim() - used;
          source_dim_ += x_.dim() - used;
          used = x_.dim();
          break;
        case Entry::Bool:
          unsqueeze();
          indexed_.push_back({dim_, 1, ops::zeros({e.value != 0}, DType::Int64, x_.device())});
          ++dim_;
          break;
        case Entry::Index:
          indexed_.push_back({dim_, e.span(), std::move(e.tensor)});
          dim_ += indexed_.back().span;
          source_dim_ += indexed_.back().span;
          break;
      }
    }
  }

  bool changed() const { return changed_; }
  bool advanced() const { return !indexed_.empty(); }
  // The one bool mask that is all the advanced part, in the shape of the view; else undefined.
  Tensor lone_mask(const Tensor& view) const {
    if (indexed_.size() != 1 || indexed_[0].tensor.dtype() != DType::Bool) return {};
    const Indexed& only = indexed_[0];
    const IntList covered =
        view.sizes().slice(static_cast<size_t>(only.dim), static_cast<size_t>(only.span));
    if (!(only.tensor.sizes() == covered)) return {};
    Dims sizes(only.tensor.sizes());
    sizes.resize(static_cast<size_t>(view.dim() - only.dim), 1);
    return ops::reshape(only.tensor, sizes);
  }

  Tensor view() const {
    if (silent_) return ops::silent_view(x_, sizes_, strides_, offset_);
    return changed_ ? current_ : ops::expand(x_, x_.sizes());
  }

  // One tensor (or none) a dim, or mask that covers several, up to the last that is given.
  std::vector<Tensor> indices() const {
    std::vector<Tensor> list;
    int64_t dim = 0;
    for (const Indexed& i : indexed_) {
      for (; dim < i.dim; ++dim) list.emplace_back();
      list.push_back(i.tensor);
      dim += i.span;
    }
    return list;
  }

 private:
  struct Indexed {
    int64_t dim, span;
    Tensor tensor;
  };

  void select(int64_t index) {
    const size_t d = static_cast<size_t>(dim_);
    const int64_t i = wrap_index(index, source_dim_++, sizes_[d]);
    changed_ = true;
    offset_ += i * strides_[d];
    sizes_.erase(d);
    strides_.erase(d);
    if (!silent_) current_ = ops::select(current_, dim_, i);
  }

  void slice(PyObject* o) {
    Py_ssize_t start, stop, step;
    checked(PySlice_Unpack(o, &start, &stop, &step));
    RT_CHECK(step > 0, Value, "slice", "step must be greater than zero",
             cat_str("step ", int64_t{step}), "flip()");
    const size_t d = static_cast<size_t>(dim_);
    const int64_t size = sizes_[d];
    const int64_t length = PySlice_AdjustIndices(size, &start, &stop, step);
    if (start != 0 || length != size || step != 1) {
      changed_ = true;
      offset_ += start * strides_[d];
      sizes_[d] = length;
      strides_[d] *= step;
      if (!silent_) current_ = ops::slice(current_, dim_, start, std::max(start, stop), step);
    }
    ++dim_;
    ++source_dim_;
  }

  void unsqueeze() {
    const size_t d = static_cast<size_t>(dim_);
    changed_ = true;
    const int64_t stride = d < sizes_.size() ? sizes_[d] * strides_[d] : 1;
    sizes_.insert(d, 1);
    strides_.insert(d, stride);
    if (!silent_) current_ = ops::unsqueeze(current_, dim_);
  }

  bool silent_, changed_ = false;
  const Tensor& x_;
  Dims sizes_, strides_;
  int64_t offset_;
  Tensor current_;
  int64_t dim_ = 0;         // in the view so far
  int64_t source_dim_ = 0;  // in x, for messages
  std::vector<Indexed> indexed_;
};

Tensor select_first(const Tensor& x, int64_t index) {
  RT_CHECK(x.dim() > 0, Index, "index",
           "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a 0-dim "
           "tensor to a number",
           describe(x), ".item()");
  const int64_t i = wrap_index(index, 0, x.sizes()[0]);
  if (!ops::can_view_silently(x)) return ops::select(x, 0, i);
  const size_t rest = x.sizes().size() - 1;
  return ops::silent_view(x, x.sizes().slice(1, rest), x.strides().slice(1, rest),
                          x.offset() + i * x.strides()[0]);
}

// ---- Writing ----

void fill_view(const Tensor& view, const Scalar& s) {
  check_number_fits("index", s, view.dtype());
  check_inplace(view, "index");  // fill_ itself would allow elements that share memory
  if (modes().interceptor || (modes().grad && requires_grad(view)) || !view.device().is_cpu() ||
      view.numel() != 1) {
    ops::fill_(view, s);
    return;
  }
  s.store(view.host_data(), view.dtype());
  view.bump_version();
}

// The value to assign, with surplus leading dims of size 1 dropped as NumPy does.
Tensor assigned_tensor(const Tensor& self, PyObject* value, int64_t rank) {
  Tensor t;
  if (is_tensor(value)) {
    t = unwrap(value);
  } else if (is_numpy_array(value)) {
    t = ops::to(tensor_from_numpy(value), self.dtype());
  } else {
    RT_FAIL(Type, "index",
            cat_str("can't assign a ", Py_TYPE(value)->tp_name, " to a ", name(self.dtype()),
                    " tensor"),
            "", "a tensor, an array or a number");
  }
  int64_t drop = 0;
  while (t.dim() - drop > rank && t.sizes()[drop] == 1) ++drop;
  if (drop == 0) return t;
  return ops::reshape(
      t, t.sizes().slice(static_cast<size_t>(drop), static_cast<size_t>(t.dim() - drop)));
}

void assign_view(const Tensor& view, PyObject* value) {
  if (!is_tensor(value) && is_number(value)) {
    fill_view(view, to_scalar(value));
    return;
  }
  const Tensor t = assigned_tensor(view, value, view.dim());
  RT_CHECK(is_expandable_to(t.sizes(), view.sizes()), Runtime, "index",
           cat_str("The expanded size of the tensor ", view.sizes(),
                   " must match the existing size: shape "
                   "mismatch: value tensor of shape ",
                   t.sizes(), " cannot be broadcast to indexing result of shape ", view.sizes()));
  ReleaseGil released(view.numel() > kReleaseGilAbove);
  ops::copy_(view, t);
}

void assign_indexed(const Tensor& view, const Walk& walk, PyObject* value) {
  const Tensor mask = walk.lone_mask(view);
  Tensor t;
  if (!is_tensor(value) && is_number(value)) {
    const Scalar s = to_scalar(value);
    check_number_fits("index", s, view.dtype());
    t = scalar_tensor(s, view.dtype(), view.device());
  } else {
    int64_t rank = 0;
    if (!(is_tensor(value) && unwrap(value).numel() == 1)) {
      // Of the result: each index takes the place of the dims that it names.
      int64_t named = 0, made = 0;
      for (const Tensor& i : walk.indices()) {
        if (!i.defined()) continue;
        const bool is_mask = i.dtype() == DType::Bool || i.dtype() == DType::UInt8;
        named += is_mask ? i.dim() : 1;
        made = std::max<int64_t>(made, is_mask ? 1 : i.dim());
      }
      rank = view.dim() - named + made;
    }
    t = assigned_tensor(view, value, rank);
  }
  ReleaseGil released(view.numel() > kReleaseGilAbove);
  if (mask.defined() && t.numel() == 1) {
    ops::masked_fill_(view, mask, t.dim() == 0 ? t : ops::reshape(t, {}));
  } else {
    ops::index_put_(view, walk.indices(), t, false);
  }
}

}  // namespace

PyObject* get_item(PyObject* self, PyObject* key) {
  return guard([&]() -> PyObject* {
    const Tensor& x = unwrap(self);
    enter_whole_ops(x);
    if (PyLong_CheckExact(key)) return wrap(select_first(x, to_int64(key)));
    std::vector<Entry> entries = entries_of(key);
    if (x.dim() == 0 && entries.size() == 1 && entries[0].kind == Entry::Int)
      select_first(x, entries[0].value);
    Walk walk(x);
    walk.apply(entries);
    if (!walk.advanced()) return wrap(walk.view());
    const Tensor view = walk.changed() ? walk.view() : x;
    const std::vector<Tensor> indices = walk.indices();
    Tensor result;
    {
      ReleaseGil released(view.numel() > kReleaseGilAbove);
      result = ops::index(view, indices);
    }
    return wrap(std::move(result));
  });
}

int set_item(PyObject* self, PyObject* key, PyObject* value) {
  return guard(
      [&]() -> int {
        const Tensor& x = unwrap(self);
        enter_whole_ops(x);
        RT_CHECK(value, Type, "index", "Tensor does not support deleting items");
        if (PyLong_CheckExact(key)) {
          assign_view(select_first(x, to_int64(key)), value);
          return 0;
        }
        std::vector<Entry> entries = entries_of(key);
        if (x.dim() == 0 && entries.size() == 1 && entries[0].kind == Entry::Int)
          select_first(x, entries[0].value);
        Walk walk(x);
        walk.apply(entries);
        const Tensor view = walk.changed() ? walk.view() : x;
        if (walk.advanced()) {
          assign_indexed(view, walk, value);
        } else {
          assign_view(view, value);
        }
        return 0;
      },
      -1);
}

// The slices along the first dim, in order.
PyObject* iterate(PyObject* self) {
  return guard([&]() -> PyObject* {
    const Tensor& x = unwrap(self);
    RT_CHECK(x.dim() > 0, Type, "iter", "iteration over a 0-d tensor", describe(x));
    const int64_t n = x.sizes()[0];
    Object list = checked(PyList_New(n));
    for (int64_t i = 0; i < n; ++i) {
      Tensor row = select_first(x, i);
      mark_multi_output(std::span(&row, 1));
      PyList_SET_ITEM(list.get(), i, checked(wrap(std::move(row))).release());
    }
    return PyObject_GetIter(list.get());
  });
}

}  // namespace rt::py
