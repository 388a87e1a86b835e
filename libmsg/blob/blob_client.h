// Moves blobs between this process and a broker's bulk endpoint, both ways, in chunks with a
// window.
//
// One connection, made when first needed and again after it was lost; transfers that were cut start
// over (resuming comes with the bulk work of a later version). Thread rule: calls block the calling
// thread and may come from several threads; one internal thread owns the socket.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "libmsg/blob/blob_store.h"
#include "libmsg/transport/transport.h"

namespace framebus {

class BlobClient {
 public:
  virtual ~BlobClient() = default;  // pending calls end with Code::shutdown
  // Fetches a blob into `store` unless it is there; returns its path. `cancelled` may be null.
  virtual Result<std::filesystem::path> fetch(const BlobRef& blob, BlobStore& store,
                                              const std::atomic<bool>* cancelled) = 0;
  // The bytes of a blob in memory, verified. resource_exhausted when it is larger than `bytes_max`.
  virtual Result<Bytes> fetch_bytes(const BlobRef& blob, std::uint64_t bytes_max,
                                    const std::atomic<bool>* cancelled) = 0;
  // Returns once the broker has the blob verified and synced.
  virtual Result<BlobRef> put_bytes(BytesView bytes, const std::atomic<bool>* cancelled) = 0;
  virtual Result<BlobRef> put_file(const std::filesystem::path& path,
                                   const std::atomic<bool>* cancelled) = 0;
  // Moving average over recent transfers, bytes/s; 0 before the first.
  virtual std::uint64_t bandwidth_bytes_per_s() const = 0;
  // Where to connect from now on (a worker learns it from each Welcome). Cheap when unchanged.
  virtual void set_endpoint(const std::string& url) = 0;
};

// `connect_timeout`: a call fails with `unavailable` when the broker has not answered for so long.
std::unique_ptr<BlobClient> make_blob_client(std::shared_ptr<Context> context,
                                             std::string bulk_endpoint,
                                             Duration connect_timeout = std::chrono::seconds(10));

}  // namespace framebus
