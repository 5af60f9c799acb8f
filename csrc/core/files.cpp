#include "core/files.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "core/error.h"

namespace rt {

namespace {
struct Close {
  void operator()(std::FILE* f) const { (void)std::fclose(f); }
};
using File = std::unique_ptr<std::FILE, Close>;
}  // namespace

std::string read_file(const std::string& path, const char* op) {
  const File file(std::fopen(path.c_str(), "rb"));
  RT_CHECK(file != nullptr, Runtime, op, "cannot open " + path);
  std::string all;
  char part[1 << 14];
  while (const size_t n = std::fread(part, 1, sizeof part, file.get())) all.append(part, n);
  RT_CHECK(!std::ferror(file.get()), Runtime, op, "cannot read " + path);
  return all;
}

bool write_file(const std::string& path, std::string_view bytes) {
  std::error_code trouble;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), trouble);
  // Nobody else's: neither another process's nor another thread's.
  static std::atomic<unsigned> count{0};
  const std::string part = path + "." + std::to_string(getpid()) + "-" + std::to_string(++count);
  File file(std::fopen(part.c_str(), "wb"));
  if (!file) return false;
  bool whole = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
  whole = std::fclose(file.release()) == 0 && whole;
  if (whole) std::filesystem::rename(part, path, trouble);
  if (whole && !trouble) return true;
  std::filesystem::remove(part, trouble);
  return false;
}

}  // namespace rt
