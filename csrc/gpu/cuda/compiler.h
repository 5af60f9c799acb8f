// Shaders as machine code of one NVIDIA architecture, each kernel by itself when it is first used,
// and kept on disk.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gpu/compute_device.h"
#include "gpu/cuda/driver.h"

namespace rt::gpu::cuda {

class ShaderCompiler {
 public:
  // `architecture`: "sm_90".
  ShaderCompiler(const Compiler& compiler, std::string architecture);

  bool has(std::string_view kernel) const { return files_.find(kernel) != files_.end(); }
  // The code of a kernel of this package, with its function constants fixed.
  std::vector<char> code(const std::string& kernel, Constants constants) const;

 private:
  std::vector<char> compile(const std::string& file, const std::string& kernel,
                            Constants constants) const;
  const Compiler& compiler_;
  std::string architecture_, folder_;  // of the shaders
  std::string sources_;                // identifies all of them, and the compiler
  std::map<std::string, std::string, std::less<>> files_;  // kernel -> file
};

}  // namespace rt::gpu::cuda
