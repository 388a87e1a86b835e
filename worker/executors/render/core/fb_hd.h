// Marks of code that is compiled for host and device, and once for each instruction set, from one
// source.
//
// FB_HD: a function of both sides. FB_CORE_BEGIN/END put the core's functions into a namespace of
// the instruction set they are compiled for (FB_ISA, set by the build): without it the linker could
// keep the AVX2 copy of an inline function for a program that runs on a machine without AVX2. Plain
// data types stand outside, so all copies share them.
#pragma once

#if defined(__CUDACC__)
#define FB_HD __host__ __device__
#else
#define FB_HD
#endif

#ifndef FB_ISA
#define FB_ISA isa_default
#endif

#define FB_CORE_BEGIN          \
  namespace framebus::render { \
  inline namespace FB_ISA {
#define FB_CORE_END \
  }                 \
  }

// A core function: inline, for host and device.
#define FB_FN FB_HD inline
