// What the gradients of factorisations share.
#pragma once

#include <tuple>

#include "ops/linalg.h"

namespace rt::linalg {

using Pair = std::tuple<Tensor, Tensor>;
using Triple = std::tuple<Tensor, Tensor, Tensor>;

// The sum of two gradients, of which either may be missing.
Tensor plus(const Tensor& a, const Tensor& b);
Tensor row_vector(const Tensor& v);
// x - x^H
Tensor skew(const Tensor& x);
// i Im x of a complex x.
Tensor imaginary(const Tensor& x);
Tensor eye_like(const Tensor& x);
// Singular vectors and eigenvectors have a free phase; a loss that depends on it has no gradient.
void check_phase(const char* op, const Tensor& imag, const char* problem);

}  // namespace rt::linalg
