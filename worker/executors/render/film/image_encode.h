// The two picture formats as functions from sums to file bytes. Inside the film library only.
#pragma once

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "worker/executors/render/film/accumulator.h"
#include "worker/executors/render/film/image_file.h"

namespace framebus::render {

// The bytes of an 8-bit RGB PNG of the one layer in options.layers.
Result<Bytes> encode_png(const Sums& sums, const ImageOptions& options);
// The bytes of an OpenEXR file with every layer of options.layers: R G B, albedo.R .., normal.X ..,
// depth.Z.
Result<Bytes> encode_exr(const Sums& sums, const ImageOptions& options);

}  // namespace framebus::render
