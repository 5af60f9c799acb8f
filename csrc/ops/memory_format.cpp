#include "ops/memory_format.h"

#include "ops/ops.h"
#include "ops/record.h"

namespace rt {

MemoryFormat memory_format(const char* op, const FormatName& name, MemoryFormat absent) {
  if (!name) return absent;
  if (*name == "preserve_format") return MemoryFormat::Preserve;
  if (*name == "contiguous_format") return MemoryFormat::Contiguous;
  if (*name == "channels_last") return MemoryFormat::ChannelsLast;
  if (*name == "channels_last_3d") return MemoryFormat::ChannelsLast3d;
  RT_FAIL(Type, op, "argument 'memory_format' must be rustorch.memory_format", std::string(*name),
          "rustorch.contiguous_format, preserve_format, channels_last or channels_last_3d");
}

Dims format_strides(const char* op, MemoryFormat format, IntList sizes) {
  if (format != MemoryFormat::ChannelsLast && format != MemoryFormat::ChannelsLast3d)
    return contiguous_strides(sizes);
  const int64_t rank = format == MemoryFormat::ChannelsLast ? 4 : 5;
  RT_CHECK(sizes.ssize() == rank, Runtime, op,
           cat_str("required rank ", rank, " tensor to use channels_last", rank == 5 ? "_3d" : "",
                   " format"),
           cat_str(sizes));
  Dims strides(sizes.size());
  strides[1] = 1;
  int64_t step = sizes[1];
  for (size_t d = sizes.size() - 1; d >= 2; --d) {
    strides[d] = step;
    step *= sizes[d];
  }
  strides[0] = step;
  return strides;
}

bool has_format(const Tensor& t, MemoryFormat format) {
  if (format == MemoryFormat::Preserve) return true;
  if (format == MemoryFormat::Contiguous) return t.is_contiguous();
  if (t.dim() != (format == MemoryFormat::ChannelsLast ? 4 : 5)) return false;
  const Dims wanted = format_strides("is_contiguous", format, t.sizes());
  for (size_t d = 0; d < wanted.size(); ++d) {
    if (t.sizes()[d] != 1 && t.strides()[d] != wanted[d]) return false;
  }
  return true;
}

MemoryFormat suggested_format(const Tensor& t) {
  if (t.dim() != 4 && t.dim() != 5) return MemoryFormat::Contiguous;
  if (t.strides()[1] == 0) return MemoryFormat::Contiguous;
  // Dims from the innermost to the outermost, as channels last has them, may only grow in stride.
  int64_t least = 0;
  for (int64_t i = 0; i < t.dim(); ++i) {
    const int64_t d = i == 0 ? 1 : i == t.dim() - 1 ? 0 : t.dim() - i;
    const int64_t size = t.sizes()[d], stride = t.strides()[d];
    // With all of H, W and C of size 1 both orders fit, and row-major wins.
    if (size == 0 || stride < least || (d == 0 && least == t.strides()[1]))
      return MemoryFormat::Contiguous;
    least = size > 1 ? stride * size : stride;
  }
  return t.dim() == 4 ? MemoryFormat::ChannelsLast : MemoryFormat::ChannelsLast3d;
}

Tensor empty_in_format(const char* op, const Tensor& x, MemoryFormat format, DType dtype,
                       Device device) {
  if (format == MemoryFormat::Preserve) {
    return device == x.device() ? empty_like(x, dtype) : empty(x.sizes(), dtype, device, op);
  }
  return empty_strided(x.sizes(), format_strides(op, format, x.sizes()), dtype, device, op);
}

Tensor in_format(const char* op, const Tensor& x, MemoryFormat format) {
  if (has_format(x, format)) return x;
  return ops::copy_(empty_in_format(op, x, format, x.dtype(), x.device()), x);
}

}  // namespace rt
