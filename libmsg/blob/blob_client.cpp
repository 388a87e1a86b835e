// The transfers of blob_client.h: plain blocking code over one BlobLink.
#include "libmsg/blob/blob_client.h"

#include <fcntl.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>

#include "libmsg/base/limits.h"
#include "libmsg/blob/blob_hash.h"
#include "libmsg/blob/blob_link.h"
#include "libmsg/blob/chunk_plan.h"
#include "libmsg/blob/posix_file.h"
#include "libmsg/schema/wire_error.h"

namespace framebus {
namespace {

constexpr int restarts_max = 8;
constexpr Duration commit_extra_per_gib = seconds(50);  // a slow disk syncs 20 MB/s
constexpr std::uint64_t measured_bytes_min =
    256 * limits::KiB;  // smaller transfers measure latency

using Channel = BlobLink::Channel;
using Cancelled = const std::atomic<bool>*;
// Takes the bytes at an offset (a fetch), or gives them (a put).
using Sink = std::function<Status(std::uint64_t offset, BytesView bytes)>;
using Source = std::function<Result<Bytes>(std::uint64_t offset, std::uint64_t length)>;

class Client final : public BlobClient {
 public:
  Client(std::shared_ptr<Context> context, std::string endpoint, Duration connect_timeout)
      : link_(std::move(context), std::move(endpoint)), connect_timeout_(connect_timeout) {}
  ~Client() override;

  Result<std::filesystem::path> fetch(const BlobRef& blob, BlobStore& store,
                                      Cancelled cancelled) override;
  Result<Bytes> fetch_bytes(const BlobRef& blob, std::uint64_t bytes_max,
                            Cancelled cancelled) override;
  Result<BlobRef> put_bytes(BytesView bytes, Cancelled cancelled) override;
  Result<BlobRef> put_file(const std::filesystem::path& path, Cancelled cancelled) override;
  std::uint64_t bandwidth_bytes_per_s() const override { return bandwidth_.load(); }
  void set_endpoint(const std::string& url) override { link_.set_endpoint(url); }

 private:
  // Runs `attempt` on a channel; starts over when the connection was lost meanwhile.
  Status with_restarts(Cancelled cancelled, const std::function<Status(Channel&)>& attempt);
  Status pull(Channel& channel, const BlobRef& blob, const Sink& sink, Cancelled cancelled);
  Status push(Channel& channel, const BlobRef& blob, const Source& source, Cancelled cancelled);
  Status push_chunks(Channel& channel, const BlobRef& blob, const Source& source,
                     Cancelled cancelled);
  Status fetch_into(const BlobRef& blob, BlobStore& store, Cancelled cancelled);
  void measured(std::uint64_t bytes, Duration elapsed);
  TimePoint patience() const { return now_monotonic() + connect_timeout_; }

  // Counts the calls under way, so that the destructor can wait for their end.
  class Call {
   public:
    explicit Call(Client& client);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    Client& client_;
  };

  BlobLink link_;
  Duration connect_timeout_;
  std::atomic<std::uint64_t> bandwidth_{0};
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::uint32_t call_count_ = 0;
  std::set<BlobHash>
      fetching_;  // several slots want the same scene at once: one transfer serves them
};

Client::Call::Call(Client& client) : client_(client) {
  const std::lock_guard lock(client_.mutex_);
  ++client_.call_count_;
}

Client::Call::~Call() {
  // Under the lock to the end: the destructor that waits for it may free the client right after.
  const std::lock_guard lock(client_.mutex_);
  --client_.call_count_;
  client_.changed_.notify_all();
}

Client::~Client() {
  link_.shut_down();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return call_count_ == 0; });
}

void Client::measured(std::uint64_t bytes, Duration elapsed) {
  if (bytes < measured_bytes_min || elapsed <= Duration{0}) return;
  const double now = static_cast<double>(bytes) / std::chrono::duration<double>(elapsed).count();
  const auto before = static_cast<double>(bandwidth_.load());
  // Two threads that finish at once may lose one sample: it is an average.
  bandwidth_ = static_cast<std::uint64_t>(before == 0 ? now : before + 0.25 * (now - before));
}

Status Client::with_restarts(Cancelled cancelled, const std::function<Status(Channel&)>& attempt) {
  for (int restart = 0;; ++restart) {
    FRAMEBUS_ASSIGN(const auto channel, link_.open(patience(), cancelled));
    const TimePoint begin = now_monotonic();
    const Status done = attempt(*channel);
    if (done || !channel->is_lost() || restart >= restarts_max) return done;
    if (done.error().code != Code::unavailable) return done;
    // A broker that has been silent for the whole timeout has had its chance.
    if (now_monotonic() - begin >= connect_timeout_ && restart > 0) return done;
  }
}

// Calls `sink` for the first time when the broker is known to have the blob.
Status Client::pull(Channel& channel, const BlobRef& blob, const Sink& sink, Cancelled cancelled) {
  const TimePoint begin = now_monotonic();
  ChunkPlan plan(blob.size);
  if (blob.size == 0) channel.send(BlobWant{channel.request(), blob.hash, 0, 0});
  for (;;) {
    while (const auto range = plan.ask(limits::blob_window_chunks)) {
      channel.send(BlobWant{channel.request(), blob.hash, range->offset, range->length});
    }
    FRAMEBUS_ASSIGN(const BlobLink::Arrived arrived, channel.receive(patience(), cancelled));
    const auto* chunk = std::get_if<BlobChunk>(&arrived.message);
    if (!chunk || arrived.attachments.size() != 1 || chunk->hash != blob.hash) {
      return fail(Code::malformed_message, std::string("expected a chunk of blob ") +
                                               to_string(blob.hash) + ", got " +
                                               name_of(arrived.message));
    }
    if (chunk->size != blob.size) {
      return fail(Code::data_loss, "blob " + to_string(blob.hash) + " has " +
                                       std::to_string(chunk->size) + " bytes at the broker where " +
                                       std::to_string(blob.size) + " were expected");
    }
    const Bytes& bytes = arrived.attachments[0];
    if (xxh3(bytes) != chunk->chunk_xxh3) {
      return fail(Code::data_loss, "the chunk at offset " + std::to_string(chunk->offset) +
                                       " of blob " + to_string(blob.hash) +
                                       " was damaged on its way");
    }
    if (blob.size > 0) {
      FRAMEBUS_TRY(plan.arrived(chunk->offset, bytes.size()));
      FRAMEBUS_TRY(sink(chunk->offset, bytes));
      plan.written(bytes.size());
    }
    if (plan.is_complete()) break;
  }
  measured(blob.size, now_monotonic() - begin);
  return {};
}

// A put that ends here is told to the broker, which else would hold its place and its room until it
// gives up waiting for the next chunk. (That it refuses itself it knows: an Error about a transfer
// that is over changes nothing.)
Status Client::push(Channel& channel, const BlobRef& blob, const Source& source,
                    Cancelled cancelled) {
  const Status done = push_chunks(channel, blob, source, cancelled);
  if (!done && !channel.is_lost()) channel.send(error_reply(channel.request(), done.error()));
  return done;
}

Status Client::push_chunks(Channel& channel, const BlobRef& blob, const Source& source,
                           Cancelled cancelled) {
  const TimePoint begin = now_monotonic();
  const Duration commit_extra = commit_extra_per_gib * (blob.size / limits::GiB + 1);
  std::uint64_t sent_bytes = 0;
  channel.send(BlobPut{channel.request(), blob.hash, blob.size});
  for (;;) {
    const bool all_sent = sent_bytes >= blob.size;
    FRAMEBUS_ASSIGN(const BlobLink::Arrived arrived,
                    channel.receive(all_sent ? patience() + commit_extra : patience(), cancelled));
    if (std::holds_alternative<BlobHave>(arrived.message)) break;
    const auto* want = std::get_if<BlobWant>(&arrived.message);
    if (!want || want->length > limits::blob_chunk_bytes || want->offset > blob.size ||
        want->length > blob.size - want->offset) {
      return fail(Code::malformed_message,
                  "the broker asked for something else than bytes of blob " + to_string(blob.hash));
    }
    FRAMEBUS_ASSIGN(Bytes bytes, source(want->offset, want->length));
    const BlobChunk chunk{channel.request(), blob.hash, want->offset, blob.size, xxh3(bytes)};
    sent_bytes += bytes.size();
    std::vector<Bytes> attachments;
    attachments.push_back(std::move(bytes));
    channel.send(chunk, std::move(attachments));
  }
  if (sent_bytes > 0) measured(sent_bytes, now_monotonic() - begin);
  return {};
}

Status Client::fetch_into(const BlobRef& blob, BlobStore& store, Cancelled cancelled) {
  return with_restarts(cancelled, [&](Channel& channel) -> Status {
    std::unique_ptr<BlobWriter> writer;
    if (blob.size == 0) {
      FRAMEBUS_ASSIGN(writer, store.begin(blob.hash, 0));
    }
    FRAMEBUS_TRY(pull(
        channel, blob,
        [&](std::uint64_t offset, BytesView bytes) -> Status {
          if (!writer) {  // not before the broker is known to have it
            FRAMEBUS_ASSIGN(writer, store.begin(blob.hash, blob.size));
          }
          return writer->write(offset, bytes);
        },
        cancelled));
    return writer->commit();
  });
}

Result<std::filesystem::path> Client::fetch(const BlobRef& blob, BlobStore& store,
                                            Cancelled cancelled) {
  const Call call(*this);
  std::unique_lock lock(mutex_);
  while (!fetching_.insert(blob.hash).second) {
    if (cancelled && cancelled->load()) return fail(Code::cancelled, "the transfer was cancelled");
    changed_.wait_for(lock, milliseconds(50));
  }
  lock.unlock();
  Result<std::filesystem::path> path = store.path_of(blob.hash);
  if (!path && path.error().code == Code::not_found) {
    const Status fetched = fetch_into(blob, store, cancelled);
    path = fetched ? store.path_of(blob.hash)
                   : fail(fetched.error().context("fetch blob " + to_string(blob.hash)));
  }
  lock.lock();
  fetching_.erase(blob.hash);
  lock.unlock();
  changed_.notify_all();
  return path;
}

Result<Bytes> Client::fetch_bytes(const BlobRef& blob, std::uint64_t bytes_max,
                                  Cancelled cancelled) {
  const Call call(*this);
  if (blob.size > bytes_max) {
    return fail(Code::resource_exhausted, "blob " + to_string(blob.hash) + " has " +
                                              std::to_string(blob.size) + " bytes; at most " +
                                              std::to_string(bytes_max) + " are taken into memory");
  }
  Bytes content;
  content.reserve(blob.size);
  BlobHasher hasher;
  std::size_t hashed = 0;  // bytes from the beginning; the rest, of chunks out of order, at the end
  const Status fetched = with_restarts(cancelled, [&](Channel& channel) -> Status {
    content.clear();
    hasher = BlobHasher();
    hashed = 0;
    return pull(
        channel, blob,
        [&](std::uint64_t offset, BytesView bytes) -> Status {
          if (offset == content.size()) {
            content.insert(content.end(), bytes.begin(), bytes.end());
          } else {
            content.resize(std::max<std::size_t>(content.size(), offset + bytes.size()));
            std::copy(bytes.begin(), bytes.end(),
                      content.begin() + static_cast<std::ptrdiff_t>(offset));
          }
          if (offset == hashed) {
            hasher.update(bytes);
            hashed += bytes.size();
          }
          return {};
        },
        cancelled);
  });
  if (!fetched) return fail(fetched.error().context("fetch blob " + to_string(blob.hash)));
  hasher.update(BytesView(content).subspan(hashed));
  if (hasher.finish() != blob.hash) {
    return fail(Code::data_loss,
                "fetch blob " + to_string(blob.hash) + ": the bytes received have another hash");
  }
  return content;
}

Result<BlobRef> Client::put_bytes(BytesView bytes, Cancelled cancelled) {
  const Call call(*this);
  const BlobRef blob{hash_bytes(bytes), bytes.size(), {}};
  const Source source = [&](std::uint64_t offset, std::uint64_t length) -> Result<Bytes> {
    const BytesView part = bytes.subspan(offset, length);
    return Bytes(part.begin(), part.end());
  };
  const Status put = with_restarts(
      cancelled, [&](Channel& channel) { return push(channel, blob, source, cancelled); });
  if (!put) return fail(put.error().context("put " + std::to_string(bytes.size()) + " bytes"));
  return blob;
}

Result<BlobRef> Client::put_file(const std::filesystem::path& path, Cancelled cancelled) {
  const Call call(*this);
  FRAMEBUS_ASSIGN(const BlobRef blob, hash_file(path));
  FRAMEBUS_ASSIGN(const FileDescriptor file, open_file(path, O_RDONLY | O_NONBLOCK));
  const Source source = [&](std::uint64_t offset, std::uint64_t length) -> Result<Bytes> {
    Bytes bytes(length);
    FRAMEBUS_ASSIGN(const std::size_t got, read_at(file.get(), offset, bytes, path));
    if (got == length) return bytes;
    return fail(Code::failed_precondition, path.string() + " became shorter while it was sent");
  };
  const Status put = with_restarts(
      cancelled, [&](Channel& channel) { return push(channel, blob, source, cancelled); });
  if (put) return blob;
  Error error = put.error().context("put " + path.string());
  if (error.code == Code::data_loss) error.message += " (was the file changed meanwhile?)";
  return fail(error);
}

}  // namespace

std::unique_ptr<BlobClient> make_blob_client(std::shared_ptr<Context> context,
                                             std::string bulk_endpoint, Duration connect_timeout) {
  return std::make_unique<Client>(std::move(context), std::move(bulk_endpoint), connect_timeout);
}

}  // namespace framebus
