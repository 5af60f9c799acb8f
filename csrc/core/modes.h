// Per-thread switches that every op call reads: one thread-local, loaded once a call.
#pragma once

#include <span>

#include "core/tensor.h"

namespace rt {

struct OpRecord;
class Value;

// One call of an op. All forms of all ops, by whoever they are called (Python, backward formulas,
// optimizers), pass as one of these; ops called inside of it do not.
struct OpCall {
  enum class Form : uint8_t {
    Plain,
    Inplace,  // args[0] is written
    Out,      // outs are written
  };
  const OpRecord& op;
  Form form;
  const Value* args;
  Value* returns;  // filled by run(); the in-place and out= forms return what they wrote
  std::span<const Tensor> outs;

  void run();  // the op itself, by way of interceptors that are further out
};

// Sees every op call of its thread: the tracer, the profiler, the routing log.
class Interceptor {
 public:
  virtual ~Interceptor() = default;
  // Calls call.run(), or fills its returns in another way; may record what went in and came out.
  virtual void call(OpCall& call) = 0;
  Interceptor* outer = nullptr;
};

class SavedTensorHooks;  // autograd/vjp.h

struct Modes {
  bool grad = true;
  bool inference = false;
  bool anomaly = false;
  Interceptor* interceptor = nullptr;
  SavedTensorHooks* saved_hooks = nullptr;  // how tensors are kept for backward; none: as they are
};

#if defined(__linux__)
// The extension is loaded at start-up, so the cheap TLS model is safe for these few bytes.
#define RT_TLS_MODEL __attribute__((tls_model("initial-exec")))
#else
#define RT_TLS_MODEL
#endif
extern thread_local constinit Modes t_modes RT_TLS_MODEL;
inline Modes& modes() { return t_modes; }

class GradModeGuard {
 public:
  explicit GradModeGuard(bool enabled) : saved_(modes().grad) { modes().grad = enabled; }
  ~GradModeGuard() { modes().grad = saved_; }
  GradModeGuard(const GradModeGuard&) = delete;

 private:
  bool saved_;
};
class NoGradGuard : public GradModeGuard {
 public:
  NoGradGuard() : GradModeGuard(false) {}
};

// A view requires gradients as soon as its base does, whenever that came about.
inline bool requires_grad(const Tensor& t) {
  const TensorImpl* p = t.impl();
  return p->requires_grad_ || (p->view_base_ && p->view_base_->requires_grad_);
}

}  // namespace rt
