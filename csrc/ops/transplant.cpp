#include "ops/transplant.h"

#include "autograd/node.h"
#include "ops/ops.h"

namespace rt {

namespace {

template <class F>
Value map_tensors(const Value& v, F&& f) {
  if (const auto* t = std::get_if<Tensor>(&v)) return t->defined() ? Value(f(*t)) : v;
  if (const auto* l = std::get_if<std::vector<Tensor>>(&v)) {
    std::vector<Tensor> mapped;
    mapped.reserve(l->size());
    for (const Tensor& t : *l) mapped.push_back(t.defined() ? f(t) : t);
    return mapped;
  }
  return v;
}

// Tensors on their way to a device and back.
class Copies {
 public:
  Copies(Device target, bool numbers) : target_(target), numbers_(numbers) {}

  Tensor there(const Tensor& t) {
    if (t.device() == target_) return t;
    if (is_number(t) && (!numbers_ || t.is_wrapped_number())) return t;
    for (const Moved& m : moved_) {
      if (m.original.is_same(t)) return m.copy;
    }
    const Tensor copy = ops::to(t, target_);
    bytes_ += static_cast<int64_t>(t.nbytes());
    moved_.push_back({t, copy, grad_fn(copy), copy.version()});
    return copy;
  }

  // A result of the op: an argument that came back as it was, or something new.
  Tensor back(const Tensor& t, Device device) {
    for (const Moved& m : moved_) {
      if (m.copy.is_same(t)) return m.original;
    }
    if (t.device() == device) return t;
    bytes_ += static_cast<int64_t>(t.nbytes());
    return ops::to(t, device);
  }

  // What the op wrote into its arguments: running statistics, parameters; with its history, if it
  // has one.
  void write_back(const Tensor& except) {
    for (const Moved& m : moved_) {
      if (m.original.is_same(except) || m.copy.version() == m.version) continue;
      bytes_ += static_cast<int64_t>(m.original.nbytes());
      const GradModeGuard guard(modes().grad && grad_fn(m.copy) != m.history);
      ops::copy_(m.original, m.copy);
    }
  }
  void count(const Tensor& t) { bytes_ += static_cast<int64_t>(t.nbytes()); }
  int64_t bytes() const { return bytes_; }

 private:
  struct Moved {
    Tensor original, copy;
    Ref<Node> history;
    uint32_t version;
  };
  Device target_;
  bool numbers_;
  std::vector<Moved> moved_;
  int64_t bytes_ = 0;
};

}  // namespace

std::optional<Stream> stream_of(const OpCall& call, Device home) {
  for (size_t i = 0; i < call.op.schema.args.size(); ++i) {
    if (call.op.schema.args[i].kind != ArgKind::Generator) continue;
    Ref<Generator> g =
        call.args[i].is_none() ? default_generator(home) : call.args[i].get<Ref<Generator>>();
    const Generator::State start = g->state();
    return Stream{std::move(g), start};
  }
  return std::nullopt;
}

int64_t transplant(OpCall& call, Device target, Device results, bool numbers,
                   const std::optional<Stream>& stream) {
  const OpRecord& op = call.op;
  Copies copies(target, numbers);
  // The stream goes on where it stood before anybody tried.
  Ref<Generator> drawn;
  if (stream) {
    drawn = make_ref<Generator>(target);
    drawn->set_state(stream->start);
  }
  std::vector<Value> args;
  args.reserve(op.schema.args.size());
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    const Value& v = call.args[i];
    if (op.schema.args[i].kind == ArgKind::Generator) {
      args.emplace_back(drawn);
    } else if (v.is<Device>()) {
      args.emplace_back(target);
    } else {
      args.push_back(map_tensors(v, [&](const Tensor& t) { return copies.there(t); }));
    }
  }
  switch (call.form) {
    case OpCall::Form::Plain: {
      Value made[OpRecord::kMaxReturns];
      call_boxed(op, args.data(), made);
      for (size_t i = 0; i < op.schema.returns.size(); ++i) {
        call.returns[i] =
            map_tensors(made[i], [&](const Tensor& t) { return copies.back(t, results); });
      }
      copies.write_back({});
      break;
    }
    case OpCall::Form::Inplace: {
      const Tensor& self = call.args[0].tensor();
      const Tensor written = args[0].get<Tensor>();
      call_inplace(op, args.data());
      if (!written.is_same(self)) {
        ops::copy_(self, written);  // with its history
        copies.count(self);
      }
      copies.write_back(self);
      call.returns[0] = call.args[0];
      break;
    }
    case OpCall::Form::Out: {
      std::vector<Tensor> outs;
      for (const Tensor& t : call.outs) outs.push_back(copies.there(t));
      call_out(op, args.data(), outs);
      NoGradGuard guard;
      for (size_t i = 0; i < outs.size(); ++i) {
        const Tensor& out = call.outs[i];
        call.returns[i] = out;
        if (outs[i].is_same(out)) continue;
        if (!(out.sizes() == outs[i].sizes())) ops::resize_(out, outs[i].sizes());
        ops::copy_(out, outs[i]);
        copies.count(out);
      }
      break;
    }
  }
  if (stream) stream->generator->set_state(drawn->state());
  return copies.bytes();
}

}  // namespace rt
