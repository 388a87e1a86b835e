// See blob_peer.h.
#include "libmsg/blob/blob_peer.h"

#include <algorithm>

#include "libmsg/base/limits.h"
#include "libmsg/schema/wire_error.h"

namespace framebus {
namespace {

constexpr std::size_t uploads_per_peer_max = 64;
constexpr std::uint32_t uploads_max = 1024;
constexpr std::uint32_t chunks_under_way_max = 512;  // over all uploads: 256 MiB in memory at most
constexpr std::size_t wants_queued_max = 4096;       // of one peer
constexpr std::uint32_t chunks_unsent_max = 8;  // read and not yet taken by the socket, of one peer
constexpr std::size_t outbox_messages_max = 4096 + 64;
constexpr Duration upload_silence_max = std::chrono::minutes(2);
// While others are refused for room: of a peer that sends nothing at all of what it has offered.
// Otherwise silence costs nobody anything, and a chunk on a slow line that many share takes longer.
constexpr Duration first_chunk_within = seconds(15);
constexpr Duration room_wanted_for = seconds(10);  // who was refused asks again within a second
constexpr std::int64_t retry_after_ms = 500;

}  // namespace

BlobPeer::Upload::Upload(const BlobPut& offer, std::uint64_t serial_number,
                         DiskPool::StrandPtr job_strand)
    : put(offer),
      serial(serial_number),
      plan(offer.size),
      strand(std::move(job_strand)),
      writer(std::make_shared<std::unique_ptr<BlobWriter>>()) {}

BlobPeer::BlobPeer(PeerId id, bool checksum, BlobServices& services)
    : id_(id), checksum_(checksum), services_(services), reads_(services.pool.make_strand()) {}

BlobPeer::~BlobPeer() {
  services_.pool.abandon(reads_);
  while (!uploads_.empty()) drop_upload(uploads_.begin()->first);
}

void BlobPeer::send(const Message& message) {
  outbox_.push_back(encode(message, checksum_));
}

void BlobPeer::send_error(std::uint64_t request, const Error& error) {
  send(error_reply(request, error));
}

bool BlobPeer::flush(RouterSocket& router) {
  while (!outbox_.empty()) {
    const Status sent = router.send(id_, outbox_.front());
    if (!sent && sent.error().code == Code::unavailable) return false;
    if (!sent) return outbox_.size() <= outbox_messages_max;
    outbox_.pop_front();
  }
  start_reads();
  return true;
}

// ---- reading ----------------------------------------------------------------------------------

void BlobPeer::on_want(const BlobWant& want) {
  if (want.length > limits::blob_chunk_bytes) {
    return send_error(want.request,
                      {Code::invalid_argument,
                       "BlobWant asks for " + std::to_string(want.length) + " bytes; at most " +
                           std::to_string(limits::blob_chunk_bytes) + " in one message",
                       0});
  }
  if (wants_.size() >= wants_queued_max) {
    return send_error(want.request,
                      {Code::resource_exhausted,
                       std::to_string(wants_queued_max) + " BlobWants of this peer wait already",
                       retry_after_ms});
  }
  wants_.push_back(want);
  start_reads();
}

void BlobPeer::start_reads() {
  while (!wants_.empty() && reads_in_flight_ + outbox_.size() < chunks_unsent_max) {
    services_.pool.post(reads_, read_job(wants_.front()));
    wants_.pop_front();
    ++reads_in_flight_;
  }
}

std::function<void()> BlobPeer::read_job(BlobWant want) const {
  return [&services = services_, id = id_, checksum = checksum_, want] {
    const auto size = services.store.size_of(want.hash);
    auto bytes =
        size ? services.store.read(want.hash, want.offset, want.length) : fail(size.error());
    if (!bytes) {
      services.complete(id, [request = want.request, error = bytes.error()](BlobPeer& peer) {
        --peer.reads_in_flight_;
        peer.send_error(request, error);
        peer.start_reads();
      });
      return;
    }
    const BlobChunk chunk{want.request, want.hash, want.offset, *size, xxh3(*bytes)};
    std::vector<Bytes> attachments;
    attachments.push_back(std::move(*bytes));
    auto frames = std::make_shared<WireFrames>(encode(chunk, checksum, std::move(attachments)));
    services.complete(id, [frames](BlobPeer& peer) {
      --peer.reads_in_flight_;
      peer.outbox_.push_back(std::move(*frames));
      peer.start_reads();
    });
  };
}

// ---- writing ----------------------------------------------------------------------------------

Status BlobPeer::admit(const BlobPut& put) const {
  if (put.request == 0)
    return fail(Code::invalid_argument, "BlobPut needs a request id other than 0");
  if (uploads_.contains(put.request)) {
    return fail(Code::already_exists,
                "a transfer with the request id " + std::to_string(put.request) + " is under way");
  }
  if (put.hash.is_none()) return fail(Code::invalid_argument, "BlobPut names no hash");
  if (put.size > limits::blob_bytes_max) {
    return fail(Code::invalid_argument, "a blob has at most " +
                                            std::to_string(limits::blob_bytes_max) +
                                            " bytes, not " + std::to_string(put.size));
  }
  if (uploads_.size() >= uploads_per_peer_max || services_.upload_count >= uploads_max) {
    return fail(Code::resource_exhausted,
                "at most " + std::to_string(uploads_per_peer_max) +
                    " transfers to the broker at once for a peer, " + std::to_string(uploads_max) +
                    " in all; now " + std::to_string(uploads_.size()) + " and " +
                    std::to_string(services_.upload_count),
                retry_after_ms);
  }
  return {};
}

void BlobPeer::on_put(const BlobPut& put, TimePoint now) {
  if (const Status admitted = admit(put); !admitted) {
    if (services_.upload_count >= uploads_max) services_.room_wanted_at = now;
    return send_error(put.request, admitted.error());
  }
  const std::uint64_t serial = next_serial_++;
  auto [place, inserted] =
      uploads_.try_emplace(put.request, put, serial, services_.pool.make_strand());
  Upload& upload = place->second;
  upload.heard = now;
  ++services_.upload_count;
  services_.pool.post(
      upload.strand, [&services = services_, id = id_, put, serial, now, writer = upload.writer] {
        Status state;
        const auto size = services.store.pin(put.hash);
        if (size && *size != put.size) {
          state = fail(Code::data_loss, "blob " + to_string(put.hash) + " has " +
                                            std::to_string(*size) + " bytes, not " +
                                            std::to_string(put.size));
        } else if (!size) {
          auto begun = services.store.begin(put.hash, put.size);
          if (begun)
            *writer = std::move(*begun);
          else
            state = fail(begun.error());
        }
        services.complete(id, [put, serial, state, now, have = size.has_value()](BlobPeer& peer) {
          if (!state) return peer.offer_refused(put.request, serial, state.error(), now);
          peer.offer_checked(put.request, serial, have);
        });
      });
}

void BlobPeer::offer_checked(std::uint64_t request, std::uint64_t serial, bool have) {
  Upload* upload = find_upload(request, serial);
  if (!upload) return;
  if (have) return upload_stored(request, serial);
  ask_or_commit(*upload);
}

void BlobPeer::offer_refused(std::uint64_t request, std::uint64_t serial, const Error& error,
                             TimePoint now) {
  // Put off: what is in the way is room that was promised and is not used yet.
  if (error.code == Code::resource_exhausted && error.retry_after_ms > 0)
    services_.room_wanted_at = now;
  upload_failed(request, serial, error);
}

void BlobPeer::on_chunk(const BlobChunk& chunk, std::vector<Bytes> attachments, TimePoint now) {
  chunk_heard_ = now;  // also one that nobody wants any more: the line is busy with what was asked
  const auto found = uploads_.find(chunk.request);
  if (found == uploads_.end()) {
    return send_error(chunk.request,
                      {Code::failed_precondition,
                       "a BlobChunk for request " + std::to_string(chunk.request) +
                           ", which is no transfer under way; offer it with BlobPut first",
                       0});
  }
  Upload& upload = found->second;
  upload.heard = now;
  upload.has_begun = true;
  const std::uint64_t serial = upload.serial;
  if (attachments.size() != 1 || chunk.hash != upload.put.hash || chunk.size != upload.put.size) {
    return upload_failed(
        chunk.request, serial,
        {Code::invalid_argument,
         "a BlobChunk carries one attachment and the hash and size of its BlobPut", 0});
  }
  if (const Status asked = upload.plan.arrived(chunk.offset, attachments[0].size()); !asked) {
    return upload_failed(chunk.request, serial, asked.error());
  }
  // Shared because std::function must be copyable; the one job that runs is its only reader.
  auto bytes = std::make_shared<Bytes>(std::move(attachments[0]));
  services_.pool.post(upload.strand, [&services = services_, id = id_, chunk, serial, bytes,
                                      writer = upload.writer] {
    Status state;
    if (xxh3(*bytes) != chunk.chunk_xxh3) {
      state = fail(Code::data_loss, "the chunk at offset " + std::to_string(chunk.offset) +
                                        " of blob " + to_string(chunk.hash) +
                                        " was damaged on its way");
    } else {
      state = (*writer)->write(chunk.offset, *bytes);
    }
    services.complete(id, [chunk, serial, state, length = bytes->size()](BlobPeer& peer) {
      if (!state) return peer.upload_failed(chunk.request, serial, state.error());
      peer.chunk_written(chunk.request, serial, length);
    });
  });
}

void BlobPeer::chunk_written(std::uint64_t request, std::uint64_t serial, std::uint64_t length) {
  Upload* upload = find_upload(request, serial);
  if (!upload) return;
  upload->plan.written(length);
  ask_or_commit(*upload);
}

void BlobPeer::ask_or_commit(Upload& upload) {
  const BlobPut& put = upload.put;
  if (upload.plan.is_complete()) {
    services_.pool.post(upload.strand, [&services = services_, id = id_, put,
                                        serial = upload.serial, writer = upload.writer] {
      const Status state = (*writer)->commit();
      services.complete(id, [put, serial, state](BlobPeer& peer) {
        if (!state) return peer.upload_failed(put.request, serial, state.error());
        peer.upload_stored(put.request, serial);
      });
    });
    return;
  }
  const std::uint32_t share = chunks_under_way_max / std::max(1u, services_.upload_count);
  const std::uint32_t window = std::clamp(share, 1u, limits::blob_window_chunks);
  if (!upload.plan.is_waiting()) upload.heard = now_monotonic();  // its turn begins now
  while (const auto range = upload.plan.ask(window)) {
    send(BlobWant{put.request, put.hash, range->offset, range->length});
  }
}

void BlobPeer::upload_stored(std::uint64_t request, std::uint64_t serial) {
  const Upload* upload = find_upload(request, serial);
  if (!upload) return;
  send(BlobHave{request, upload->put.hash});
  drop_upload(request);
}

void BlobPeer::upload_failed(std::uint64_t request, std::uint64_t serial, const Error& error) {
  if (!find_upload(request, serial)) return;
  send_error(request, error);
  drop_upload(request);
}

void BlobPeer::drop_upload(std::uint64_t request) {
  const auto found = uploads_.find(request);
  if (found == uploads_.end()) return;
  Upload& upload = found->second;
  services_.pool.abandon(upload.strand);
  // Removing a large unfinished file takes time: on the pool, after the job that may still use it.
  services_.pool.post(upload.strand, [writer = upload.writer] { writer->reset(); });
  uploads_.erase(found);
  --services_.upload_count;
}

BlobPeer::Upload* BlobPeer::find_upload(std::uint64_t request, std::uint64_t serial) {
  const auto found = uploads_.find(request);
  return found != uploads_.end() && found->second.serial == serial ? &found->second : nullptr;
}

// A line that has carried a chunk lately is slow, not silent: what was asked of it before is ahead
// of the first chunk of an offer, and would be again if that were ended and made anew.
bool BlobPeer::is_in_the_way(const Upload& upload, TimePoint now) const {
  const auto within = [now](const std::optional<TimePoint>& then, Duration length) {
    return then && now - *then < length;
  };
  return within(services_.room_wanted_at, room_wanted_for) && !upload.has_begun &&
         now - upload.heard >= first_chunk_within && !within(chunk_heard_, upload_silence_max);
}

void BlobPeer::expire(TimePoint now) {
  for (auto next = uploads_.begin(); next != uploads_.end();) {
    const auto& [request, upload] = *next++;
    // A disk that writes or syncs for long is no fault of the sender.
    if (!upload.plan.is_waiting()) continue;
    if (now - upload.heard >= upload_silence_max) {
      upload_failed(request, upload.serial,
                    {Code::deadline_exceeded, "no chunk came for two minutes", 0});
    } else if (is_in_the_way(upload, now)) {
      upload_failed(request, upload.serial,
                    {Code::unavailable,
                     "no chunk came for 15 seconds, and others need the room; offer it again",
                     retry_after_ms});
    }
  }
}

}  // namespace framebus
