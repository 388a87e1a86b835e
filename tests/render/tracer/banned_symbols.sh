#!/usr/bin/env bash
# Fails when compiled renderer code holds what would make its bits differ between machines: calls of libm, approximate
# reciprocals or square roots, and in the device's PTX approximations, flush-to-zero, contraction or texture units.
#
# banned_symbols.sh CXX SOURCE_DIR NVCC|none ARCHIVE...
# It first plants a violation of its own and expects to find it.
set -euo pipefail
cxx=$1 source_dir=$2 nvcc=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fegetenv and fesetenv set the mode; they are no arithmetic.
functions='a?(sin|cos|tan)h?|sincos|atan2|exp|exp2|expm1|pow|log|log2|log10|log1p|cbrt|hypot|fma|fmod|remainder|floor|ceil|round|trunc|rint|nearbyint|sqrt|ldexp|frexp|lround|llround'
calls="R_[A-Z0-9_]+[[:space:]]+(_*($functions)[fl]?(_finite)?)([-+@][^[:space:]]*)?$"
instructions='[[:space:]]v?(rcp|rsqrt)(ss|ps|14|28)[a-z0-9]*[[:space:]]'

scan() {  # prints offending lines of an object or archive
  objdump -dr --no-show-raw-insn "$1" | grep -E "$calls|$instructions" || true
}

cat >"$work/planted.cpp" <<'PLANTED'
#include <cmath>
#include <immintrin.h>
float planted(float x) { return std::sin(x); }
__m128 planted_too(__m128 x) { return _mm_rcp_ps(x); }
PLANTED
if [ "$(uname -m)" = x86_64 ]; then
  "$cxx" -O2 -c "$work/planted.cpp" -o "$work/planted.o"
  [ "$(scan "$work/planted.o" | wc -l)" = 2 ] || { echo "the planted violations were not found" >&2; exit 1; }
fi

status=0
for archive in "$@"; do
  found=$(scan "$archive")
  if [ -n "$found" ]; then
    printf '%s holds:\n%s\n' "$archive" "$(head -n 20 <<<"$found")" >&2
    status=1
  fi
done

if [ "$nvcc" != none ]; then
  "$nvcc" -std=c++20 -arch=sm_80 -fmad=false -prec-div=true -prec-sqrt=true -ftz=false --expt-relaxed-constexpr \
    -I"$source_dir" -ptx -o "$work/wavefront.ptx" "$source_dir/worker/executors/render/cuda/wavefront.cu"
  # An explicit fma.rn of fb_fma would be allowed; the core has no use of it at present.
  found=$(grep -nE '\.approx|\.ftz|[[:space:]](mad|fma)\.[a-z.]*f(32|64)|[[:space:]]tex\.|call.*(__nv_|sinf|cosf|powf|expf|logf)' "$work/wavefront.ptx" || true)
  if [ -n "$found" ]; then
    printf 'the PTX holds:\n%s\n' "$(head -n 20 <<<"$found")" >&2
    status=1
  fi
fi
exit $status
