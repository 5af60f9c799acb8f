// Shaders as machine code of one NVIDIA architecture, each kernel by itself when it is first used,
// and kept on disk.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gpu/compute_device.h"
#include "gpu/cuda/cache.h"
#include "gpu/cuda/driver.h"

namespace rt::gpu::cuda {

class ShaderCompiler {
 public:
  // `architecture`: "sm_90"; `folder`: of the shaders.
  ShaderCompiler(const Compiler& compiler, std::string architecture, std::string folder);

  bool has(std::string_view kernel) const { return files_.find(kernel) != files_.end(); }
  // The code of a kernel of this package, with its function constants fixed. `fresh`: compiled
  // anew, since what was kept is of no use.
  std::vector<char> code(const std::string& kernel, Constants constants, bool fresh = false) const;

 private:
  std::vector<std::string> options(const std::string& kernel, Constants constants) const;
  std::vector<char> compile(const std::string& file, const std::string& kernel,
                            Constants constants) const;
  const Compiler& compiler_;
  std::string architecture_, folder_;
  const KernelCache cache_;
  std::string sources_;  // identifies all of them, the options and the compiler
  std::map<std::string, std::string, std::less<>> files_;  // kernel -> file
};

}  // namespace rt::gpu::cuda
