#include "gpu/shader_source.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/error.h"
#include "core/files.h"

namespace rt::gpu {

namespace {

namespace fs = std::filesystem;

// What `#include "..."` names; empty if the line is none.
std::string included(const std::string& line) {
  const size_t hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line.compare(hash, 8, "#include") != 0) return {};
  const size_t begin = line.find('"', hash), end = line.find('"', begin + 1);
  if (begin == std::string::npos || end == std::string::npos) return {};
  return line.substr(begin + 1, end - begin - 1);
}

void append(std::string& out, const fs::path& path, const fs::path& headers,
            std::set<std::string>& seen) {
  const std::string text = read_file(path.string(), "shaders");
  int number = 0;
  const auto place = [&] {
    out += cat_str("#line ", number + 1, " \"", path.filename().string(), "\"\n");
  };
  place();
  for (size_t begin = 0; begin < text.size();) {
    ++number;
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    const std::string name = included(line);
    std::error_code no;
    // A header of another folder belongs to another compiler.
    if (name.empty() || name.find('/') != std::string::npos || !fs::exists(headers / name, no)) {
      if (line != "#pragma once") out += line;
      out += '\n';
    } else if (seen.insert(name).second) {
      append(out, headers / name, headers, seen);
      place();
    } else {
      out += '\n';
    }
  }
}

}  // namespace

std::vector<std::string> shader_files(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().extension() == ".metal") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string shader_source(const std::string& folder, const std::string& file) {
  std::string out;
  std::set<std::string> seen;
  append(out, fs::path(folder) / file, fs::path(folder) / "include", seen);
  return out;
}

}  // namespace rt::gpu
