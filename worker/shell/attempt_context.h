// What one attempt may ask of the worker: cancel flag, progress, log, blobs, what was prepared.
//
// Executors on threads of this process use it directly; for one in a process of its own the slot's
// thread uses it on its behalf. Blob transfers and the disk are used on the calling thread, so they
// never hold up the worker's loop. While the broker can not be reached they wait for it, so that
// work which is done is not done again because of a restart; a cancel, or a drain's end, ends the
// wait. Thread rule: that of TaskContext, any thread until run() returns.
#pragma once

#include <atomic>
#include <filesystem>
#include <limits>
#include <mutex>
#include <string>

#include "libmsg/blob/blob_client.h"
#include "worker/executors/executor.h"
#include "worker/shell/inbox.h"
#include "worker/shell/pacer.h"
#include "worker/shell/prepared_store.h"

namespace framebus::worker {

// What the attempts of one worker share. `blobs` is null until the worker has joined a broker.
struct AttemptServices {
  Inbox* inbox = nullptr;
  BlobStore* cache = nullptr;
  BlobClient* blobs = nullptr;
  PreparedStore* prepared = nullptr;
  std::filesystem::path executor_caches;
  std::filesystem::path spool;  // where executors' processes write blobs; empty at start
  std::uint64_t spool_bytes_max = std::numeric_limits<std::uint64_t>::max();  // of each of them
  unsigned threads = 1;
  // Nobody waits for the broker beyond this (monotonic, ns since its epoch); set by a drain.
  std::atomic<std::int64_t> patience_ends_ns{std::numeric_limits<std::int64_t>::max()};
};

class AttemptContext final : public TaskContext {
 public:
  AttemptContext(const AttemptServices& services, const AttemptId& attempt, const std::string& type,
                 const std::atomic<bool>& cancelled);

  bool cancelled() const override { return cancelled_.load(std::memory_order_relaxed); }
  void progress(std::uint32_t permille, std::string_view status) override;
  void log(std::string_view line) override;
  Result<std::filesystem::path> input(const BlobRef& blob) override;
  Result<BlobRef> put(BytesView bytes, std::string_view name) override;
  unsigned threads() const override { return services_.threads; }
  const std::filesystem::path& cache_directory() const override { return cache_directory_; }
  std::optional<Bytes> prepared(std::string_view name) const override;

  Result<BlobRef> put_file(const std::filesystem::path& path, std::string_view name);
  // What the executor's process has printed, in any pieces.
  void log_output(BytesView bytes);
  // The end of the log, at most 16 KiB, whole lines.
  std::string log_tail() const;
  // How many blobs had to be asked for.
  unsigned inputs_asked() const { return inputs_asked_.load(); }

 private:
  // Repeats `transfer` while it fails because the broker is away; its last outcome.
  template <class Transfer>
  auto through_absence(const Transfer& transfer) const;
  template <class Transfer>
  Result<BlobRef> put_by(std::string_view name, const Transfer& transfer);
  // False when there is no point in waiting any longer.
  bool pause(Duration length) const;

  const AttemptServices& services_;
  AttemptId attempt_;
  const std::atomic<bool>& cancelled_;
  std::filesystem::path cache_directory_;
  Pacer progress_pacer_;
  std::atomic<unsigned> inputs_asked_{0};
  mutable std::mutex mutex_;  // guards the log's tail
  std::string tail_;
};

}  // namespace framebus::worker
