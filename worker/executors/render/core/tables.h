// The tables that the core reads, made once on the host by exact arithmetic, so they are the same
// bits everywhere.
#pragma once

#include "worker/executors/render/core/path_state.h"
#include "worker/executors/render/core/filter.h"

namespace framebus::render {

// Radius of each reconstruction filter in pixels: box 0.5, triangle 1, gaussian 1.5 (sigma 0.5,
// shifted to reach zero there), blackman_harris 1.5. Filters are separable.
double filter_radius(Filter filter);
// The filter at x pixels from the centre, in one dimension; not normalised, never negative.
double filter_value(Filter filter, double x);

// Cost: about a millisecond.
Tables make_tables(Filter filter);

}  // namespace framebus::render
