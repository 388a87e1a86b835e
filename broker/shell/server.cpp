// See server.h.
#include "broker/shell/server.h"

#include <unistd.h>

#include "broker/core/state.h"
#include "broker/shell/broker_loop.h"
#include "broker/shell/data_directory.h"
#include "broker/shell/local_address.h"
#include "libmsg/base/log.h"
#include "libmsg/blob/blob_server.h"

namespace framebus::broker {
namespace {

// Members are declared in the order they depend on each other; destruction runs backwards.
class Server final : public BrokerServer {
 public:
  Server(DataDirectory data, std::unique_ptr<BlobStore> blobs,
         std::unique_ptr<RouterSocket> primaries, std::unique_ptr<RouterSocket> workers,
         std::unique_ptr<BlobServer> bulk, StartFacts facts, const Options& options,
         std::size_t outbox_bytes_max);

  Status restore();
  const Endpoints& endpoints() const override { return facts_.endpoints; }
  const StartFacts& facts() const override { return facts_; }
  Status run() override;
  void stop() noexcept override { loop_.request_stop(); }
  std::string recent_events() const override { return core_.state().ring.dump(); }
  ServerCounters counters() const override;

 private:
  DataDirectory data_;
  std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<RouterSocket> primaries_;
  std::unique_ptr<RouterSocket> workers_;
  std::unique_ptr<BlobServer> bulk_;
  StartFacts facts_;
  std::unique_ptr<Store> store_;
  Core core_;
  SessionTable sessions_;
  Delivery delivery_;
  Intake intake_;
  CommitPipeline pipeline_;
  BrokerLoop loop_;
};

Server::Server(DataDirectory data, std::unique_ptr<BlobStore> blobs,
               std::unique_ptr<RouterSocket> primaries, std::unique_ptr<RouterSocket> workers,
               std::unique_ptr<BlobServer> bulk, StartFacts facts, const Options& options,
               std::size_t outbox_bytes_max)
    : data_(std::move(data)),
      blobs_(std::move(blobs)),
      primaries_(std::move(primaries)),
      workers_(std::move(workers)),
      bulk_(std::move(bulk)),
      facts_(std::move(facts)),
      store_(make_memory_store(Retain::nothing)),
      core_(options, options.epoch),
      delivery_(sessions_, {primaries_.get(), workers_.get()}, outbox_bytes_max),
      intake_(sessions_, delivery_, *blobs_, {primaries_.get(), workers_.get()}, facts_.endpoints),
      pipeline_(*store_),
      loop_(core_, pipeline_, intake_, delivery_, sessions_, {primaries_.get(), workers_.get()}) {}

Status Server::restore() {
  return store_->replay(
      [this](std::uint64_t lsn, TimePoint at, const Record& record) { core_.restore(lsn, at, record); });
}

Status Server::run() {
  FRAMEBUS_TRY(write_endpoints_file(data_.endpoints_file(), facts_));
  log_info("broker", "ready",
           {{"primary", facts_.endpoints.primary},
            {"worker", facts_.endpoints.worker},
            {"bulk", facts_.endpoints.bulk},
            {"data", facts_.data},
            {"epoch", facts_.epoch}});
  const Status status = loop_.run();
  log_info("broker", status ? "stopped" : "stopped: " + status.error().message);
  return status;
}

ServerCounters Server::counters() const {
  const IntakeCounters& in = intake_.counters();
  const DeliveryCounters& out = delivery_.counters();
  return {in.received, in.malformed, in.refused, out.sent, out.send_failed, out.slow_consumers};
}

Status check_endpoint(const std::string& key, const std::string& url) {
  if (const Status valid = check_url(url); !valid) return fail(valid.error().context(key));
  return check_is_local(key, url);
}

Result<std::string> bind_to(RouterSocket& router, const std::string& key, const std::string& url) {
  auto bound = router.bind(url);
  if (!bound) return fail(bound.error().context(key));
  return bound;
}

}  // namespace

Result<std::unique_ptr<BrokerServer>> BrokerServer::start(const BrokerConfig& config,
                                                          std::shared_ptr<Context> context) {
  FRAMEBUS_ASSIGN(Options options, core_options(config));
  FRAMEBUS_TRY(check_endpoint("primary-endpoint", config.primary_endpoint));
  FRAMEBUS_TRY(check_endpoint("worker-endpoint", config.worker_endpoint));
  FRAMEBUS_TRY(check_endpoint("bulk-endpoint", config.bulk_endpoint));
  FRAMEBUS_ASSIGN(DataDirectory data, DataDirectory::open(config.data, config.ephemeral));
  FRAMEBUS_ASSIGN(auto blobs, open_blob_store(data.blobs()));
  if (!config.ephemeral) {
    log_warning("broker",
                "jobs do not survive a restart in this version: they are kept in memory only (say "
                "--ephemeral "
                "to start without this warning)");
  }
  if (!context) context = make_context();
  auto primaries = make_router(context);
  auto workers = make_router(context);
  StartFacts facts;
  FRAMEBUS_ASSIGN(facts.endpoints.primary,
                  bind_to(*primaries, "primary-endpoint", config.primary_endpoint));
  FRAMEBUS_ASSIGN(facts.endpoints.worker,
                  bind_to(*workers, "worker-endpoint", config.worker_endpoint));
  auto bulk = start_blob_server(context, *blobs, config.bulk_endpoint);
  if (!bulk) return fail(bulk.error().context("bulk-endpoint"));
  facts.endpoints.bulk = (*bulk)->endpoint();
  facts.data = data.path().string();
  facts.epoch = data.epoch();
  facts.pid = ::getpid();
  options.epoch = data.epoch();
  // A store in memory numbers its jobs from 1 again at each start, so a token that an earlier start
  // gave out must not fit the job that has the number now: the key ends with the records it guards.
  FRAMEBUS_ASSIGN(options.token_key, make_token_key());
  options.ephemeral = true;  // the only store is in memory
  options.version = "framebus-broker " FRAMEBUS_VERSION;
  options.bulk_endpoint = facts.endpoints.bulk;
  auto server = std::make_unique<Server>(std::move(data), std::move(blobs), std::move(primaries),
                                         std::move(workers), std::move(*bulk), std::move(facts),
                                         options, config.peer_outbox.bytes);
  FRAMEBUS_TRY(server->restore());
  return server;
}

}  // namespace framebus::broker
