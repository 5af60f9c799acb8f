// A fork while other threads hold the locks of the process: the child must find them free.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "autograd/engine.h"
#include "check.h"
#include "ops/ops.h"

namespace {

using namespace rt;

class Doubling final : public Hook {
 public:
  void call(Gradients& grads, const Gradients*) override { grads[0] = grads[0] + grads[0]; }
};

// Takes each lock of the process that a call can meet.
bool work() {
  seed_default_generators(7);
  if (default_generator({})->reserve(1).seed != 7) return false;
  const Tensor x = ops::rand({2, 1000});  // large enough to come from the cache of blocks
  set_requires_grad(x, true);
  add_tensor_hook(x, std::make_shared<Doubling>());
  const Tensor loss = ops::sum(x + x), one = ops::ones({});
  run_backward({&loss, 1}, {&one, 1}, {}, {}, true);
  return item(ops::sum(gradient(x))).to_double() == 8000;
}

}  // namespace

void test_fork() {
  load_engines();
  CHECK(work());
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const Tensor shared = ops::zeros({1});
      while (!stop) {
        if (i == 0) failures += !work();
        for (int k = 0; k < 1000; ++k) {
          if (i < 2) seed_default_generators(7);
          if (i == 2) default_generator({})->reserve(1);
          if (i == 3) {
            const Tensor x = alias(shared);
            set_requires_grad(x, true);
            add_tensor_hook(x, std::make_shared<Doubling>());
          }
        }
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      alarm(10);  // ends a child that waits for ever
      _exit(work() ? 0 : 1);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  stop = true;
  for (std::thread& t : threads) t.join();
  CHECK(failures == 0);
}
