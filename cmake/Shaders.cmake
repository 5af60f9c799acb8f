# Shaders travel with the package as source, with a list of their kernels: NVRTC compiles them when
# they are first used, and so does Metal where there is no compiled library.
include_guard(GLOBAL)

file(GLOB shader_files CONFIGURE_DEPENDS shaders/*.metal)
file(GLOB shader_headers CONFIGURE_DEPENDS shaders/include/*.h shaders/shim/*.h)
set(kernel_list ${CMAKE_BINARY_DIR}/kernels.txt)
add_custom_command(
  OUTPUT ${kernel_list}
  COMMAND ${CMAKE_COMMAND} -DCOMPILER=${CMAKE_CXX_COMPILER} -DFOLDER=${CMAKE_SOURCE_DIR}/shaders
          -DOUTPUT=${kernel_list} -P ${CMAKE_SOURCE_DIR}/cmake/ListKernels.cmake
  DEPENDS ${shader_files} ${shader_headers} cmake/ListKernels.cmake)
add_custom_target(rustorch_shaders ALL DEPENDS ${kernel_list})

install(FILES ${shader_files} ${kernel_list} DESTINATION rustorch/shaders)
install(DIRECTORY shaders/include shaders/shim DESTINATION rustorch/shaders)

# A development build finds them where an installed package would.
if(CMAKE_LIBRARY_OUTPUT_DIRECTORY)
  set(here ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/shaders)
  add_custom_command(TARGET rustorch_shaders POST_BUILD
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${here}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${here}
    COMMAND ${CMAKE_COMMAND} -E copy ${shader_files} ${kernel_list} ${here}
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${CMAKE_SOURCE_DIR}/shaders/include ${here}/include
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${CMAKE_SOURCE_DIR}/shaders/shim ${here}/shim)
endif()
