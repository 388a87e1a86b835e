// A blob client for tests without a broker: its far end is a store in a directory.
#pragma once

#include "libmsg/blob/blob_client.h"

namespace framebus::worker {

class StoreClient final : public BlobClient {
 public:
  explicit StoreClient(BlobStore& far) : far_(far) {}
  Result<std::filesystem::path> fetch(const BlobRef& blob, BlobStore& store,
                                      const std::atomic<bool>*) override {
    FRAMEBUS_ASSIGN(const Bytes bytes, far_.read(blob.hash, 0, blob.size));
    FRAMEBUS_ASSIGN(const BlobRef stored, store.put_bytes(bytes));
    return store.path_of(stored.hash);
  }
  Result<Bytes> fetch_bytes(const BlobRef& blob, std::uint64_t, const std::atomic<bool>*) override {
    return far_.read(blob.hash, 0, blob.size);
  }
  Result<BlobRef> put_bytes(BytesView bytes, const std::atomic<bool>*) override {
    return far_.put_bytes(bytes);
  }
  Result<BlobRef> put_file(const std::filesystem::path& path, const std::atomic<bool>*) override {
    return far_.put_file(path);
  }
  std::uint64_t bandwidth_bytes_per_s() const override { return 0; }
  void set_endpoint(const std::string&) override {}

 private:
  BlobStore& far_;
};

}  // namespace framebus::worker
