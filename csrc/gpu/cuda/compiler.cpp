#include "gpu/cuda/compiler.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/files.h"
#include "gpu/module_path.h"

namespace rt::gpu::cuda {

namespace fs = std::filesystem;

namespace {

constexpr int kFunctionConstants = 8;

// FNV-1a, 64 bits.
uint64_t hash(std::string_view text, uint64_t h = 0xcbf29ce484222325u) {
  for (unsigned char c : text) h = (h ^ c) * 0x100000001b3u;
  return h;
}

// Where compiled kernels are kept: RUSTORCH_CACHE, or the user's cache; empty for nowhere.
fs::path cache_folder() {
  if (const char* own = std::getenv("RUSTORCH_CACHE")) return own;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME")) return fs::path(xdg) / "rustorch";
  if (const char* home = std::getenv("HOME")) return fs::path(home) / ".cache" / "rustorch";
  return {};
}

}  // namespace

ShaderCompiler::ShaderCompiler(const Compiler& compiler, std::string architecture)
    : compiler_(compiler),
      architecture_(std::move(architecture)),
      folder_(module_folder() + "/shaders") {
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
  uint64_t h = hash(cat_str(architecture_, "/", major, ".", minor));
  for (const fs::path& p : all) h = hash(read_file(p.string(), "cuda"), h);
  char hex[17];
  (void)std::snprintf(hex, sizeof hex, "%016" PRIx64, h);
  sources_ = hex;
}

std::vector<char> ShaderCompiler::code(const std::string& kernel, Constants constants) const {
  const std::string& file = files_.find(kernel)->second;
  fs::path cached = cache_folder();
  if (!cached.empty()) {
    std::string name = kernel;
    for (uint64_t c : constants) name += "-" + std::to_string(c);
    cached /= fs::path(sources_) / (name + ".cubin");
    std::error_code ignored;
    if (fs::exists(cached, ignored)) {
      const std::string bytes = read_file(cached.string(), "cuda");
      if (!bytes.empty()) return {bytes.begin(), bytes.end()};
    }
  }
  std::vector<char> binary = compile(file, kernel, constants);
  // A full disk costs time, not correctness.
  if (!cached.empty()) (void)write_file(cached.string(), {binary.data(), binary.size()});
  return binary;
}

std::vector<char> ShaderCompiler::compile(const std::string& file, const std::string& kernel,
                                          Constants constants) const {
  std::vector<std::string> options = {"-arch=" + architecture_,    "-std=c++20",
                                      "-default-device",           "--fmad=false",
                                      "-I" + folder_ + "/include", "--diag-suppress=2803,177",
                                      "-DRT_ONLY_SELECTED=1",      "-DRT_SELECT_" + kernel + "=1"};
  for (int i = 0; i < kFunctionConstants; ++i) {
    const uint64_t value = i < static_cast<int>(constants.size()) ? constants[i] : 0;
    options.push_back(cat_str("-DRT_CONSTANT_", i, "=") + std::to_string(value));
  }
  std::vector<const char*> arguments;
  for (const std::string& o : options) arguments.push_back(o.c_str());
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
