// The signature of an op as text, parsed once:
//   "max.dim(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)"
//
// Types: Tensor, Operand (a tensor or a Python number), Scalar, int, float, bool, str, DType,
// Device, Generator; T? is optional, T[] a list, int[2] a list that a single int fills, int?[2] one
// whose items may be None (-1). After `*` an
// argument is keyword-only.
#pragma once

#include <string>
#include <vector>

#include "ops/value.h"

namespace rt {

struct Argument {
  std::string name;
  ArgKind kind = ArgKind::Tensor;
  bool optional = false;  // None is allowed
  bool operand = false;   // a Python number is allowed where a tensor is
  bool keyword_only = false;
  bool has_default = false;
  int list_size = 0;  // of int[N]: a lone int stands for N of them
  Value default_value;
  std::string type;  // as written
};

struct Return {
  std::string type, name;
};

struct Schema {
  std::string text;       // as written
  std::string name;       // with the overload: "max.dim"
  std::string base_name;  // "max"
  std::vector<Argument> args;
  std::vector<Return> returns;

  int index_of(std::string_view arg) const;  // -1 if there is none
};

Schema parse_schema(const char* text);

}  // namespace rt
