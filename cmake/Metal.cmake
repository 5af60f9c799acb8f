# Apple's GPUs: csrc/gpu/metal, and the shaders as a library of theirs. Without Apple's shader compiler
# (it is part of Xcode) Metal compiles the text of the shaders, which the package carries (Shaders.cmake).
include_guard(GLOBAL)
if(NOT APPLE)
  return()
endif()

enable_language(OBJCXX)
set(CMAKE_OBJCXX_STANDARD 20)
set(CMAKE_OBJCXX_STANDARD_REQUIRED ON)
set(CMAKE_OBJCXX_EXTENSIONS OFF)
set(CMAKE_OBJCXX_VISIBILITY_PRESET hidden)

file(GLOB metal_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/csrc/gpu/metal/*.mm)
target_sources(rustorch_core PRIVATE ${metal_sources})
set_source_files_properties(${metal_sources} PROPERTIES COMPILE_OPTIONS "-fobjc-arc")
target_link_libraries(rustorch_core PUBLIC "-framework Foundation" "-framework Metal" objc)

file(GLOB metal_shaders CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/shaders/*.metal)
file(GLOB metal_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/shaders/include/*.h)

execute_process(COMMAND xcrun -sdk macosx --find metal
                RESULT_VARIABLE no_compiler OUTPUT_QUIET ERROR_QUIET)
if(no_compiler OR NOT metal_shaders)
  message(STATUS "No metallib: the shaders are compiled when they are first used")
  return()
endif()

# The arithmetic that the shaders write: no fast math, nothing fused unasked.
set(metal_flags -std=metal3.1 -fno-fast-math -ffp-contract=off -Werror
                -mmacosx-version-min=${CMAKE_OSX_DEPLOYMENT_TARGET}
                -I ${PROJECT_SOURCE_DIR}/shaders/include)
foreach(shader IN LISTS metal_shaders)
  cmake_path(GET shader STEM stem)
  set(air ${PROJECT_BINARY_DIR}/shaders/${stem}.air)
  add_custom_command(OUTPUT ${air}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/shaders
    COMMAND xcrun -sdk macosx metal ${metal_flags} -c ${shader} -o ${air}
    DEPENDS ${shader} ${metal_headers} VERBATIM)
  list(APPEND metal_objects ${air})
endforeach()
set(metal_library ${PROJECT_BINARY_DIR}/shaders/rustorch.metallib)
add_custom_command(OUTPUT ${metal_library}
  COMMAND xcrun -sdk macosx metallib ${metal_objects} -o ${metal_library}
  DEPENDS ${metal_objects} VERBATIM)
add_custom_target(rustorch_metallib ALL DEPENDS ${metal_library})
install(FILES ${metal_library} DESTINATION rustorch/lib)
