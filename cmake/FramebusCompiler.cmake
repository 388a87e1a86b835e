# Compiler settings shared by every target, and the one way a target is declared.
#
# Floating-point contraction is off everywhere: the renderer's pictures are equal bit for bit on
# every machine only if no compiler fuses a multiply and an add on its own
# (docs/decisions/0002-bit-identical-arithmetic.md).

# -O2: less compilation than -O3, which only the tracer's loops repay (they ask for it).
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")

add_library(framebus_options INTERFACE)
target_compile_options(framebus_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -ffp-contract=off -fno-fast-math)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # gcc 12 sees overlaps in `"text" + std::string` that are not there (GCC bug 105329).
  target_compile_options(framebus_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
target_include_directories(framebus_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(framebus_options INTERFACE FRAMEBUS_VERSION="${PROJECT_VERSION}")
if(FRAMEBUS_WERROR)
  target_compile_options(framebus_options INTERFACE -Werror)
endif()
if(FRAMEBUS_SANITIZE)
  # -g1: reports name functions and lines, and the build takes half the time that it takes with -g.
  target_compile_options(framebus_options INTERFACE -fsanitize=${FRAMEBUS_SANITIZE} -fno-omit-frame-pointer -g1)
  target_link_options(framebus_options INTERFACE -fsanitize=${FRAMEBUS_SANITIZE})
  if(FRAMEBUS_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Beside libasan, gcc's shared libubsan ignores log_path: what a killed process reports would be lost.
    target_link_options(framebus_options INTERFACE -static-libubsan)
  endif()
endif()

# One precompiled header for all: see framebus_pch.h. A target whose flags differ (an instruction set of
# its own) simply does not use it.
option(FRAMEBUS_PCH "precompile the headers that nearly every file reads" OFF)
if(FRAMEBUS_PCH)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # Behind a precompiled header gcc 12 reports <string>'s own moves; a build without it keeps the warning.
    target_compile_options(framebus_options INTERFACE
      "$<$<COMPILE_LANGUAGE:CXX>:-Wno-array-bounds;-Wno-stringop-overflow>")
  endif()
  file(WRITE ${CMAKE_BINARY_DIR}/framebus_pch.cpp "")
  add_library(framebus_pch OBJECT ${CMAKE_BINARY_DIR}/framebus_pch.cpp)
  target_link_libraries(framebus_pch PRIVATE framebus_options)
  target_precompile_headers(framebus_pch PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${PROJECT_SOURCE_DIR}/cmake/framebus_pch.h>)
endif()
function(framebus_precompiled name)
  if(FRAMEBUS_PCH)
    target_precompile_headers(${name} REUSE_FROM framebus_pch)
  endif()
endfunction()

# framebus_library(NAME SOURCES... [LINK public_libs...])
# A static library with the project's options. Header-only targets give no sources.
function(framebus_library name)
  cmake_parse_arguments(ARG "" "" "LINK;PRIVATE" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PUBLIC framebus_options ${ARG_LINK} PRIVATE ${ARG_PRIVATE})
    framebus_precompiled(${name})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE framebus_options ${ARG_LINK})
  endif()
endfunction()

# framebus_program(NAME SOURCES... [LINK libs...])
function(framebus_program name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE framebus_options ${ARG_LINK})
  framebus_precompiled(${name})
endfunction()

# framebus_test(NAME SOURCES... [LINK libs...] [LABELS labels...] [TIMEOUT seconds])
# A doctest program whose cases are discovered by ctest one by one. tests/doctest_main.cpp has main().
function(framebus_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LINK;LABELS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE framebus_options doctest_main ${ARG_LINK})
  framebus_precompiled(${name})
  target_compile_definitions(${name} PRIVATE
    FRAMEBUS_SOURCE_DIR="${PROJECT_SOURCE_DIR}" FRAMEBUS_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(FRAMEBUS_SANITIZE)
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 10")
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)  # an empty list would swallow the name of the next property
  endif()
  # POST_BUILD discovery costs one start of the program at build time and keeps each case a ctest entry.
  doctest_discover_tests(${name} TEST_PREFIX "${name}: " PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    FAIL_REGULAR_EXPRESSION "test cases: +0 "  # a name that the program does not find would pass
    # A case that can not run here says MESSAGE("skipped: why") and returns: it is not counted as passed.
    SKIP_REGULAR_EXPRESSION "MESSAGE: skipped: ")
endfunction()
