// FB_HD marks code that is compiled for host and device from one source.
#pragma once

#if defined(__CUDACC__)
#define FB_HD __host__ __device__
#else
#define FB_HD
#endif
