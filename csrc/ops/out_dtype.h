// Which ops convert their result on its way into out=.
#pragma once

#include "ops/record.h"

namespace rt {

// As in PyTorch: elementwise functions, sums and what is made of them write any dtype that the
// result can be cast to; the others, whose result has the dtype of an input or always one dtype,
// write that dtype alone.
bool out_converts(const OpRecord& op);
// The same of one call: sizes and phases of complex numbers go to complex tensors too, and all()
// and any() to bytes.
bool out_converts(const OpRecord& op, const Value* args, DType out);
// Whether the op computes in the dtype of its `out`, so that a float64 one takes a sum of float32
// numbers that float32 has no room for.
bool computes_in(const OpRecord& op, const Value& input, DType out);
// What is wrong with an `out` of that dtype.
std::string wrong_out_dtype(const OpRecord& op, DType result, DType out);
// Whether the result is of zeros and ones, which every dtype holds, so that even an integer `out`
// will do.
bool draws_bits(const OpRecord& op);

}  // namespace rt
