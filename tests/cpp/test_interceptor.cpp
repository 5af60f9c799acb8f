// Whatever runs an op passes the interceptors: every form, backward formulas, optimizers.
#include "autograd/engine.h"
#include "check.h"
#include "ops/ops.h"
#include "ops/record.h"

namespace {

using namespace rt;

class Recorder final : public Interceptor {
 public:
  Recorder() {
    outer = modes().interceptor;
    modes().interceptor = this;
  }
  ~Recorder() override { modes().interceptor = outer; }
  void call(OpCall& call) override {
    call.run();
    static constexpr const char* forms[] = {"", "_", " out="};
    seen.push_back(std::string(call.op.name()) + forms[static_cast<int>(call.form)]);
    if (call.form != OpCall::Form::Plain) CHECK(call.returns[0].get<Tensor>().defined());
  }
  std::vector<std::string> seen;
};
using Names = std::vector<std::string>;

void sees_every_form() {
  const Tensor x = ops::ones({2, 3}, DType::Float32);
  Recorder r;
  ops::add_(x, x);
  (void)ops::transpose(x, 0, 1);
  ops::fill_(x, 2);
  const Value args[] = {x, x, Scalar(1)};
  const Tensor out = empty({2, 3}, DType::Float32);
  call_out(*find_op("add"), args, {&out, 1});
  CHECK((r.seen == Names{"add_", "transpose", "fill_", "add out="}));
}

void sees_backward() {
  const Tensor x = ops::ones({2}, DType::Float32), w = ops::ones({2}, DType::Float32);
  set_requires_grad(x, true);
  const Tensor y = ops::mul(x, w);
  const Tensor g = ops::ones({2}, DType::Float32);
  Recorder r;
  run_backward({&y, 1}, {&g, 1}, {}, {.retain_graph = true}, true);
  CHECK((r.seen == Names{"mul"}));
  r.seen.clear();
  run_backward({&y, 1}, {&g, 1}, {}, {}, true);
  CHECK((r.seen == Names{"mul", "add_"}));  // the second gradient is added to the first
}

void sees_views_written_in_place() {
  const Tensor x = ops::ones({2, 2}, DType::Float32);
  set_requires_grad(x, true);
  const Tensor y = ops::mul(x, 2), g = ops::ones({2, 2}, DType::Float32);
  const Tensor row = ops::select(y, 0, 0);
  ops::mul_(row, wrapped_number(3));
  Recorder r;
  run_backward({&y, 1}, {&g, 1}, {}, {}, true);
  const auto count = [&](const char* name) {
    return std::count(r.seen.begin(), r.seen.end(), name);
  };
  CHECK(count("mul") == 2 && count("as_strided") == 1 && count("copy_") >= 2);
  CHECK(item(ops::select(ops::select(gradient(x), 0, 0), 0, 0)).to_double() == 6);
}

void sees_optimizer_steps() {
  const OpRecord* step = find_op("fused_sgd_");
  CHECK(step != nullptr);
  const Tensor p = ops::ones({2}, DType::Float32), g = ops::ones({2}, DType::Float32);
  const Value args[] = {
      TensorList(&p, 1), TensorList(&g, 1), TensorList(), 0.5, 0.0, 0.0, 0.0, false, false, true};
  Value returns[OpRecord::kMaxReturns];
  Recorder r;
  call_boxed(*step, args, returns);
  CHECK((r.seen == Names{"fused_sgd_"}) && item(ops::select(p, 0, 0)).to_double() == 0.5);
}

void nests() {
  const Tensor x = ops::ones({2}, DType::Float32);
  Recorder outer;
  {
    Recorder inner;
    ops::add_(x, x);
    CHECK(inner.seen == Names{"add_"});
  }
  CHECK(outer.seen == Names{"add_"});
  const Tensor wrong = ops::ones({3}, DType::Float32);
  CHECK_THROWS(ops::add_(x, wrong), Error);
  CHECK(modes().interceptor == &outer);
}

}  // namespace

void test_interceptor() {
  load_engines();
  sees_every_form();
  sees_backward();
  sees_views_written_in_place();
  sees_optimizer_steps();
  nests();
}
