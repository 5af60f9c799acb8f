# Finds the library that multiplies matrices, and makes the target `rustorch_dense`:
#
#   macOS          Accelerate                          RT_USE_ACCELERATE
#   Linux x86-64   oneDNN and OpenBLAS, from PyPI      RT_USE_ONEDNN, RT_USE_OPENBLAS
#   other Linux    OpenBLAS, from PyPI                 RT_USE_OPENBLAS
#
# The PyPI packages (build requirements in pyproject.toml) are asked for through the Python that
# runs the build. pip deletes that environment afterwards, so rustorch_install_dense_libraries()
# copies the shared libraries next to the extension module.
#
# Sets RUSTORCH_DENSE_LIBRARIES: the shared libraries that an installed package must carry.
include_guard(GLOBAL)

option(RUSTORCH_WITH_ONEDNN "Use oneDNN where it is available" ON)

add_library(rustorch_dense INTERFACE)
set(RUSTORCH_DENSE_LIBRARIES "")

function(_rustorch_ask_python out code)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c "${code}"
    OUTPUT_VARIABLE answer ERROR_VARIABLE trouble RESULT_VARIABLE status
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT status EQUAL 0)
    set(answer "")
    message(VERBOSE "${Python_EXECUTABLE} said: ${trouble}")
  endif()
  set(${out} "${answer}" PARENT_SCOPE)
endfunction()

if(APPLE)
  target_compile_definitions(rustorch_dense INTERFACE RT_USE_ACCELERATE ACCELERATE_NEW_LAPACK)
  target_link_libraries(rustorch_dense INTERFACE "-framework Accelerate")
  return()
endif()

if(NOT Python_EXECUTABLE)
  find_package(Python COMPONENTS Interpreter REQUIRED)
endif()

# A file of an installed distribution, by the end of its path: wheels also put files outside of
# site-packages (oneDNN's are in the environment's include/ and lib/).
function(_rustorch_find_file out distribution end)
  _rustorch_ask_python(path
    "import importlib.metadata as m, os
files = [str(f.locate()) for f in m.files('${distribution}') or [] if str(f).endswith('${end}')]
print(os.path.normpath(files[0]) if files else '')")
  set(${out} "${path}" PARENT_SCOPE)
endfunction()

_rustorch_find_file(_openblas_header scipy-openblas32 "include/cblas.h")
_rustorch_ask_python(_openblas_library
  "import os, scipy_openblas32 as s; print(os.path.join(s.get_lib_dir(), s.get_library(fullname=True)))")
if(NOT _openblas_header OR NOT _openblas_library)
  message(FATAL_ERROR "rustorch needs OpenBLAS: ${Python_EXECUTABLE} -m pip install scipy-openblas32")
endif()
cmake_path(GET _openblas_header PARENT_PATH _openblas_include)
add_library(rustorch_openblas SHARED IMPORTED)
set_target_properties(rustorch_openblas PROPERTIES
  IMPORTED_LOCATION "${_openblas_library}"
  INTERFACE_INCLUDE_DIRECTORIES "${_openblas_include}")
target_link_libraries(rustorch_dense INTERFACE rustorch_openblas)
target_compile_definitions(rustorch_dense INTERFACE RT_USE_OPENBLAS)
list(APPEND RUSTORCH_DENSE_LIBRARIES "${_openblas_library}")

if(RUSTORCH_WITH_ONEDNN AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  _rustorch_find_file(_onednn_header onednn-devel-cpu-gomp "include/oneapi/dnnl/dnnl.hpp")
  _rustorch_find_file(_onednn_library onednn-cpu-gomp "/libdnnl.so.3")
  if(NOT _onednn_header OR NOT _onednn_library)
    message(FATAL_ERROR "rustorch needs oneDNN: ${Python_EXECUTABLE} -m pip install "
                        "onednn-devel-cpu-gomp==2023.2.0, or -DRUSTORCH_WITH_ONEDNN=OFF")
  endif()
  # The wheel's three libdnnl files are equal copies; the loader asks for this one.
  cmake_path(GET _onednn_header PARENT_PATH _onednn_include)
  cmake_path(GET _onednn_include PARENT_PATH _onednn_include)
  cmake_path(GET _onednn_include PARENT_PATH _onednn_include)
  add_library(rustorch_onednn SHARED IMPORTED)
  set_target_properties(rustorch_onednn PROPERTIES
    IMPORTED_LOCATION "${_onednn_library}"
    INTERFACE_INCLUDE_DIRECTORIES "${_onednn_include}")
  target_link_libraries(rustorch_dense INTERFACE rustorch_onednn)
  target_compile_definitions(rustorch_dense INTERFACE RT_USE_ONEDNN)
  list(APPEND RUSTORCH_DENSE_LIBRARIES "${_onednn_library}")
endif()

# Copies the libraries to <destination> below the install prefix and lets `target`, installed in
# <module_destination>, find them there. libgomp is the compiler's and the system's: auditwheel
# puts a copy into wheels that are published, and a build from source uses the one it was made with.
function(rustorch_install_dense_libraries target module_destination destination)
  foreach(library IN LISTS RUSTORCH_DENSE_LIBRARIES)
    # A link would be installed as a link; the name is the one the loader asks for.
    cmake_path(GET library FILENAME name)
    file(REAL_PATH "${library}" file)
    install(PROGRAMS "${file}" DESTINATION "${destination}" RENAME "${name}")
  endforeach()
  if(NOT APPLE)
    cmake_path(RELATIVE_PATH destination BASE_DIRECTORY "${module_destination}" OUTPUT_VARIABLE from)
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${from}")
  endif()
endfunction()
