// Shaders as one text: what Metal compiles where there is no metallib.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "check.h"
#include "core/error.h"
#include "gpu/shader_source.h"

namespace {

namespace fs = std::filesystem;
using namespace rt::gpu;

void headers_are_put_in_once() {
  const fs::path folder = fs::temp_directory_path() / "rustorch_shader_source";
  fs::create_directories(folder / "include");
  const auto write = [&](const char* name, const char* text) {
    std::ofstream(folder / name) << text;
  };
  write("include/a.h", "#pragma once\n#include \"b.h\"\nint a;\n");
  write("include/b.h", "#pragma once\n#include <metal_stdlib>\nint b;\n");
  write("one.metal", "#include \"a.h\"\n  #include \"b.h\"\n#include \"../shim/c.h\"\nint one;\n");
  write("other.txt", "");
  CHECK(shader_files(folder.string()) == std::vector<std::string>{"one.metal"});
  CHECK(shader_source(folder.string(), "one.metal") ==
        "#line 1 \"one.metal\"\n"
        "#line 1 \"a.h\"\n\n"
        "#line 1 \"b.h\"\n\n#include <metal_stdlib>\nint b;\n"
        "#line 3 \"a.h\"\nint a;\n"
        "#line 2 \"one.metal\"\n\n#include \"../shim/c.h\"\nint one;\n");
  CHECK_THROWS(shader_source(folder.string(), "none.metal"), rt::Error);
  CHECK(shader_files((folder / "none").string()).empty());
  fs::remove_all(folder);
}

// None of our headers is left to find but the shim, which Metal does not ask for.
void our_shaders_stand_alone() {
  const std::string folder = RT_SHADERS;
  CHECK(!shader_files(folder).empty());
  for (const std::string& file : shader_files(folder)) {
    std::istringstream text(shader_source(folder, file));
    for (std::string line; std::getline(text, line);) {
      CHECK(line.find("#include \"") == std::string::npos ||
            line.find("\"../shim/") != std::string::npos);
    }
  }
}

}  // namespace

void test_shader_source() {
  headers_are_put_in_once();
  our_shaders_stand_alone();
}
