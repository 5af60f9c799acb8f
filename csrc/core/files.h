// Whole files, without iostreams: where an extension carries a standard library of its own, its
// streams may meet the locale of another.
#pragma once

#include <string>
#include <string_view>

namespace rt {

// Throws Error(Runtime) that names `op` and the file.
std::string read_file(const std::string& path, const char* op);
// Whole or not at all, through a temporary name; false if that cannot be. Makes missing folders.
bool write_file(const std::string& path, std::string_view bytes);

}  // namespace rt
