# nvcc when it is there; without it everything still builds and the programs run on the CPU.
#
# The renderer's core is one source for host and device, so with a toolkit the build compiles it for
# the device too. The environment's CUDACXX, PATH and /usr/local/cuda/bin are looked at.
set(FRAMEBUS_CUDA_ARCHITECTURES "75;80;86;89;90" CACHE STRING "compute capabilities compiled for")
option(FRAMEBUS_CUDA "use nvcc when it is found" ON)
set(FRAMEBUS_HAVE_CUDA OFF)
if(FRAMEBUS_CUDA)
  find_program(FRAMEBUS_NVCC nvcc HINTS ENV CUDA_HOME PATHS /usr/local/cuda/bin)
  if(FRAMEBUS_NVCC)
    set(CMAKE_CUDA_COMPILER ${FRAMEBUS_NVCC})
    if(NOT CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES ${FRAMEBUS_CUDA_ARCHITECTURES})
    endif()
    enable_language(CUDA)
    # CMake 3.25 does not know that nvcc speaks C++20 (it does since CUDA 12).
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION AND CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    set(CMAKE_CUDA_STANDARD 20)
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    set(FRAMEBUS_HAVE_CUDA ON)
  endif()
endif()
