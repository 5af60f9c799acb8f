// Convolutions through oneDNN. Data comes and goes as plain N, C, spatial...; weights, and data
// where it pays, are copied to and from the layout that the primitive asks for.
#ifdef RT_USE_ONEDNN
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "cpu/conv_backends.h"
#include "cpu/lru_cache.h"
#include "cpu/onednn.h"
#include "cpu/parallel.h"
#include "cpu/scratch.h"

namespace rt::cpu::detail {

namespace {

using dnnl::memory;

constexpr const char* kOp = "convolution";

// One operand: the caller's memory and, if the primitive wants another layout, the primitive's.
struct Operand {
  int argument = 0;
  bool written = false;
  size_t offset = 0;  // of the converted copy in the working memory
  memory plain;
  memory converted;
  dnnl::reorder reorder;

  bool is_converted() const { return static_cast<bool>(converted.get(true)); }
};

// A primitive with handles that are pointed at the operands of each call. A plan belongs to one
// thread, so a call takes no lock and, but for working memory, allocates nothing.
struct ConvPlan {
  dnnl::primitive primitive;
  std::array<Operand, 4> operands;  // input, weight, bias, output; argument 0 where absent
  memory scratchpad;
  size_t work_bytes = 0;
  size_t scratchpad_offset = 0;
  std::array<dnnl_exec_arg_t, 5> arguments;
  int argument_count = 0;
};

using ConvKey = PrimitiveKey<25>;
constexpr size_t kPlansPerThread = 256;
constexpr size_t kAlignment = 64;

struct Descriptions {
  memory::desc input, weight, bias, output;
};

template <class Primitive>
void fill_plan(ConvPlan& plan, const typename Primitive::primitive_desc& description,
               const Descriptions& plain, const Descriptions& wanted,
               const std::array<int, 4>& arguments, int written, int also_written) {
  const dnnl::engine& engine = onednn_engine();
  plan.primitive = Primitive(description);
  const memory::desc* from[] = {&plain.input, &plain.weight, &plain.bias, &plain.output};
  const memory::desc* to[] = {&wanted.input, &wanted.weight, &wanted.bias, &wanted.output};
  for (size_t i = 0; i < 4; ++i) {
    Operand& x = plan.operands[i];
    x.argument = arguments[i];
    if (x.argument == 0) continue;
    x.written = static_cast<int>(i) == written || static_cast<int>(i) == also_written;
    x.plain = memory(*from[i], engine, nullptr);
    if (*from[i] != *to[i]) {
      x.converted = memory(*to[i], engine, nullptr);
      x.reorder =
          x.written ? dnnl::reorder(x.converted, x.plain) : dnnl::reorder(x.plain, x.converted);
      x.offset = plan.work_bytes;
      plan.work_bytes += (to[i]->get_size() + kAlignment - 1) / kAlignment * kAlignment;
    }
    plan.arguments[static_cast<size_t>(plan.argument_count++)] = {
        x.argument, x.is_converted() ? x.converted.get() : x.plain.get()};
  }
  const memory::desc scratchpad = description.scratchpad_desc();
  if (scratchpad.get_size() > 0) {
    plan.scratchpad = memory(scratchpad, engine, nullptr);
    plan.scratchpad_offset = plan.work_bytes;
    plan.work_bytes += scratchpad.get_size();
    plan.arguments[static_cast<size_t>(plan.argument_count++)] = {DNNL_ARG_SCRATCHPAD,
                                                                  plan.scratchpad.get()};
  }
}

ConvPlan make_plan(memory::data_type type, ConvPass pass, const ConvShape& s, bool with_bias) {
  const size_t nd = static_cast<size_t>(s.spatial_dims);
  memory::dims input{s.batch, s.in_channels}, output{s.batch, s.out_channels}, weight, strides,
      dilates, padding;
  if (s.groups > 1) weight = {s.groups};
  weight.push_back(s.out_channels / s.groups);
  weight.push_back(s.in_channels / s.groups);
  for (size_t d = 3 - nd; d < 3; ++d) {
    input.push_back(s.in_size[d]);
    output.push_back(s.out_size(static_cast<int>(d)));
    weight.push_back(s.kernel[d]);
    strides.push_back(s.stride[d]);
    dilates.push_back(s.dilation[d] - 1);
    padding.push_back(s.padding[d]);
  }
  constexpr std::array<memory::format_tag, 3> tags{
      memory::format_tag::ncw, memory::format_tag::nchw, memory::format_tag::ncdhw};
  constexpr std::array<memory::format_tag, 3> weight_tags{
      memory::format_tag::oiw, memory::format_tag::oihw, memory::format_tag::oidhw};
  constexpr std::array<memory::format_tag, 3> grouped_tags{
      memory::format_tag::goiw, memory::format_tag::goihw, memory::format_tag::goidhw};
  const memory::format_tag tag = tags[nd - 1];
  const memory::format_tag weight_tag = s.groups > 1 ? grouped_tags[nd - 1] : weight_tags[nd - 1];
  const memory::format_tag any = memory::format_tag::any;
  const auto desc = [&](bool free) {
    Descriptions d;
    d.input = memory::desc(input, type, free ? any : tag);
    d.weight = memory::desc(weight, type, free ? any : weight_tag);
    if (with_bias) d.bias = memory::desc({s.out_channels}, type, memory::format_tag::x);
    d.output = memory::desc(output, type, free ? any : tag);
    return d;
  };
  const Descriptions plain = desc(false), open = desc(true);
  const dnnl::engine& engine = onednn_engine();
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  using dnnl::algorithm;
  const dnnl::convolution_forward::primitive_desc forward(
      engine,
      pass == ConvPass::Forward ? dnnl::prop_kind::forward_inference
                                : dnnl::prop_kind::forward_training,
      algorithm::convolution_direct, open.input, open.weight, open.bias, open.output, strides,
      dilates, padding, padding, attributes);
  ConvPlan plan;
  switch (pass) {
    case ConvPass::Forward: {
      const Descriptions wanted{forward.src_desc(), forward.weights_desc(), plain.bias,
                                forward.dst_desc()};
      fill_plan<dnnl::convolution_forward>(
          plan, forward, plain, wanted,
          {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, with_bias ? DNNL_ARG_BIAS : 0, DNNL_ARG_DST}, 3, -1);
      break;
    }
    case ConvPass::BackwardData: {
      const dnnl::convolution_backward_data::primitive_desc backward(
          engine, algorithm::convolution_direct, open.input, open.weight, open.output, strides,
          dilates, padding, padding, forward, attributes);
      const Descriptions wanted{backward.diff_src_desc(), backward.weights_desc(), plain.bias,
                                backward.diff_dst_desc()};
      fill_plan<dnnl::convolution_backward_data>(
          plan, backward, plain, wanted,
          {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, 0, DNNL_ARG_DIFF_DST}, 0, -1);
      break;
    }
    case ConvPass::BackwardWeight: {
      const dnnl::convolution_backward_weights::primitive_desc backward(
          engine, algorithm::convolution_direct, open.input, open.weight, open.bias, open.output,
          strides, dilates, padding, padding, forward, attributes);
      const Descriptions wanted{backward.src_desc(), backward.diff_weights_desc(), plain.bias,
                                backward.diff_dst_desc()};
      fill_plan<dnnl::convolution_backward_weights>(
          plan, backward, plain, wanted,
          {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, with_bias ? DNNL_ARG_DIFF_BIAS : 0,
           DNNL_ARG_DIFF_DST},
          1, 2);
      break;
    }
  }
  return plan;
}

ConvKey key_of(memory::data_type type, ConvPass pass, const ConvShape& s, bool with_bias,
               int threads) {
  ConvKey key{};
  size_t at = 0;
  for (const int64_t v :
       {static_cast<int64_t>(type), static_cast<int64_t>(pass), static_cast<int64_t>(with_bias),
        static_cast<int64_t>(threads), static_cast<int64_t>(s.spatial_dims), s.batch, s.in_channels,
        s.out_channels, s.groups}) {
    key[at++] = v;
  }
  for (size_t d = 3 - static_cast<size_t>(s.spatial_dims); d < 3; ++d) {
    for (const int64_t v : {s.in_size[d], s.kernel[d], s.stride[d], s.padding[d], s.dilation[d]}) {
      key[at++] = v;
    }
  }
  return key;
}

void execute(const dnnl::primitive& primitive, int count, const dnnl_exec_arg_t* arguments) {
  dnnl::error::wrap_c_api(
      dnnl_primitive_execute(primitive.get(), onednn_stream().get(), count, arguments),
      "could not execute a convolution");
}

void run(ConvPlan& plan, const ConvOperands& x) {
  const std::array<void*, 4> pointers{x.input, x.weight, x.bias, x.output};
  std::optional<Scratch<char>> work;
  if (plan.work_bytes > 0) work.emplace(static_cast<int64_t>(plan.work_bytes));
  const auto convert = [](const Operand& o, bool back) {
    const std::array<dnnl_exec_arg_t, 2> arguments{
        {{DNNL_ARG_FROM, back ? o.converted.get() : o.plain.get()},
         {DNNL_ARG_TO, back ? o.plain.get() : o.converted.get()}}};
    execute(o.reorder, 2, arguments.data());
  };
  for (size_t i = 0; i < 4; ++i) {
    Operand& o = plan.operands[i];
    if (o.argument == 0) continue;
    o.plain.set_data_handle(pointers[i]);
    if (!o.is_converted()) continue;
    o.converted.set_data_handle(work->data() + o.offset);
    if (!o.written) convert(o, false);
  }
  if (plan.scratchpad.get(true)) {
    plan.scratchpad.set_data_handle(work->data() + plan.scratchpad_offset);
  }
  execute(plan.primitive, plan.argument_count, plan.arguments.data());
  for (const Operand& o : plan.operands) {
    if (o.argument != 0 && o.written && o.is_converted()) convert(o, true);
  }
}

}  // namespace

bool onednn_conv(DType dtype, ConvPass pass, const ConvShape& s, const ConvOperands& x) {
  if (dtype != DType::Float32) return false;
  thread_local LruCache<ConvKey, ConvPlan, PrimitiveKeyHash> plans(kPlansPerThread);
  const LibraryThreadScope threads;
  const memory::data_type type = memory::data_type::f32;
  const bool with_bias = x.bias != nullptr && pass != ConvPass::BackwardData;
  with_onednn_errors(kOp, [&] {
    ConvPlan& plan = plans.get(key_of(type, pass, s, with_bias, threads.threads()),
                               [&] { return make_plan(type, pass, s, with_bias); });
    run(plan, x);
  });
  if (x.bias != nullptr && pass == ConvPass::BackwardData) {
    add_channel_bias(dtype, s.batch, s.in_channels, s.in_size[0] * s.in_size[1] * s.in_size[2],
                     x.bias, x.input);
  }
  return true;
}

}  // namespace rt::cpu::detail
#endif
