#include "gpu/emulator/arrays.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

namespace rt::emulator {

namespace {

std::vector<char> read_file(const char* path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "rb"), &std::fclose);
  std::vector<char> bytes;
  if (!file) return bytes;
  char part[1 << 16];
  size_t n;
  while ((n = std::fread(part, 1, sizeof part, file.get())) > 0)
    bytes.insert(bytes.end(), part, part + n);
  return bytes;
}

std::string demangle(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(symbol, nullptr, nullptr, &status), &std::free);
  return status == 0 ? std::string(text.get()) : std::string();
}

// A local variable's symbol reads "function(parameters)::name"; others are not arrays of kernels.
bool parse(const std::string& text, SharedArray* out) {
  const size_t colons = text.rfind("::"), close = text.rfind(')');
  if (colons == std::string::npos || close == std::string::npos || close > colons) return false;
  out->instance = text.substr(0, colons);
  out->kernel = base_name(out->instance);
  out->name = text.substr(colons + 2);
  return true;
}

std::vector<SharedArray> read_arrays() {
  std::vector<SharedArray> arrays;
  Dl_info info;
  if (!dladdr(reinterpret_cast<const void*>(&shared_arrays), &info)) return arrays;
  const std::vector<char> file = read_file(info.dli_fname);
  if (file.size() < sizeof(Elf64_Ehdr) || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0)
    return arrays;
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(file.data());
  const auto* sections = reinterpret_cast<const Elf64_Shdr*>(file.data() + header->e_shoff);
  for (int s = 0; s < header->e_shnum; ++s) {
    if (sections[s].sh_type != SHT_SYMTAB) continue;
    const auto* symbols = reinterpret_cast<const Elf64_Sym*>(file.data() + sections[s].sh_offset);
    const char* names = file.data() + sections[sections[s].sh_link].sh_offset;
    for (size_t i = 0; i < sections[s].sh_size / sizeof(Elf64_Sym); ++i) {
      if (ELF64_ST_TYPE(symbols[i].st_info) != STT_TLS || symbols[i].st_shndx == SHN_UNDEF)
        continue;
      SharedArray array{symbols[i].st_value, symbols[i].st_size, "", "", ""};
      if (parse(demangle(names + symbols[i].st_name), &array)) arrays.push_back(std::move(array));
    }
  }
  std::sort(arrays.begin(), arrays.end(),
            [](const SharedArray& a, const SharedArray& b) { return a.offset < b.offset; });
  return arrays;
}

}  // namespace

std::string base_name(const std::string& function) {
  std::string name = function.substr(0, function.find('('));
  // Template arguments may hold spaces; what is before the last space outside of them is a type.
  const size_t angle = name.find('<');
  if (angle != std::string::npos) name.erase(angle);
  const size_t space = name.rfind(' ');
  if (space != std::string::npos) name.erase(0, space + 1);
  const size_t colons = name.rfind("::");
  if (colons != std::string::npos) name.erase(0, colons + 2);
  return name;
}

const std::vector<SharedArray>& shared_arrays() {
  static const std::vector<SharedArray> arrays = read_arrays();
  return arrays;
}

uint64_t shared_bytes_of(const std::string& kernel) {
  std::map<std::string, uint64_t> by_instance;
  for (const SharedArray& a : shared_arrays()) {
    if (a.kernel == kernel) by_instance[a.instance] += a.bytes;
  }
  uint64_t most = 0;
  for (const auto& [instance, bytes] : by_instance) most = std::max(most, bytes);
  return most;
}

}  // namespace rt::emulator
