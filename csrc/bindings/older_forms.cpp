#include "bindings/older_forms.h"

#include <array>
#include <string_view>

namespace rt::py {

namespace {

constexpr size_t kMost = 5;

struct OlderForm {
  std::string_view op;
  std::array<const char*, kMost> order;  // of the arguments; unused ones at the end are null
  const char* advice;
};

constexpr OlderForm kForms[] = {
    {"add", {"input", "alpha", "other"}, "add(input, other, alpha=alpha)"},
    {"sub", {"input", "alpha", "other"}, "sub(input, other, alpha=alpha)"},
    {"addcmul",
     {"input", "value", "tensor1", "tensor2"},
     "addcmul(input, tensor1, tensor2, value=value)"},
    {"addcdiv",
     {"input", "value", "tensor1", "tensor2"},
     "addcdiv(input, tensor1, tensor2, value=value)"},
    {"addmm", {"beta", "input", "mat1", "mat2"}, "addmm(input, mat1, mat2, beta=beta)"},
    {"addmm",
     {"beta", "input", "alpha", "mat1", "mat2"},
     "addmm(input, mat1, mat2, beta=beta, alpha=alpha)"},
    {"addmv", {"beta", "input", "mat", "vec"}, "addmv(input, mat, vec, beta=beta)"},
    {"addmv",
     {"beta", "input", "alpha", "mat", "vec"},
     "addmv(input, mat, vec, beta=beta, alpha=alpha)"},
    {"addr", {"beta", "input", "vec1", "vec2"}, "addr(input, vec1, vec2, beta=beta)"},
    {"addr",
     {"beta", "input", "alpha", "vec1", "vec2"},
     "addr(input, vec1, vec2, beta=beta, alpha=alpha)"},
    {"addbmm", {"beta", "input", "batch1", "batch2"}, "addbmm(input, batch1, batch2, beta=beta)"},
    {"addbmm",
     {"beta", "input", "alpha", "batch1", "batch2"},
     "addbmm(input, batch1, batch2, beta=beta, alpha=alpha)"},
    {"baddbmm", {"beta", "input", "batch1", "batch2"}, "baddbmm(input, batch1, batch2, beta=beta)"},
    {"baddbmm",
     {"beta", "input", "alpha", "batch1", "batch2"},
     "baddbmm(input, batch1, batch2, beta=beta, alpha=alpha)"},
};

// A form read from one call, or false if its arguments are not there.
bool lay_out(const OlderForm& form, bool method, PyObject* const* args, size_t n,
             RewrittenCall* out) {
  std::vector<const char*> order(form.order.begin(), form.order.end());
  while (!order.back()) order.pop_back();
  if (order.size() != n) return false;
  if (method) {  // x.addmm(beta, mat1, mat2): x comes first, whatever its place in the function
    std::erase_if(order, [](std::string_view s) { return s == "input"; });
    order.insert(order.begin(), "input");
  }
  std::vector<const char*> named;
  out->args.clear();
  for (size_t i = 0; i < n; ++i) {
    const std::string_view name = order[i];
    const bool number = name == "alpha" || name == "beta" || name == "value";
    if (number ? !is_number(args[i]) : !is_tensor(args[i])) return false;
    if (name == "input") {
      out->args.insert(out->args.begin(), args[i]);
    } else {
      named.push_back(order[i]);
      out->args.push_back(args[i]);
    }
  }
  out->names = checked(PyTuple_New(static_cast<Py_ssize_t>(named.size())));
  for (size_t i = 0; i < named.size(); ++i) {
    PyTuple_SET_ITEM(out->names.get(), static_cast<Py_ssize_t>(i),
                     checked(PyUnicode_FromString(named[i])).release());
  }
  out->advice = form.advice;
  return true;
}

}  // namespace

bool rewrite_older_form(const char* name, bool method, PyObject* const* args, size_t n,
                        PyObject* kwnames, RewrittenCall* out) {
  std::string_view op = name;
  if (op.ends_with('_')) op.remove_suffix(1);
  for (const OlderForm& form : kForms) {
    if (form.op != op || !lay_out(form, method, args, n, out)) continue;
    if (kwnames) {  // such as out=
      for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(kwnames); ++k) {
        out->args.push_back(args[n + static_cast<size_t>(k)]);
      }
      out->names = checked(PySequence_Concat(out->names.get(), kwnames));
    }
    return true;
  }
  return false;
}

}  // namespace rt::py
