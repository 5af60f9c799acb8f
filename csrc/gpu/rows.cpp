#include "gpu/rows.h"

namespace rt::gpu {

namespace {

struct Flags {
  std::array<uint64_t, 8> values{};
  size_t count = 2;

  Flags(bool whole_group, bool packed, std::initializer_list<bool> more) {
    values[0] = whole_group;
    values[1] = packed;
    for (bool b : more) values[count++] = b;
  }
  Constants get() const { return {values.data(), count}; }
};

}  // namespace

Shape3 around(const Tensor& x, int64_t dim, const char* op) {
  Shape3 s;
  for (int64_t d = 0; d < x.dim(); ++d) {
    (d < dim ? s.outer : d == dim ? s.size : s.inner) *= x.sizes()[d];
  }
  check_positions(s, op);
  return s;
}

void check_positions(const Shape3& s, const char* op) {
  RT_CHECK(s.size <= kMaxElements && s.outer * s.inner <= kMaxElements, Runtime, op,
           "more than 2^31 rows, or values in a row, on a GPU",
           cat_str(s.outer * s.inner, " rows of ", s.size), "splitting the tensor");
}

RowPlan plan_rows(const Shape3& s) {
  return {static_cast<uint32_t>(s.outer * s.inner), static_cast<uint32_t>(s.size),
          static_cast<uint32_t>(s.inner), 1, 1};
}

bool are_packed(std::span<const Tensor> tensors, int64_t n) {
  for (const Tensor& t : tensors) {
    const int64_t pack = 16 / static_cast<int64_t>(t.item_size());
    if (n % pack != 0 || t.offset() % pack != 0) return false;
  }
  return true;
}

const char* kernel_type(const Tensor& t) {
  const char* type = shader_type(t.dtype());
  return type ? type : name(t.dtype());
}

void run_rows(ComputeDevice& device, const std::string& base, const char* op,
              std::span<const Tensor> tensors, const Shape3& s, uint32_t most, Arguments bound,
              std::initializer_list<bool> flags) {
  const RowForm form = row_form(s.size, most);
  const std::string name =
      cat_str(base, form.held ? std::to_string(form.held) : "long", "_", kernel_type(tensors[0]));
  const Flags constants(form.whole_group, are_packed(tensors, s.size), flags);
  bound.value(plan_rows(s));
  const uint32_t each = form.whole_group ? 1 : form.threads / kSimdWidth;
  device.launch(kernel_for(device, name, op, tensors, constants.get()), {groups_for(s.outer, each)},
                {form.threads}, bound);
}

void run_columns(ComputeDevice& device, const std::string& base, const char* op,
                 std::span<const Tensor> tensors, const Shape3& s, Arguments bound,
                 std::initializer_list<bool> flags) {
  RowPlan plan = plan_rows(s);
  const int64_t columns = s.outer * s.inner;
  plan.along = column_threads(columns, s.inner, s.size, device.info().cores);
  const Flags constants(true, false, flags);
  bound.value(plan);
  device.launch(kernel_for(device, cat_str(base, "columns_", kernel_type(tensors[0])), op, tensors,
                           constants.get()),
                {groups_for(columns, kColumnGroup / plan.along)}, {kColumnGroup}, bound);
}

}  // namespace rt::gpu
