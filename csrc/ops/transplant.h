// Runs an op on another device than its tensors'.
#pragma once

#include <optional>

#include "core/generator.h"
#include "core/modes.h"
#include "ops/record.h"

namespace rt {

// A number that mixes with tensors of any device.
inline bool is_number(const Tensor& t) { return t.dim() == 0 && t.device().is_cpu(); }

template <class F>
void for_each_tensor(const OpCall& call, F&& f) {
  for (size_t i = 0; i < call.op.schema.args.size(); ++i) {
    if (const auto* t = std::get_if<Tensor>(&call.args[i])) {
      if (t->defined()) f(*t);
    } else if (const auto* l = std::get_if<std::vector<Tensor>>(&call.args[i])) {
      for (const Tensor& t : *l) {
        if (t.defined()) f(t);
      }
    }
  }
  for (const Tensor& t : call.outs) f(t);
}

// The random stream that a call draws from, and where it stood.
struct Stream {
  Ref<Generator> generator;
  Generator::State start;
};
// None if the op takes no generator. `home`: whose default stream it draws from.
std::optional<Stream> stream_of(const OpCall& call, Device home);

// Runs the call on copies of its tensors on `target`: gradients flow through the copies, what the
// op wrote into its arguments is written back, random numbers come from the same stream. New
// results end on `results`. `numbers`: those move too. Returns the bytes moved.
int64_t transplant(OpCall& call, Device target, Device results, bool numbers,
                   const std::optional<Stream>& stream);

// The op itself, past all interceptors; the ops it calls pass those that are set.
void run_here(OpCall& call);

}  // namespace rt
