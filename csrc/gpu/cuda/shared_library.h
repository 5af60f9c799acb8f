// NVIDIA's libraries, found and opened when they are first used.
#pragma once

#include <string>
#include <vector>

namespace rt::gpu::cuda {

// Where a library may lie, best first: the file that `variable` names; nvidia/<package>/lib beside
// rustorch, where pip puts it; then the system's. `name`: "libcublasLt.so."; of `majors` the first
// is preferred, wherever it lies.
std::vector<std::string> library_candidates(const char* variable, const std::string& name,
                                            const std::vector<int>& majors);

// A library that has all that was asked of it; stays open.
class SharedLibrary {
 public:
  // Opens a candidate; false, with the reason in why_not(), if that cannot be.
  bool open(const std::string& path);
  template <class F>
  bool load(const char* symbol, F*& to) {
    to = reinterpret_cast<F*>(find(symbol));
    return to != nullptr;
  }
  // The file that was opened.
  const std::string& path() const { return path_; }
  const std::string& why_not() const { return why_not_; }

 private:
  void* find(const char* symbol);
  void* handle_ = nullptr;
  std::string path_, why_not_;
};

}  // namespace rt::gpu::cuda
