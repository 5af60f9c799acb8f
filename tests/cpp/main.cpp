// Runs the C++ tests named on the command line, or all of them.
#include <cstdio>
#include <cstring>

void test_parallel();
void test_gemm();
void test_conv();
void test_cuda_runtime();
void test_lapack();
void test_fft();
void test_engine();
void test_interceptor();
void test_fork();
void test_shader_source();
void test_gpu_choices();
void test_libraries();
void test_convolutions_by_library();
void test_mlcompute();
void test_core_ml();

namespace {
struct Test {
  const char* name;
  void (*run)();
};
constexpr Test kTests[] = {{"parallel", test_parallel},
                           {"gemm", test_gemm},
                           {"conv", test_conv},
                           {"cuda_runtime", test_cuda_runtime},
                           {"lapack", test_lapack},
                           {"fft", test_fft},
                           {"engine", test_engine},
                           {"interceptor", test_interceptor},
                           {"fork", test_fork},
                           {"shader_source", test_shader_source},
                           {"gpu_choices", test_gpu_choices},
                           {"libraries", test_libraries},
                           {"convolutions_by_library", test_convolutions_by_library},
                           {"mlcompute", test_mlcompute},
                           {"core_ml", test_core_ml}};
}  // namespace

int main(int argc, char** argv) {
  int found = 0;
  for (const Test& test : kTests) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], test.name) == 0;
    if (!wanted) continue;
    ++found;
    std::printf("%s\n", test.name);
    std::fflush(stdout);  // a forked child must not print this again
    test.run();
  }
  if (found == 0) std::fprintf(stderr, "no test of that name\n");
  return found == 0;
}
