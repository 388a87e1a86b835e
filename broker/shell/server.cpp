// See server.h.
#include "broker/shell/server.h"

#include <unistd.h>

#include "broker/core/state.h"
#include "broker/shell/broker_loop.h"
#include "broker/shell/data_directory.h"
#include "broker/shell/descriptor_budget.h"
#include "broker/shell/disk_gauge.h"
#include "broker/shell/local_address.h"
#include "broker/shell/make_store.h"
#include "libmsg/base/log.h"
#include "libmsg/blob/blob_server.h"

namespace framebus::broker {
namespace {

std::int64_t wall_ms() {
  return to_ms(wall_clock_now().time_since_epoch());
}

// A start that finds no room changes nothing that counts; the numbers and what to do are said here
// once for whatever asked for it.
Status with_space_advice(const Status& status, const std::filesystem::path& data) {
  if (status || status.error().code != Code::resource_exhausted) return status;
  Error error = status.error();
  const auto free_bytes = make_posix_disk()->free_bytes(data);
  error.message = "the broker can not start for lack of space: " + error.message + "; " +
                  (free_bytes ? std::to_string(*free_bytes) + " bytes are free in " : "") +
                  data.string() + ". Nothing was deleted. To start it, " + space_remedy;
  return fail(std::move(error));
}

// An endpoint that can not be had, whatever the system calls it, is no error of the disk
// (exit_code_of_start()): another one must be configured.
tl::unexpected<Error> refuse_endpoint(const Error& said, const char* key) {
  Error error = said.context(key);
  if (error.code == Code::unavailable || error.code == Code::internal)
    error.code = Code::failed_precondition;
  return fail(std::move(error));
}

// Members are declared in the order they depend on each other; destruction runs backwards.
class Server final : public BrokerServer {
 public:
  Server(const BrokerConfig& config, const Options& options, DataDirectory data,
         std::shared_ptr<Context> context, const DescriptorBudget& budget);
  ~Server() override;

  // In this order.
  Status open_data();
  Status recover();
  Status listen();

  const Endpoints& endpoints() const override { return facts_.endpoints; }
  const StartFacts& facts() const override { return facts_; }
  Status run() override;
  void stop() noexcept override { loop_->request_stop(); }
  std::string recent_events() const override { return core_->state().ring.dump(); }
  ServerCounters counters() const override;

 private:
  std::function<void()> waker() {
    return [this] { wakeup_.notify(); };
  }
  Status bind(RouterSocket& router, const char* key, const std::string& url, std::string& bound);
  void connect_parts();

  const BrokerConfig config_;
  Options options_;
  DataDirectory data_;
  std::shared_ptr<Context> context_;
  const DescriptorBudget budget_;
  std::shared_ptr<ConnectionQuota> quota_ =  // of the three endpoints together
      std::make_shared<ConnectionQuota>(budget_.connections);
  StartFacts facts_;
  Wakeup wakeup_;

  std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<LogKeeper> logs_;
  std::unique_ptr<BlobCollector> collector_;
  std::unique_ptr<Archivist> archivist_;  // ends before the collector, whose work it does
  std::unique_ptr<Disk> disk_ = make_posix_disk();
  std::unique_ptr<Store> store_;
  std::unique_ptr<BlobServer> bulk_;
  std::unique_ptr<Core> core_;
  RecoveryFacts recovery_;
  TimePoint last_record_{};
  ArchiveHighest highest_archived_;

  std::unique_ptr<RouterSocket> primaries_;
  std::unique_ptr<RouterSocket> workers_;
  SessionTable sessions_;
  LoopCounters loop_counters_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<InputCheck> inputs_;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<CommitPipeline> pipeline_;
  std::unique_ptr<Housekeeping> housekeeping_;
  std::unique_ptr<StatusCounters> counters_;
  std::unique_ptr<Carrier> carrier_;
  std::unique_ptr<LoopPulse> pulse_;
  std::unique_ptr<BrokerLoop> loop_;
};

Server::Server(const BrokerConfig& config, const Options& options, DataDirectory data,
               std::shared_ptr<Context> context, const DescriptorBudget& budget)
    : config_(config),
      options_(options),
      data_(std::move(data)),
      context_(std::move(context)),
      budget_(budget) {
  options_.epoch = data_.epoch();
  options_.token_key = data_.token_key();
  options_.ephemeral = config.ephemeral;
  options_.version = "framebus-broker " FRAMEBUS_VERSION;
  options_.sessions_max = static_cast<std::uint32_t>(budget.sessions);
  facts_.data = data_.path().string();
  facts_.epoch = data_.epoch();
  facts_.pid = ::getpid();
}

// The threads end while everything they refer to still lives.
Server::~Server() {
  loop_.reset();
  archivist_.reset();
}

Status Server::open_data() {
  // Half of the reserve is left for records, so that files can not take the room of results.
  FRAMEBUS_ASSIGN(blobs_, open_blob_store(data_.blobs(), true, config_.disk_reserve.bytes / 2));
  LogKeeperOptions logs;
  logs.store.directory = data_.logs();
  logs.store.bytes_max = config_.logs_max_bytes.bytes;
  logs.store.open_files_max = budget_.log_files;
  logs.store.kept_free_bytes = config_.disk_reserve.bytes;  // the whole of it: logs are worth least
  FRAMEBUS_ASSIGN(logs_, LogKeeper::start(std::move(logs), waker()));
  if (options_.archive) {
    FRAMEBUS_ASSIGN(auto archive, JobArchive::open(data_.archive()));
    FRAMEBUS_ASSIGN(highest_archived_, archive->highest());
    ArchivistOptions keep;
    keep.keep = config_.archive_keep;
    keep.bytes_max = config_.archive_max_bytes.bytes;
    keep.wall_ms = wall_ms;
    archivist_ = std::make_unique<Archivist>(std::move(archive), std::move(keep), waker());
    BlobCollectorOptions collect;
    collect.pin = config_.blob_pin;
    collect.round = config_.blob_round;
    collector_ =
        std::make_unique<BlobCollector>(*blobs_, data_.blobs(), *archivist_, collect, waker());
  }
  store_ = make_store(config_, data_, *disk_, highest_archived_.record, waker());
  return {};
}

Status Server::recover() {
  // The core tells every peer where blobs travel, so that endpoint comes first.
  auto bulk = start_blob_server(context_, *blobs_, config_.bulk_endpoint, quota_);
  if (!bulk) return refuse_endpoint(bulk.error(), "bulk-endpoint");
  bulk_ = std::move(*bulk);
  facts_.endpoints.bulk = bulk_->endpoint();
  options_.bulk_endpoint = facts_.endpoints.bulk;
  core_ = std::make_unique<Core>(options_, options_.epoch);

  const TimePoint began = now_monotonic();
  const auto restore = [this](std::uint64_t lsn, TimePoint at, const Record& record) {
    core_->restore(lsn, at, record);
    ++recovery_.records;
    last_record_ = at;
  };
  FRAMEBUS_TRY(with_space_advice(store_->replay(restore), data_.path()));
  if (core_->state().lsn < highest_archived_.record) {
    log_warning("broker",
                "the archive knows of records that the journal does not have (it was repaired, "
                "restored or begun anew); numbers go on behind them",
                {{"last_read", core_->state().lsn}, {"last_archived", highest_archived_.record}});
  }
  core_->reserve_records(store_->last_lsn());
  core_->reserve_jobs(highest_archived_.job);
  recovery_.took_ms = to_ms(now_monotonic() - began);
  if (config_.ephemeral) return {};
  const StoreStats found = store_->stats();
  log_info("broker", "recovered",
           {{"records", recovery_.records},
            {"ms", recovery_.took_ms},
            {"last_lsn", store_->last_lsn()},
            {"jobs", core_->state().jobs.size()},
            {"dropped_tail_records", found.dropped_tail_records}});
  if (found.dropped_tail_records > 0) {
    log_warning("broker",
                "records at the end of the journal were not whole: they were never synced, so "
                "nothing that was acknowledged is among them",
                {{"records", found.dropped_tail_records}});
  }
  return {};
}

Status Server::bind(RouterSocket& router, const char* key, const std::string& url,
                    std::string& bound) {
  router.limit_connections(quota_);
  auto address = router.bind(url);
  if (!address) return refuse_endpoint(address.error(), key);
  bound = std::move(*address);
  return {};
}

Status Server::listen() {
  primaries_ = make_router(context_);
  workers_ = make_router(context_);
  FRAMEBUS_TRY(
      bind(*primaries_, "primary-endpoint", config_.primary_endpoint, facts_.endpoints.primary));
  FRAMEBUS_TRY(
      bind(*workers_, "worker-endpoint", config_.worker_endpoint, facts_.endpoints.worker));
  connect_parts();
  return with_space_advice(write_endpoints_file(data_.endpoints_file(), facts_), data_.path());
}

void Server::connect_parts() {
  const Delivery::Routers routers = {primaries_.get(), workers_.get()};
  delivery_ = std::make_unique<Delivery>(sessions_, routers, config_.peer_outbox.bytes);
  inputs_ = std::make_unique<InputCheck>(*blobs_, waker());
  intake_ =
      std::make_unique<Intake>(sessions_, *delivery_, *inputs_, *core_, routers, facts_.endpoints);
  pipeline_ = std::make_unique<CommitPipeline>(*store_);
  housekeeping_ = std::make_unique<Housekeeping>(data_.path(), *store_, config_.disk_reserve.bytes,
                                                 options_.sessions_max, *delivery_, sessions_);
  counters_ = std::make_unique<StatusCounters>(StatusCounters::Sources{
      loop_counters_, recovery_, sessions_, *intake_, *delivery_, *pipeline_, *store_,
      housekeeping_->disk(), *logs_, collector_.get(), archivist_.get()});
  carrier_ = std::make_unique<Carrier>(*delivery_, *logs_, archivist_.get(), collector_.get(),
                                       *counters_, *core_);
  const BrokerClock clock(wall_clock_now(), now_monotonic(), last_record_);
  if (const Duration ahead = clock.start() - wall_clock_now(); ahead > seconds(60)) {
    log_warning("broker",
                "the last record is later than this machine's clock: the broker's time "
                "goes on from there",
                {{"ahead_s", to_ms(ahead) / 1000}});
  }
  pulse_ = std::make_unique<SystemPulse>(clock, wakeup_);
  loop_ = std::make_unique<BrokerLoop>(
      BrokerLoop::Parts{*core_, *pipeline_, *intake_, *delivery_, sessions_, *carrier_,
                        *housekeeping_, loop_counters_, wakeup_, routers, *pulse_});
}

Status Server::run() {
  log_info("broker", "ready",
           {{"primary", facts_.endpoints.primary},
            {"worker", facts_.endpoints.worker},
            {"bulk", facts_.endpoints.bulk},
            {"data", facts_.data},
            {"epoch", facts_.epoch},
            {"sessions_max", options_.sessions_max}});
  const Status status = loop_->run();
  log_info("broker", status ? "stopped" : "stopped: " + status.error().message);
  return status;
}

ServerCounters Server::counters() const {
  delivery_->check_conservation();
  const IntakeCounters& in = intake_->counters();
  const DeliveryCounters& out = delivery_->counters();
  return {in.received,
          in.malformed,
          in.refused,
          out.handed_over,
          out.refused + out.dropped_with_session,
          out.slow_consumers,
          recovery_.records};
}

Status check_endpoint(const std::string& key, const std::string& url) {
  if (const Status valid = check_url(url); !valid) return fail(valid.error().context(key));
  return check_is_local(key, url);
}

}  // namespace

Result<std::unique_ptr<BrokerServer>> BrokerServer::start(const BrokerConfig& config,
                                                          std::shared_ptr<Context> context) {
  FRAMEBUS_ASSIGN(const Options options, core_options(config));
  FRAMEBUS_TRY(check_endpoint("primary-endpoint", config.primary_endpoint));
  FRAMEBUS_TRY(check_endpoint("worker-endpoint", config.worker_endpoint));
  FRAMEBUS_TRY(check_endpoint("bulk-endpoint", config.bulk_endpoint));
  FRAMEBUS_ASSIGN(const std::uint64_t descriptors, descriptor_limit());
  FRAMEBUS_ASSIGN(const DescriptorBudget budget,
                  plan_descriptors(descriptors, descriptors_open(), config.sessions_max));
  if (budget.sessions < config.sessions_max) {
    log_warning("broker", "the limit of open files allows fewer peers than sessions-max",
                {{"limit", descriptors}, {"peers", budget.sessions}});
  }
  auto data = DataDirectory::open(config.data, config.ephemeral);
  if (!data) return fail(with_space_advice(fail(data.error()), config.data).error());
  const std::filesystem::path path = data->path();
  if (!context) context = make_context();
  auto server =
      std::make_unique<Server>(config, options, std::move(*data), std::move(context), budget);
  FRAMEBUS_TRY(with_space_advice(server->open_data(), path));
  FRAMEBUS_TRY(server->recover());
  FRAMEBUS_TRY(server->listen());
  return server;
}

}  // namespace framebus::broker
