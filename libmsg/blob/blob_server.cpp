// The bulk endpoint's thread: Hello, dispatch to the peers, and closures that come back from the
// disk.
#include "libmsg/blob/blob_server.h"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "libmsg/base/limits.h"
#include "libmsg/base/log.h"
#include "libmsg/blob/blob_peer.h"
#include "libmsg/blob/disk_pool.h"
#include "libmsg/schema/wire_error.h"

namespace framebus {
namespace {

constexpr std::size_t disk_threads = 4;
constexpr std::size_t receive_batch = 64;
constexpr std::size_t peers_max = limits::sessions_max;
constexpr Duration expiry_interval = seconds(1);
constexpr Duration unsent_retry = milliseconds(1);

class BulkServer final : public BlobServer {
 public:
  BulkServer(BlobStore& store, std::unique_ptr<RouterSocket> router, std::string endpoint);
  ~BulkServer() override;
  const std::string& endpoint() const override { return endpoint_; }

 private:
  using Completion = std::pair<PeerId, std::function<void(BlobPeer&)>>;

  void run();
  void run_completions();
  void take(Incoming&& incoming, TimePoint now);
  void on_hello(PeerId id, const Hello& hello);
  void on_message(PeerId id, BlobPeer& peer, const Message& message,
                  std::vector<Bytes>&& attachments, TimePoint now);
  void answer_stranger(PeerId id, const Message& message);
  void flush_peers();

  std::unique_ptr<RouterSocket> router_;
  std::string endpoint_;
  Wakeup wakeup_;
  std::atomic<bool> stopping_{false};
  std::mutex completions_mutex_;
  std::vector<Completion> completions_;
  std::optional<DiskPool> pool_;  // emptied, and thereby quiet, before what its jobs refer to
  BlobServices services_;
  std::map<PeerId, BlobPeer> peers_;
  std::thread thread_;
};

BulkServer::BulkServer(BlobStore& store, std::unique_ptr<RouterSocket> router, std::string endpoint)
    : router_(std::move(router)),
      endpoint_(std::move(endpoint)),
      services_{store, pool_.emplace(disk_threads),
                [this](PeerId peer, std::function<void(BlobPeer&)> completion) {
                  {
                    const std::lock_guard lock(completions_mutex_);
                    completions_.emplace_back(peer, std::move(completion));
                  }
                  wakeup_.notify();
                }} {
  thread_ = std::thread([this] { run(); });
}

BulkServer::~BulkServer() {
  stopping_ = true;
  wakeup_.notify();
  thread_.join();
  peers_.clear();
  pool_.reset();
}

void BulkServer::run() {
  std::vector<Incoming> incoming;
  TimePoint next_expiry = now_monotonic() + expiry_interval;
  while (!stopping_) {
    bool any_unsent = false;
    bool any_uploads = false;
    for (const auto& [id, peer] : peers_) {
      any_unsent |= peer.has_unsent();
      any_uploads |= peer.has_uploads();
    }
    wait({router_.get()}, {}, &wakeup_,
         any_unsent    ? unsent_retry
         : any_uploads ? expiry_interval
                       : seconds(60));
    wakeup_.drain();
    run_completions();
    incoming.clear();
    router_->receive(incoming, receive_batch);
    const TimePoint now = now_monotonic();
    for (Incoming& each : incoming) take(std::move(each), now);
    if (now >= next_expiry) {
      for (auto& [id, peer] : peers_) peer.expire(now);
      next_expiry = now + expiry_interval;
    }
    flush_peers();
  }
}

void BulkServer::run_completions() {
  std::vector<Completion> batch;
  {
    const std::lock_guard lock(completions_mutex_);
    batch.swap(completions_);
  }
  for (auto& [id, completion] : batch) {
    const auto peer = peers_.find(id);
    if (peer != peers_.end()) completion(peer->second);
  }
}

void BulkServer::flush_peers() {
  for (auto next = peers_.begin(); next != peers_.end();) {
    const auto current = next++;
    if (current->second.flush(*router_)) continue;
    log_debug("bulk", "peer dropped: it is gone or reads too slowly",
              {{"peer", current->first.value}});
    router_->forget(current->first);
    peers_.erase(current);
  }
}

void BulkServer::take(Incoming&& incoming, TimePoint now) {
  const auto peer = peers_.find(incoming.peer);
  if (incoming.kind == Incoming::Kind::closed) {
    if (peer != peers_.end()) peers_.erase(peer);
    return;
  }
  // The attachments stay where they are: only the three fixed frames go through the codec.
  const std::size_t fixed = std::min<std::size_t>(incoming.parts.size(), 3);
  const std::vector<BytesView> views(incoming.parts.begin(),
                                     incoming.parts.begin() + static_cast<std::ptrdiff_t>(fixed));
  std::vector<Bytes> attachments;
  for (std::size_t i = 3; i < incoming.parts.size() && i < 3 + limits::attachment_frames_max; ++i) {
    attachments.push_back(std::move(incoming.parts[i]));
  }
  const bool known = peer != peers_.end();
  auto decoded = decode(views, known && peer->second.uses_checksum());
  if (!decoded) {
    if (!known && decoded.error().code == Code::unsupported_version) {
      (void)router_->send(incoming.peer, encode(Refused{to_wire(decoded.error())}, true));
    } else if (known) {
      peer->second.send_error(request_of(views), decoded.error());
    } else {
      (void)router_->send(incoming.peer,
                          encode(error_reply(request_of(views), decoded.error()), true));
    }
    return;
  }
  if (known) {
    on_message(incoming.peer, peer->second, decoded->message, std::move(attachments), now);
  } else {
    answer_stranger(incoming.peer, decoded->message);
  }
}

void BulkServer::answer_stranger(PeerId id, const Message& message) {
  if (const auto* hello = std::get_if<Hello>(&message)) return on_hello(id, *hello);
  (void)router_->send(
      id, encode(error_reply(
                     0, {Code::no_session, std::string("say Hello before ") + name_of(message), 0}),
                 true));
}

void BulkServer::on_hello(PeerId id, const Hello& hello) {
  Error refusal;
  if (hello.role != Role::bulk) {
    refusal = {Code::invalid_argument,
               "this is the bulk endpoint: Hello needs role 3 (bulk); primaries and workers have "
               "endpoints of their own",
               0};
  } else if (peers_.size() >= peers_max) {
    refusal = {Code::resource_exhausted,
               "at most " + std::to_string(peers_max) + " connections to the bulk endpoint", 1000};
  } else {
    const bool checksum = true;  // "used unless both decline", and this side never does
    Welcome welcome;
    welcome.session = SessionId{id.value};
    welcome.checksum = checksum;
    welcome.program = "framebus " FRAMEBUS_VERSION;
    peers_.try_emplace(id, id, checksum, services_).first->second.send(welcome);
    return;
  }
  (void)router_->send(id, encode(Refused{to_wire(refusal)}, true));
}

void BulkServer::on_message(PeerId id, BlobPeer& peer, const Message& message,
                            std::vector<Bytes>&& attachments, TimePoint now) {
  if (const auto* want = std::get_if<BlobWant>(&message)) return peer.on_want(*want);
  if (const auto* put = std::get_if<BlobPut>(&message)) return peer.on_put(*put, now);
  if (const auto* chunk = std::get_if<BlobChunk>(&message)) {
    return peer.on_chunk(*chunk, std::move(attachments), now);
  }
  if (std::holds_alternative<Goodbye>(message)) {
    router_->forget(id);
    peers_.erase(id);
    return;
  }
  // Answering errors with errors would never end.
  if (const auto* error = std::get_if<ErrorReply>(&message))
    return peer.on_given_up(error->request);
  const Code code =
      std::holds_alternative<Hello>(message) ? Code::failed_precondition : Code::permission_denied;
  peer.send_error(
      0, {code,
          std::string("the bulk endpoint takes BlobWant, BlobPut, BlobChunk and Goodbye, not ") +
              name_of(message),
          0});
}

}  // namespace

Result<std::unique_ptr<BlobServer>> start_blob_server(std::shared_ptr<Context> context,
                                                      BlobStore& store, const std::string& bind_url,
                                                      std::shared_ptr<ConnectionQuota> quota) {
  auto router = make_router(std::move(context));
  router->limit_connections(std::move(quota));
  FRAMEBUS_ASSIGN(std::string endpoint, router->bind(bind_url));
  return std::make_unique<BulkServer>(store, std::move(router), std::move(endpoint));
}

}  // namespace framebus
