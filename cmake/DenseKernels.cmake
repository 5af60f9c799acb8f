# The numerical layer of csrc/cpu that knows nothing of tensors, as the object library
# `rustorch_dense_kernels`: threads, matrix products, convolutions, LAPACK, Fourier transforms.
include_guard(GLOBAL)
include(${CMAKE_CURRENT_LIST_DIR}/FindDenseLibraries.cmake)

set(_cpu ${PROJECT_SOURCE_DIR}/csrc/cpu)

add_library(rustorch_dense_kernels OBJECT
  ${_cpu}/blas_threads.cpp
  ${_cpu}/conv.cpp
  ${_cpu}/conv_bias.cpp
  ${_cpu}/conv_depthwise.cpp
  ${_cpu}/conv_im2col.cpp
  ${_cpu}/conv_onednn.cpp
  ${_cpu}/cpu_limits.cpp
  ${_cpu}/depthwise_kernels_avx2.cpp
  ${_cpu}/depthwise_kernels_avx512.cpp
  ${_cpu}/depthwise_kernels_baseline.cpp
  ${_cpu}/dot.cpp
  ${_cpu}/fft.cpp
  ${_cpu}/fft_kernels_avx2.cpp
  ${_cpu}/fft_kernels_avx512.cpp
  ${_cpu}/fft_kernels_baseline.cpp
  ${_cpu}/fft_plan.cpp
  ${_cpu}/gemm.cpp
  ${_cpu}/gemm_blas.cpp
  ${_cpu}/gemm_kernels_avx2.cpp
  ${_cpu}/gemm_kernels_avx512.cpp
  ${_cpu}/gemm_kernels_baseline.cpp
  ${_cpu}/gemm_onednn.cpp
  ${_cpu}/gemm_packed.cpp
  ${_cpu}/gemm_skinny.cpp
  ${_cpu}/lapack.cpp
  ${_cpu}/lapack_eigen.cpp
  ${_cpu}/parallel.cpp
  ${_cpu}/simd_level.cpp)

target_include_directories(rustorch_dense_kernels PUBLIC ${PROJECT_SOURCE_DIR}/csrc)
target_compile_features(rustorch_dense_kernels PUBLIC cxx_std_20)
target_link_libraries(rustorch_dense_kernels PUBLIC rustorch_dense)
set_target_properties(rustorch_dense_kernels PROPERTIES POSITION_INDEPENDENT_CODE ON
                                                        CXX_VISIBILITY_PRESET hidden)
if(NOT APPLE)
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  target_link_libraries(rustorch_dense_kernels PUBLIC OpenMP::OpenMP_CXX)
endif()

# The same kernels for three instruction sets; which one runs is decided at run time. They call no
# inline function of other headers, since the linker may keep any one copy of those.
set(_kernels -O3 -ffp-contract=fast)
foreach(_family depthwise fft gemm)
  set(_stem ${_cpu}/${_family}_kernels)
  set_source_files_properties(${_stem}_baseline.cpp PROPERTIES COMPILE_OPTIONS "${_kernels}")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(_avx2 -mavx2 -mfma -mf16c)
    set(_avx512 -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl)
    set_source_files_properties(${_stem}_avx2.cpp PROPERTIES COMPILE_OPTIONS "${_kernels};${_avx2}")
    set_source_files_properties(${_stem}_avx512.cpp PROPERTIES
      COMPILE_OPTIONS "${_kernels};${_avx2};${_avx512}")
  endif()
endforeach()
