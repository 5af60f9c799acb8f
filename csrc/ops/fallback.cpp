#include "ops/fallback.h"

#include "ops/ops.h"
#include "ops/record.h"

namespace rt {

namespace {

template <class F>
Value map_tensors(const Value& v, F&& f) {
  if (const auto* t = std::get_if<Tensor>(&v)) return t->defined() ? Value(f(*t)) : v;
  if (const auto* l = std::get_if<std::vector<Tensor>>(&v)) {
    std::vector<Tensor> moved;
    for (const Tensor& t : *l) moved.push_back(t.defined() ? f(t) : t);
    return moved;
  }
  return v;
}

}  // namespace

CpuFallback::CpuFallback(Report report) : report_(report) {
  outer = modes().interceptor;
  modes().interceptor = this;
}
CpuFallback::~CpuFallback() { modes().interceptor = outer; }

void CpuFallback::note(const std::string& op, Device device, const std::string& reason) {
  const std::string where = to_string(device);
  for (Entry& e : entries_) {
    if (e.op == op && e.device == where) {
      ++e.count;
      return;
    }
  }
  entries_.push_back({op, where, reason, 1});
  if (report_) report_(entries_.back());
}

void CpuFallback::call(OpCall& call) {
  const OpRecord& op = call.op;
  Device device;
  std::vector<Value> host;
  try {
    return call.run();
  } catch (const Error& e) {
    // An op that writes into its arguments by itself would write into copies.
    if (e.kind() != ErrorKind::MissingKernel || op.schema.base_name.back() == '_') throw;
    for (size_t i = 0; i < op.schema.args.size(); ++i) {
      host.push_back(map_tensors(call.args[i], [&](const Tensor& t) {
        if (t.device().is_cpu()) return t;
        device = t.device();
        return ops::to(t, Device{});
      }));
    }
    if (device.is_cpu()) throw;
    note(op.name(), device, e.problem());
  }
  Value results[OpRecord::kMaxReturns];
  call_boxed(op, host.data(), results);
  for (size_t i = 0; i < op.schema.returns.size(); ++i) {
    call.returns[i] = map_tensors(results[i], [&](const Tensor& t) { return ops::to(t, device); });
  }
  if (call.form == OpCall::Form::Inplace) {
    ops::copy_(call.args[0].tensor(), call.returns[0].tensor());
    call.returns[0] = call.args[0];
  }
  for (size_t i = 0; i < call.outs.size(); ++i) {
    const Tensor &result = call.returns[i].tensor(), &out = call.outs[i];
    if (!(out.sizes() == result.sizes())) ops::resize_(out, result.sizes());
    ops::copy_(out, result);
    call.returns[i] = out;
  }
}

}  // namespace rt
