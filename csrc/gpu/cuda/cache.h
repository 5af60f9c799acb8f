// Compiled kernels on disk, for the next process. Any number of processes may share the folder:
// files come into being under other names, say what they should hold, and are gone at worst.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rt::gpu::cuda {

// FNV-1a, 64 bits.
uint64_t fnv(std::string_view text, uint64_t h = 0xcbf29ce484222325u);
std::string hex(uint64_t value);

class KernelCache {
 public:
  // An empty folder: nothing is kept. Of more than `cap` bytes, what was not used for longest goes.
  KernelCache(std::filesystem::path folder, uint64_t cap) : folder_(std::move(folder)), cap_(cap) {}
  // RUSTORCH_CACHE, or the user's cache folder; as many bytes as RUSTORCH_CACHE_MB says.
  static KernelCache of_user();

  // None if it is not there, or not whole.
  std::optional<std::vector<char>> find(const std::string& group, const std::string& name) const;
  // A full or read-only disk costs time, not correctness: nothing is said of it.
  void store(const std::string& group, const std::string& name,
             const std::vector<char>& code) const;

 private:
  std::filesystem::path path(const std::string& group, const std::string& name) const;
  void trim() const;
  const std::filesystem::path folder_;
  const uint64_t cap_;
};

}  // namespace rt::gpu::cuda
