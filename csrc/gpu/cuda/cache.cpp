#include "gpu/cuda/cache.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "core/error.h"
#include "core/files.h"

namespace rt::gpu::cuda {

namespace fs = std::filesystem;

namespace {

constexpr const char* kEnding = ".cubin";
constexpr uint64_t kUsualMegabytes = 512;
constexpr size_t kHeader = 64;

// The first line of a file: how much follows, and its hash. All of it is printable.
std::string header(std::string_view code) {
  std::string line = "rustorch kernel 1 " + std::to_string(code.size()) + " " + hex(fnv(code));
  line.resize(kHeader - 1, ' ');
  return line + "\n";
}

}  // namespace

uint64_t fnv(std::string_view text, uint64_t h) {
  for (unsigned char c : text) h = (h ^ c) * 0x100000001b3u;
  return h;
}

std::string hex(uint64_t value) {
  char text[17];
  (void)std::snprintf(text, sizeof text, "%016" PRIx64, value);
  return text;
}

KernelCache KernelCache::of_user() {
  uint64_t megabytes = kUsualMegabytes;
  if (const char* wanted = std::getenv("RUSTORCH_CACHE_MB")) {
    char* end = nullptr;
    const unsigned long long n = std::strtoull(wanted, &end, 10);
    if (end != wanted && *end == 0 && n < (uint64_t{1} << 40)) megabytes = n;
  }
  fs::path folder;
  if (const char* own = std::getenv("RUSTORCH_CACHE")) {
    folder = own;
  } else if (const char* xdg = std::getenv("XDG_CACHE_HOME")) {
    folder = fs::path(xdg) / "rustorch";
  } else if (const char* home = std::getenv("HOME")) {
    folder = fs::path(home) / ".cache" / "rustorch";
  }
  return {folder, megabytes << 20};
}

fs::path KernelCache::path(const std::string& group, const std::string& name) const {
  return folder_ / group / (name + kEnding);
}

std::optional<std::vector<char>> KernelCache::find(const std::string& group,
                                                   const std::string& name) const {
  if (folder_.empty()) return std::nullopt;
  const fs::path file = path(group, name);
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return std::nullopt;
  std::string bytes;
  try {
    bytes = read_file(file.string(), "cuda");
  } catch (const Error&) {
    return std::nullopt;  // gone meanwhile, or not ours to read
  }
  const std::string_view code = std::string_view(bytes).substr(std::min(kHeader, bytes.size()));
  if (code.empty() || std::string_view(bytes).substr(0, kHeader) != header(code)) {
    fs::remove(file, ignored);
    return std::nullopt;
  }
  fs::last_write_time(file, fs::file_time_type::clock::now(), ignored);  // used now
  return std::vector<char>(code.begin(), code.end());
}

void KernelCache::store(const std::string& group, const std::string& name,
                        const std::vector<char>& code) const {
  if (folder_.empty() || code.size() > cap_) return;
  const std::string_view text(code.data(), code.size());
  if (write_file(path(group, name).string(), header(text) + std::string(text))) trim();
}

void KernelCache::trim() const {
  struct Entry {
    fs::file_time_type used;
    uint64_t bytes;
    fs::path file;
  };
  std::vector<Entry> all;
  uint64_t total = 0;
  std::error_code ignored;
  // Others may remove files while we look.
  for (fs::recursive_directory_iterator it(folder_, ignored), end; it != end;
       it.increment(ignored)) {
    std::error_code gone;
    const uint64_t bytes = it->is_regular_file(gone) ? it->file_size(gone) : 0;
    const fs::file_time_type used = it->last_write_time(gone);
    // Only what is certainly ours: the folder may be shared with other things.
    if (gone || it->path().extension() != kEnding || it.depth() != 1) continue;
    total += bytes;
    all.push_back({used, bytes, it->path()});
  }
  if (total <= cap_) return;
  std::sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
  // Some room is made at once, so that not every new kernel looks through the folder to throw out
  // one.
  for (const Entry& e : all) {
    if (total <= cap_ / 4 * 3) break;
    if (fs::remove(e.file, ignored)) total -= e.bytes;
  }
}

}  // namespace rt::gpu::cuda
