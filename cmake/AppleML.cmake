# MLCompute and Core ML: nothing elsewhere. Linked weakly, so that a macOS without one of them still loads
# rustorch; Metal.cmake has made Objective-C++ a language.
include_guard(GLOBAL)
if(NOT APPLE)
  return()
endif()

file(GLOB apple_ml_sources CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/csrc/mlcompute/*.mm ${PROJECT_SOURCE_DIR}/csrc/coreml/*.mm)
target_sources(rustorch_core PRIVATE ${apple_ml_sources})
set_source_files_properties(${apple_ml_sources} PROPERTIES COMPILE_OPTIONS "-fobjc-arc")
target_link_libraries(rustorch_core PUBLIC
  "-framework Foundation" "-framework CoreVideo" "-weak_framework CoreML" "-weak_framework MLCompute" objc)
