#include "gpu/cuda/compiler.h"

#include <algorithm>
#include <filesystem>

#include "core/files.h"

namespace rt::gpu::cuda {

namespace fs = std::filesystem;

namespace {

constexpr int kFunctionConstants = 8;

}  // namespace

ShaderCompiler::ShaderCompiler(const Compiler& compiler, std::string architecture,
                               std::string folder)
    : compiler_(compiler),
      architecture_(std::move(architecture)),
      folder_(std::move(folder)),
      cache_(KernelCache::of_user()) {
  const std::string list = read_file(folder_ + "/kernels.txt", "cuda");  // "kernel file" a line
  for (size_t begin = 0, end; (end = list.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const size_t space = list.find(' ', begin);
    if (space < end) {
      files_.emplace(list.substr(begin, space - begin), list.substr(space + 1, end - space - 1));
    }
  }
  // Everything that may be included, in a fixed order.
  std::vector<fs::path> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    if (entry.is_regular_file()) all.push_back(entry.path());
  }
  std::sort(all.begin(), all.end());
  int major = 0, minor = 0;
  (void)compiler_.version(&major, &minor);
  uint64_t h = fnv(cat_str(major, ".", minor));
  for (const std::string& option : options("", {})) {
    if (!option.starts_with("-I")) h = fnv(option, h);
  }
  for (const fs::path& p : all) h = fnv(read_file(p.string(), "cuda"), h);
  sources_ = hex(h);
}

std::vector<char> ShaderCompiler::code(const std::string& kernel, Constants constants,
                                       bool fresh) const {
  std::string name = kernel;
  for (uint64_t c : constants) name += "-" + std::to_string(c);
  if (!fresh) {
    if (auto kept = cache_.find(sources_, name)) return *std::move(kept);
  }
  std::vector<char> binary = compile(files_.find(kernel)->second, kernel, constants);
  cache_.store(sources_, name, binary);
  return binary;
}

std::vector<std::string> ShaderCompiler::options(const std::string& kernel,
                                                 Constants constants) const {
  std::vector<std::string> options = {"-arch=" + architecture_,    "-std=c++20",
                                      "-default-device",           "--fmad=false",
                                      "-I" + folder_ + "/include", "--diag-suppress=2803,177",
                                      "-DRT_ONLY_SELECTED=1",      "-DRT_SELECT_" + kernel + "=1"};
  for (int i = 0; i < kFunctionConstants; ++i) {
    const uint64_t value = i < static_cast<int>(constants.size()) ? constants[i] : 0;
    options.push_back(cat_str("-DRT_CONSTANT_", i, "=") + std::to_string(value));
  }
  return options;
}

std::vector<char> ShaderCompiler::compile(const std::string& file, const std::string& kernel,
                                          Constants constants) const {
  const std::vector<std::string> all = options(kernel, constants);
  std::vector<const char*> arguments;
  for (const std::string& o : all) arguments.push_back(o.c_str());
  const std::string source = read_file(folder_ + "/" + file, "cuda");
  Program program = nullptr;
  RT_CHECK(compiler_.create(&program, source.c_str(), file.c_str(), 0, nullptr, nullptr) == 0,
           Runtime, "cuda", "NVRTC cannot start");
  const int status =
      compiler_.compile(program, static_cast<int>(arguments.size()), arguments.data());
  std::vector<char> binary;
  std::string log;
  size_t size = 0;
  if (status == 0) {
    (void)compiler_.binary_size(program, &size);
    binary.resize(size);
    (void)compiler_.binary(program, binary.data());
  } else {
    (void)compiler_.log_size(program, &size);
    log.resize(size);
    (void)compiler_.log(program, log.data());
  }
  (void)compiler_.destroy(&program);
  RT_CHECK(status == 0, Runtime, "cuda",
           cat_str("NVRTC refuses the kernel ", kernel, " of ", file, ":\n", log));
  return binary;
}

}  // namespace rt::gpu::cuda
