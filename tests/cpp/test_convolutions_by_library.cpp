// Convolutions by a library: what it is asked for, and what becomes of its answers. The library is
// a double of cuDNN's graph API that reads its descriptors back and convolves on the host.
#include <array>
#include <cstring>
#include <map>

#include "bare_device.h"
#include "check.h"
#include "gpu/conv_library.h"
#include "gpu/cuda/cudnn.h"
#include "ops/conv.h"
#include "ops/ops.h"

namespace {

using namespace rt;
using namespace rt::gpu;
using namespace rt::gpu::cuda;

// ---- The double ----

struct Made {
  int type = 0;
  bool final = false;
  std::map<int, std::vector<char>> attributes;
  int engine = -1;                  // of a configuration and what is made of it
  const Made* operation = nullptr;  // likewise

  template <class T>
  std::vector<T> values(int attribute) const {
    const auto it = attributes.find(attribute);
    CHECK(it != attributes.end());
    std::vector<T> all(it->second.size() / sizeof(T));
    std::memcpy(all.data(), it->second.data(), it->second.size());
    return all;
  }
  template <class T>
  T value(int attribute) const {
    CHECK(values<T>(attribute).size() == 1);
    return values<T>(attribute)[0];
  }
  const Made& part(int attribute) const {
    const auto* m = static_cast<const Made*>(value<void*>(attribute));
    CHECK(m->final);
    return *m;
  }
};

struct FakeEngine {
  std::vector<int> notes;
  int status = kCudnnSuccess;  // of making a plan with it
  int64_t workspace = 0;
};

struct State {
  int live = 0, plans = 0, runs = 0, ran = -1;
  int execute = kCudnnSuccess;
  std::vector<FakeEngine> engines{{{}}}, fallback;
} g;

size_t bytes_of(int type) {
  switch (type) {
    case kCudnnTypeInt64:
    case kCudnnTypeHandle:
    case kCudnnTypePointer:
    case kCudnnTypeDescriptor:
      return 8;
    default:
      return 4;
  }
}

std::array<int64_t, 3> three(const std::vector<int64_t>& from, size_t skip, int64_t lead) {
  std::array<int64_t, 3> all{lead, lead, lead};
  for (size_t d = 0; d < from.size() - skip; ++d)
    all[3 - (from.size() - skip) + d] = from[skip + d];
  return all;
}

void convolve(const Made& op, const std::map<int64_t, float*>& memory) {
  const int first = op.type == kCudnnForward        ? kCudnnForwardAlpha
                    : op.type == kCudnnBackwardData ? kCudnnDataAlpha
                                                    : kCudnnFilterAlpha;
  CHECK(op.value<float>(first) == 1 && op.value<float>(first + 1) == 0);
  const Made &conv = op.part(first + 2), &w = op.part(first + 3), &x = op.part(first + 4),
             &y = op.part(first + 5);
  CHECK(conv.value<int>(kCudnnConvComputeType) == kCudnnFloat);
  CHECK(conv.value<int>(kCudnnConvMode) == kCudnnCrossCorrelation);
  CHECK(conv.values<int64_t>(kCudnnConvPrePaddings) ==
        conv.values<int64_t>(kCudnnConvPostPaddings));
  for (const Made* t : {&x, &w, &y}) {
    CHECK(t->value<int>(kCudnnTensorDataType) == kCudnnFloat);
    const auto align = t->value<int64_t>(kCudnnTensorAlignment);
    CHECK(align >= 4 && align <= 16);
    CHECK(reinterpret_cast<uint64_t>(memory.at(t->value<int64_t>(kCudnnTensorId))) %
              static_cast<uint64_t>(align) ==
          0);
    // Contiguous, as the strides say.
    const auto sizes = t->values<int64_t>(kCudnnTensorDims),
               strides = t->values<int64_t>(kCudnnTensorStrides);
    int64_t step = 1;
    for (size_t d = sizes.size(); d-- > 0; step *= sizes[d]) CHECK(strides[d] == step);
  }
  const auto xs = x.values<int64_t>(kCudnnTensorDims), ws = w.values<int64_t>(kCudnnTensorDims),
             ys = y.values<int64_t>(kCudnnTensorDims);
  const auto in = three(xs, 2, 1), taps = three(ws, 2, 1), out = three(ys, 2, 1),
             padding = three(conv.values<int64_t>(kCudnnConvPrePaddings), 0, 0),
             stride = three(conv.values<int64_t>(kCudnnConvStrides), 0, 1),
             dilation = three(conv.values<int64_t>(kCudnnConvDilations), 0, 1);
  for (size_t d = 0; d < 3; ++d) {
    CHECK((in[d] + 2 * padding[d] - dilation[d] * (taps[d] - 1) - 1) / stride[d] + 1 == out[d]);
  }
  const int64_t groups = xs[1] / ws[1], outs = ws[0] / groups;
  float* const px = memory.at(x.value<int64_t>(kCudnnTensorId));
  float* const pw = memory.at(w.value<int64_t>(kCudnnTensorId));
  float* const py = memory.at(y.value<int64_t>(kCudnnTensorId));
  const auto volume = [](const std::array<int64_t, 3>& s) { return s[0] * s[1] * s[2]; };
  float* const target = op.type == kCudnnForward ? py : op.type == kCudnnBackwardData ? px : pw;
  const auto count = op.type == kCudnnForward        ? ys[0] * ys[1] * volume(out)
                     : op.type == kCudnnBackwardData ? xs[0] * xs[1] * volume(in)
                                                     : ws[0] * ws[1] * volume(taps);
  std::fill(target, target + count, 0.0f);
  for (int64_t n = 0; n < xs[0]; ++n) {
    for (int64_t k = 0; k < ws[0]; ++k) {
      for (int64_t c = 0; c < ws[1]; ++c) {
        for (int64_t o = 0; o < volume(out); ++o) {
          for (int64_t t = 0; t < volume(taps); ++t) {
            int64_t at = 0, oo = o, tt = t, step = 1;
            bool inside = true;
            for (size_t d = 3; d-- > 0;) {
              const int64_t i = oo % out[d] * stride[d] - padding[d] + tt % taps[d] * dilation[d];
              inside = inside && i >= 0 && i < in[d];
              at += i * step;
              step *= in[d], oo /= out[d], tt /= taps[d];
            }
            if (!inside) continue;
            float& vx = px[(n * xs[1] + k / outs * ws[1] + c) * volume(in) + at];
            float& vw = pw[(k * ws[1] + c) * volume(taps) + t];
            float& vy = py[(n * ys[1] + k) * volume(out) + o];
            if (op.type == kCudnnForward) {
              vy += vx * vw;
            } else if (op.type == kCudnnBackwardData) {
              vx += vy * vw;
            } else {
              vw += vx * vy;
            }
          }
        }
      }
    }
  }
}

int get(void* d, int attribute, int, int64_t wanted, int64_t* count, void* out) {
  auto& m = *static_cast<Made*>(d);
  if (attribute == kCudnnHeurResults) {
    CHECK(m.final);
    const bool first = m.value<int>(kCudnnHeurMode) == kCudnnHeurA;
    const size_t n = first ? g.engines.size() : g.fallback.size();
    *count = static_cast<int64_t>(n);
    if (wanted == 0) return kCudnnSuccess;
    for (size_t i = 0; i < n; ++i) {
      Made& config = *static_cast<Made**>(out)[i];
      config.engine = static_cast<int>(first ? i : 100 + i), config.final = true;
      config.operation = &m.part(kCudnnHeurGraph).part(kCudnnGraphOps);
    }
    return kCudnnSuccess;
  }
  if (attribute == kCudnnConfigEngine) {
    static_cast<Made**>(out)[0]->engine = m.engine;
    *count = 1;
    return kCudnnSuccess;
  }
  const FakeEngine& e = m.engine < 100 ? g.engines[static_cast<size_t>(m.engine)]
                                       : g.fallback[static_cast<size_t>(m.engine - 100)];
  if (attribute == kCudnnPlanWorkspace) {
    std::memcpy(out, &e.workspace, 8);
    *count = 1;
    return kCudnnSuccess;
  }
  CHECK(attribute == kCudnnEngineNotes && wanted >= static_cast<int64_t>(e.notes.size()));
  std::copy(e.notes.begin(), e.notes.end(), static_cast<int*>(out));
  *count = static_cast<int64_t>(e.notes.size());
  return kCudnnSuccess;
}

int finalize(void* d) {
  auto& m = *static_cast<Made*>(d);
  CHECK(!m.final);
  if (m.type == kCudnnPlan) {
    m.engine = m.part(kCudnnPlanConfig).engine;
    m.operation = m.part(kCudnnPlanConfig).operation;
    const FakeEngine& e = m.engine < 100 ? g.engines[static_cast<size_t>(m.engine)]
                                         : g.fallback[static_cast<size_t>(m.engine - 100)];
    if (e.status != kCudnnSuccess) return e.status;
    ++g.plans;
  }
  m.final = true;
  return kCudnnSuccess;
}

int execute(void*, void* plan, void* pack) {
  if (g.execute != kCudnnSuccess) return g.execute;
  const auto &p = *static_cast<Made*>(plan), &v = *static_cast<Made*>(pack);
  CHECK(p.final && v.final);
  const auto ids = v.values<int64_t>(kCudnnPackIds);
  const auto pointers = v.values<float*>(kCudnnPackPointers);
  std::map<int64_t, float*> memory;
  for (size_t i = 0; i < ids.size(); ++i) memory[ids[i]] = pointers[i];
  CHECK(v.value<void*>(kCudnnPackWorkspace) == nullptr);
  convolve(*p.operation, memory);
  ++g.runs, g.ran = p.engine;
  return kCudnnSuccess;
}

Cudnn the_double() {
  Cudnn t{};
  t.version = [] { return size_t{91500}; };
  t.error_string = [](int s) { return s == kCudnnNotSupported ? "NOT_SUPPORTED" : "STATUS"; };
  t.last_error = [](char* text, size_t) { text[0] = 0; };
  t.create = [](void** h) {
    *h = &g;
    return int{kCudnnSuccess};
  };
  t.set_stream = [](void* h, void* stream) {
    CHECK(h == &g && stream == &g);
    return int{kCudnnSuccess};
  };
  t.create_descriptor = [](int type, void** d) {
    ++g.live;
    auto* made = new Made;
    made->type = type;
    *d = made;
    return int{kCudnnSuccess};
  };
  t.destroy_descriptor = [](void* d) {
    --g.live;
    delete static_cast<Made*>(d);
    return int{kCudnnSuccess};
  };
  t.finalize = finalize;
  t.set = [](void* d, int attribute, int type, int64_t count, const void* values) {
    auto& m = *static_cast<Made*>(d);
    CHECK(!m.final);
    const auto* bytes = static_cast<const char*>(values);
    m.attributes[attribute] = {bytes, bytes + static_cast<size_t>(count) * bytes_of(type)};
    return int{kCudnnSuccess};
  };
  t.get = get;
  t.execute = execute;
  return t;
}

class Accelerator final : public BareDevice {
 public:
  Accelerator() : table_(the_double()), convolutions_(table_) {
    CHECK(convolutions_.start(&why_not));
  }
  using BareDevice::find;
  using BareDevice::run;
  std::shared_ptr<const LibraryPlan> find(const ConvKey& key) override {
    return convolutions_.find(key, &why_not);
  }
  bool run(const ConvKey& key, const LibraryPlan& plan, const Arguments& memory) override {
    return convolutions_.run(key, plan, memory, &g, &why_not);
  }

 private:
  Cudnn table_;
  CudnnConvolutions convolutions_;
};

// ---- What a library can be asked ----

struct Case {
  Dims x, w;
  ConvGeometry geometry;
};

Dims result_of(const Case& c) {
  Dims y{c.x[0], c.w[0]};
  for (size_t d = 0; d + 2 < c.x.size(); ++d) {
    const ConvGeometry& g = c.geometry;
    y.push_back(
        (c.x[d + 2] + 2 * g.padding[d] - g.dilation[d] * (c.w[d + 2] - 1) - 1) / g.stride[d] + 1);
  }
  return y;
}

ConvPlan plan_of(const Case& c) {
  const Dims y = result_of(c);
  const auto u = [](int64_t n) { return static_cast<uint32_t>(n); };
  ConvPlan p{};
  p.batch = u(c.x[0]), p.groups = u(c.geometry.groups), p.in_channels = u(c.w[1]);
  p.out_channels = u(c.w[0] / c.geometry.groups);
  const size_t missing = 5 - c.x.size();
  for (size_t d = 0; d < 3; ++d) {
    const bool given = d >= missing;
    const size_t from = d - missing;
    p.in[d] = given ? u(c.x[from + 2]) : 1;
    p.kernel_size[d] = given ? u(c.w[from + 2]) : 1;
    p.out[d] = given ? u(y[from + 2]) : 1;
    p.stride[d] = given ? u(c.geometry.stride[from]) : 1;
    p.padding[d] = given ? u(c.geometry.padding[from]) : 0;
    p.dilation[d] = given ? u(c.geometry.dilation[from]) : 1;
  }
  return p;
}

const Case kLine{{2, 6, 9}, {4, 3, 3}, {{2}, {1}, {2}, 2}};
const Case kImage{{2, 3, 7, 6}, {4, 3, 3, 2}, {{1, 2}, {1, 0}, {2, 1}, 1}};
const Case kVolume{{1, 2, 4, 5, 3}, {2, 2, 2, 3, 2}, {{1, 2, 1}, {1, 1, 1}, {1, 1, 1}, 1}};

void lines_are_images_of_one_row() {
  const auto key = conv_key(plan_of(kLine), ConvPass::Input, DType::Float16);
  CHECK(key && key->spatial == 2 && key->pass == ConvPass::Input);
  CHECK(key->x[1] == 6 && key->x[2] == 1 && key->x[3] == 9);
  CHECK(key->w[0] == 4 && key->w[1] == 3 && key->w[2] == 1 && key->w[3] == 3);
  CHECK(key->padding[0] == 0 && key->padding[1] == 1 && key->stride[1] == 2);
  CHECK(conv_key(plan_of(kVolume), ConvPass::Output, DType::Float32)->spatial == 3);
  CHECK(!conv_key(plan_of(kLine), ConvPass::Output, DType::Int32));
  CHECK(!conv_key(plan_of(kLine), ConvPass::Output, DType::Float64));
}

void engines_must_be_exact() {
  ConvKey key;
  key.type = static_cast<int64_t>(DType::Float32);
  const auto allowed = [&](std::vector<int> notes) {
    return engine_allowed(key, notes.data(), static_cast<int64_t>(notes.size()));
  };
  CHECK(allowed({}) && allowed({9}));
  for (int note : {kCudnnTensorCore, kCudnnDownConverts, kCudnnReducedReduction, kCudnnFFT,
                   kCudnnNondeterministic, kCudnnWinograd}) {
    CHECK(!allowed({note}) && !allowed({9, note}));
  }
  key.tf32 = 1;
  CHECK(allowed({kCudnnTensorCore}) && !allowed({kCudnnTensorCore, kCudnnFFT}));
  key.tf32 = 0, key.type = static_cast<int64_t>(DType::BFloat16);
  CHECK(allowed({kCudnnTensorCore}) && !allowed({kCudnnNondeterministic}));
  key.deterministic = 0;
  CHECK(allowed({kCudnnNondeterministic}));
}

// ---- What becomes of its answers ----

bool convolve(Accelerator& device, const Case& c, ConvPass pass, std::array<Array, 3>* arrays) {
  auto& [x, w, y] = *arrays;
  return convolve_by_library(device, plan_of(c), pass, x.tensor(c.x), w.tensor(c.w),
                             y.tensor(result_of(c)));
}
std::array<Array, 3> arrays_for(const Case& c) {
  const auto count = [](const Dims& sizes) {
    int64_t n = 1;
    for (int64_t s : sizes) n *= s;
    return static_cast<size_t>(n);
  };
  return {Array(count(c.x), 1), Array(count(c.w), 2), Array(count(result_of(c)), 3)};
}
bool convolve(Accelerator& device, const Case& c = kImage) {
  auto arrays = arrays_for(c);
  return convolve(device, c, ConvPass::Output, &arrays);
}

Tensor on_cpu(const Array& a, const Dims& sizes) {
  const Tensor t = empty(sizes, DType::Float32);
  std::memcpy(t.data(), a.values.data(), a.values.size() * sizeof(float));
  return t;
}

void passes_are_those_of_the_cpu() {
  Accelerator device;
  for (const Case& c : {kLine, kImage, kVolume}) {
    for (ConvPass pass : {ConvPass::Output, ConvPass::Input, ConvPass::Weight}) {
      auto arrays = arrays_for(c);
      const Tensor x = on_cpu(arrays[0], c.x), w = on_cpu(arrays[1], c.w),
                   y = on_cpu(arrays[2], result_of(c));
      if (pass == ConvPass::Output) conv_kernel(y, y, x, w, {}, c.geometry);
      if (pass == ConvPass::Input) conv_input_grad_kernel(x, x, y, w, {}, c.geometry);
      if (pass == ConvPass::Weight) conv_weight_grad_kernel(w, w, x, y, c.geometry);
      CHECK(convolve(device, c, pass, &arrays));
      const Tensor want = pass == ConvPass::Output ? y : pass == ConvPass::Input ? x : w;
      const Array& got = arrays[pass == ConvPass::Output ? 2 : pass == ConvPass::Input ? 0 : 1];
      CHECK(std::memcmp(want.data(), got.values.data(), got.values.size() * sizeof(float)) == 0);
    }
  }
}

void the_first_engine_that_will_do_runs() {
  g.engines = {{{kCudnnTensorCore}},
               {{kCudnnFFT}},
               {{}, kCudnnNotSupported},
               {{}, kCudnnSuccess, kCudnnMostWorkspace + 1},
               {{}}};
  Accelerator device;
  g.plans = 0;
  CHECK(convolve(device) && g.ran == 4 && g.plans == 2);
  CHECK(convolve(device) && g.plans == 2);  // found once
  library_settings().convolutions_tf32 = true;
  CHECK(convolve(device) && g.ran == 0);
  library_settings().convolutions_tf32 = false;
  // The second heuristic has what the first has not.
  g.engines = {{{kCudnnWinograd}}}, g.fallback = {{{}}};
  CHECK(convolve(device, kLine) && g.ran == 100);
  library_settings().convolutions = false;
  CHECK(!convolve(device));
  library_settings().convolutions = true;
  g.engines = {{{}}}, g.fallback.clear();
}

void refusals_are_remembered() {
  Accelerator device;
  g.engines = {{{kCudnnWinograd}}};
  CHECK(!convolve(device));
  CHECK(device.why_not == "no engine computes as exactly as it must: NOT_SUPPORTED");
  g.engines = {{{}, kCudnnNotSupported}};
  CHECK(!convolve(device, kLine));
  CHECK(device.why_not == "cudnnBackendFinalize of the plan: NOT_SUPPORTED");
  g.engines = {{{}}};
  CHECK(!convolve(device) && !convolve(device, kLine));
  g.execute = kCudnnNotSupported;
  CHECK(!convolve(device, kVolume) && device.why_not == "cudnnBackendExecute: NOT_SUPPORTED");
  g.execute = kCudnnSuccess;
  CHECK(!convolve(device, kVolume));
}

void failures_name_the_call_and_the_convolution() {
  Accelerator device;
  g.execute = 5000;
  std::string message;
  try {
    (void)convolve(device);
  } catch (const Error& e) {
    message = e.what();
  }
  g.execute = kCudnnSuccess;
  CHECK(message.find("cudnnBackendExecute: STATUS") != std::string::npos);
  CHECK(message.find("float32 convolution of x [2, 3, 7, 6], w [4, 3, 3, 2]") != std::string::npos);
}

}  // namespace

void test_convolutions_by_library() {
  lines_are_images_of_one_row();
  engines_must_be_exact();
  passes_are_those_of_the_cpu();
  the_first_engine_that_will_do_runs();
  refusals_are_remembered();
  failures_name_the_call_and_the_convolution();
  CHECK(g.live == 0);
}
