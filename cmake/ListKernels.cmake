# Writes "kernel file" for every kernel that the shaders export. A script:
#   cmake -DCOMPILER=c++ -DFOLDER=shaders -DOUTPUT=kernels.txt -P cmake/ListKernels.cmake
file(GLOB shaders ${FOLDER}/*.metal)
set(list "")
foreach(shader ${shaders})
  execute_process(
    COMMAND ${COMPILER} -E -P -x c++ -std=c++20 -DRT_LIST_KERNELS -I${FOLDER}/include ${shader}
    OUTPUT_VARIABLE text RESULT_VARIABLE status ERROR_VARIABLE trouble)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${shader}: ${trouble}")
  endif()
  get_filename_component(name ${shader} NAME)
  string(REGEX MATCHALL "RT_KERNEL_NAME [A-Za-z0-9_]+" kernels "${text}")
  foreach(kernel ${kernels})
    string(REPLACE "RT_KERNEL_NAME " "" kernel ${kernel})
    string(APPEND list "${kernel} ${name}\n")
  endforeach()
endforeach()
file(WRITE ${OUTPUT} "${list}")
