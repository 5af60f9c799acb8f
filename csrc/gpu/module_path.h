// Where this package lies.
#pragma once

#include <string>

namespace rt::gpu {

// The folder of the extension module, which also holds lib/ and shaders/.
std::string module_folder();

}  // namespace rt::gpu
