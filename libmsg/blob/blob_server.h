// The broker's side of the bulk endpoint: serves and receives blobs on a ROUTER socket in its own
// thread. Bounded: at most a window of chunks per transfer, a number of transfers per peer and in
// all.
#pragma once

#include <memory>
#include <string>

#include "libmsg/blob/blob_store.h"
#include "libmsg/transport/transport.h"

namespace framebus {

class BlobServer {
 public:
  virtual ~BlobServer() = default;                  // stops the thread
  virtual const std::string& endpoint() const = 0;  // as bound, with the real port
};

// `store` must outlive the server. `quota`: connections beyond it are ended at once; none: no
// bound.
Result<std::unique_ptr<BlobServer>> start_blob_server(
    std::shared_ptr<Context> context, BlobStore& store, const std::string& bind_url,
    std::shared_ptr<ConnectionQuota> quota = nullptr);

}  // namespace framebus
