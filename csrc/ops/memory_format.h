// Orders of dims in memory that users ask for by name.
#pragma once

#include <optional>
#include <string_view>

#include "core/tensor.h"

namespace rt {

enum class MemoryFormat { Preserve, Contiguous, ChannelsLast, ChannelsLast3d };
using FormatName = std::optional<std::string_view>;

// What a memory_format argument means; `absent` where none is given.
MemoryFormat memory_format(const char* op, const FormatName& name, MemoryFormat absent);

// Strides of a dense tensor in that order. The channels-last formats want 4 or 5 dims.
Dims format_strides(const char* op, MemoryFormat format, IntList sizes);
// Whether the tensor lies that way already; strides of dims of size 1 do not matter.
bool has_format(const Tensor& t, MemoryFormat format);

// The format that the strides speak for: row-major unless they are those of channels last.
MemoryFormat suggested_format(const Tensor& t);

// Uninitialised, in the format; Preserve keeps the order of `x`.
Tensor empty_in_format(const char* op, const Tensor& x, MemoryFormat format, DType dtype,
                       Device device);
// x itself if it lies that way (or the format is Preserve), else a copy, through which gradients
// flow.
Tensor in_format(const char* op, const Tensor& x, MemoryFormat format);

}  // namespace rt
