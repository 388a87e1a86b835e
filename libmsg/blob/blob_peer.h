// One connection to the bulk endpoint: the blobs it reads and the blobs it puts.
//
// Everything that touches the disk runs on a DiskPool and comes back as a closure through
// `BlobServices::complete`, run on the socket's thread if the peer is still there; so a peer that
// went away simply never hears. A peer's fault ends one transfer with an Error and nothing else.
// Thread rule: the socket's thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "libmsg/blob/blob_store.h"
#include "libmsg/blob/chunk_plan.h"
#include "libmsg/blob/disk_pool.h"
#include "libmsg/transport/transport.h"

namespace framebus {

class BlobPeer;

// What all peers of one server share.
struct BlobServices {
  BlobStore& store;
  DiskPool& pool;
  // Any thread. Runs the closure later on the socket's thread, with the peer, unless that is gone.
  std::function<void(PeerId, std::function<void(BlobPeer&)>)> complete;
  std::uint32_t upload_count = 0;  // of all peers
  // Socket's thread: when an offer was last refused for room that others hold.
  std::optional<TimePoint> room_wanted_at = std::nullopt;
};

class BlobPeer {
 public:
  BlobPeer(PeerId id, bool checksum, BlobServices& services);
  ~BlobPeer();  // drops its transfers
  BlobPeer(const BlobPeer&) = delete;
  BlobPeer& operator=(const BlobPeer&) = delete;

  void on_put(const BlobPut& put, TimePoint now);
  void on_want(const BlobWant& want);
  // `attachments`: the frames that came with the message; a chunk has exactly one.
  void on_chunk(const BlobChunk& chunk, std::vector<Bytes> attachments, TimePoint now);
  // An Error of the peer: it gives its transfer of that request id up. Never answered.
  void on_given_up(std::uint64_t request) { drop_upload(request); }
  void send_error(std::uint64_t request, const Error& error);
  void send(const Message& message);

  // Ends uploads whose sender has been silent for too long.
  void expire(TimePoint now);
  // Hands queued messages to the socket; false when the peer is gone or can not keep up.
  bool flush(RouterSocket& router);
  bool has_unsent() const { return !outbox_.empty(); }
  bool has_uploads() const { return !uploads_.empty(); }
  bool uses_checksum() const { return checksum_; }

 private:
  struct Upload {
    Upload(const BlobPut& offer, std::uint64_t serial_number, DiskPool::StrandPtr job_strand);
    BlobPut put;
    std::uint64_t serial;  // tells it from a later upload with the same request id
    ChunkPlan plan;
    DiskPool::StrandPtr strand;  // its disk jobs, in order
    // Shared with the jobs on the strand, which alone look inside.
    std::shared_ptr<std::unique_ptr<BlobWriter>> writer;
    TimePoint heard;
    bool has_begun = false;  // a chunk of it has come
  };

  void offer_checked(std::uint64_t request, std::uint64_t serial, bool have);
  void offer_refused(std::uint64_t request, std::uint64_t serial, const Error& error,
                     TimePoint now);
  void chunk_written(std::uint64_t request, std::uint64_t serial, std::uint64_t length);
  void upload_failed(std::uint64_t request, std::uint64_t serial, const Error& error);
  void upload_stored(std::uint64_t request, std::uint64_t serial);
  void ask_or_commit(Upload& upload);
  void drop_upload(std::uint64_t request);
  Upload* find_upload(std::uint64_t request, std::uint64_t serial);
  bool is_in_the_way(const Upload& upload, TimePoint now) const;
  Status admit(const BlobPut& put) const;
  void start_reads();
  std::function<void()> read_job(BlobWant want) const;

  PeerId id_;
  bool checksum_;
  BlobServices& services_;
  std::uint64_t next_serial_ = 1;
  std::optional<TimePoint> chunk_heard_;  // the last one, of whichever upload, also a late one
  std::map<std::uint64_t, Upload> uploads_;  // by request id
  DiskPool::StrandPtr reads_;                // all reads of the peer, in order
  std::deque<BlobWant> wants_;               // not yet started
  std::uint32_t reads_in_flight_ = 0;
  std::deque<WireFrames> outbox_;
};

}  // namespace framebus
