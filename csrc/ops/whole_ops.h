// Engines that run ops as wholes, where others have kernels: what an op computes becomes a program
// of theirs.
#pragma once

#include <atomic>

#include "ops/record.h"

namespace rt {

class WholeOps {
 public:
  // Whether this call is for the engine: some tensor lives on its device, and the op does more than
  // to view, fill or copy memory.
  virtual bool takes(const OpRecord& op, const Value* args) = 0;
  // Runs it in place of the op's forward; an error (MissingKernel) where it has no program for it.
  virtual void run(const OpRecord& op, const Value* args, Value* returns) = 0;
  // This thread uses tensors of the engine: its ops are boxed from now on.
  virtual void enter_thread() = 0;
  virtual DeviceType device_type() const = 0;
};

// Global: set once, when the engine is first used; null while there is none.
extern std::atomic<WholeOps*> g_whole_ops;

// Whether a gradient reaches some argument of the call.
bool any_wants_grad(const OpRecord& op, const Value* args);

inline bool runs_whole(const OpRecord& op, const Value* args) {
  WholeOps* engine = g_whole_ops.load(std::memory_order_acquire);
  return engine && engine->takes(op, args);
}
// For callers of the core that hold a tensor and go on with the typed functions of ops.
inline void enter_whole_ops(const Tensor& t) {
  WholeOps* engine = g_whole_ops.load(std::memory_order_acquire);
  if (engine && t.device().type == engine->device_type()) [[unlikely]]
    engine->enter_thread();
}

}  // namespace rt
