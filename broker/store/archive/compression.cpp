// See compression.h.
#include "broker/store/archive/compression.h"

#include <zstd.h>

#include <memory>

#include "libmsg/base/check.h"

namespace framebus::broker {
namespace {

constexpr int level = 3;  // 1,024 tasks take a millisecond; higher levels save a few per cent

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

}  // namespace

Bytes compress(BytesView bytes) {
  const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  FRAMEBUS_CHECK(context != nullptr, "out of memory");
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  Bytes frame(ZSTD_compressBound(bytes.size()));
  const std::size_t size =
      ZSTD_compress2(context.get(), frame.data(), frame.size(), bytes.data(), bytes.size());
  FRAMEBUS_CHECK(!ZSTD_isError(size), ZSTD_getErrorName(size));
  frame.resize(size);
  return frame;
}

Result<Bytes> decompress(BytesView frame, std::size_t bytes_max) {
  const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > bytes_max) {
    return fail(Code::data_loss, "archive: " + std::to_string(frame.size()) +
                                     " compressed bytes are damaged (they name no size up to " +
                                     std::to_string(bytes_max) + ")");
  }
  Bytes bytes(size);
  const std::size_t got = ZSTD_decompress(bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(got) || got != bytes.size()) {
    return fail(Code::data_loss,
                "archive: compressed bytes are damaged: " +
                    std::string(ZSTD_isError(got) ? ZSTD_getErrorName(got) : "cut short"));
  }
  return bytes;
}

}  // namespace framebus::broker
