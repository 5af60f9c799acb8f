// Shaders as one text each, for compilers that are given a string instead of a file.
#pragma once

#include <string>
#include <vector>

namespace rt::gpu {

// The names of the folder's *.metal files, sorted; none if there is no such folder.
std::vector<std::string> shader_files(const std::string& folder);

// A shader of the folder, with the headers of folder/include put in the place of their includes,
// each once; #line tells a compiler where what came from. Others' includes stay.
// Errors: Runtime, if a file cannot be read.
std::string shader_source(const std::string& folder, const std::string& file);

}  // namespace rt::gpu
