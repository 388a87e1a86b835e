// The x86 floating-point mode of the kernels: round to nearest, no flush-to-zero, exceptions
// masked.
#pragma once

#include <immintrin.h>

#include "worker/executors/render/core/fb_hd.h"

FB_CORE_BEGIN

// Sets the mode for this thread while it lives, and restores what was there.
class X86FloatMode {
 public:
  X86FloatMode() : saved_(_mm_getcsr()) { _mm_setcsr(0x1F80u); }
  ~X86FloatMode() { _mm_setcsr(saved_); }
  X86FloatMode(const X86FloatMode&) = delete;
  X86FloatMode& operator=(const X86FloatMode&) = delete;

 private:
  unsigned saved_;
};

FB_CORE_END
