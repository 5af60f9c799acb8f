# The shaders compiled for the host, and what runs them (csrc/gpu/emulator): two libraries of their own
# beside the extension, opened when they are first needed. In the checked one the compiler reports
# every access of a shader to memory, to callbacks of ours in place of ThreadSanitizer's.
include_guard(GLOBAL)

file(GLOB emulator_sources CONFIGURE_DEPENDS csrc/gpu/emulator/*.cpp)
file(GLOB emulator_shaders CONFIGURE_DEPENDS shaders/*.metal tests/gpu/shaders/probe.metal)
file(GLOB emulator_faults CONFIGURE_DEPENDS tests/gpu/shaders/faulty.metal)
set(shader_options -x c++ -Wno-attributes -fsigned-char)
if(RUSTORCH_COVERAGE)  # is about the core; counting in shaders would only slow them down
  list(APPEND shader_options "-fprofile-exclude-files=.*" -O2)
endif()
set_source_files_properties(${emulator_shaders} ${emulator_faults} PROPERTIES
  LANGUAGE CXX COMPILE_OPTIONS "${shader_options}")

function(rustorch_add_emulator name)
  cmake_parse_arguments(ARG "CHECKED" "" "SHADERS" ${ARGN})
  add_library(${name}_shaders OBJECT ${ARG_SHADERS})
  add_library(${name} MODULE ${emulator_sources})
  foreach(target ${name} ${name}_shaders)
    target_link_libraries(${target} PRIVATE rustorch_options)
    if(ARG_CHECKED)
      target_compile_definitions(${target} PRIVATE RT_EMULATOR_CHECKED)
    endif()
  endforeach()
  if(ARG_CHECKED)
    target_compile_options(${name}_shaders PRIVATE -fsanitize=thread)
  endif()
  target_link_libraries(${name} PRIVATE ${name}_shaders)
  if(CMAKE_LIBRARY_OUTPUT_DIRECTORY)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/lib)
  endif()
  # As a file, which an installation does not strip: the checked one reads the bounds of threadgroup
  # arrays from its own symbols.
  install(PROGRAMS $<TARGET_FILE:${name}> DESTINATION rustorch/lib)
endfunction()

# The checker reads ELF symbols and knows where Linux puts thread-local storage.
if(CMAKE_SYSTEM_NAME STREQUAL Linux AND RUSTORCH_EMULATOR AND NOT RUSTORCH_SANITIZE)
  rustorch_add_emulator(rustorch_emulator SHADERS ${emulator_shaders})
  rustorch_add_emulator(rustorch_emulator_checked CHECKED SHADERS ${emulator_shaders} ${emulator_faults})
endif()
