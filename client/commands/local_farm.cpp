#include "client/commands/local_farm.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "broker/shell/server.h"
#include "client/commands/local_directory.h"
#include "libmsg/base/log.h"
#include "worker/shell/worker_server.h"

namespace framebus::client {
namespace {

namespace fs = std::filesystem;

constexpr Duration executors_end_within = seconds(10);

class LocalFarmImpl final : public LocalFarm {
 public:
  explicit LocalFarmImpl(LocalFarmOptions options) : options_(options), context_(make_context()) {}

  ~LocalFarmImpl() override {
    for (auto& worker : workers_) worker->stop();
    for (auto& worker : workers_) {
      worker->wait();
      worker->wait_idle(executors_end_within);
    }
    workers_.clear();
    if (broker_) broker_->stop();
    if (broker_thread_.joinable()) broker_thread_.join();
    broker_.reset();
  }

  Status start() {
    const fs::path base = local_base();
    LocalDirectory::remove_abandoned(base);
    FRAMEBUS_ASSIGN(directory_, LocalDirectory::make(base, options_.keep));
    FRAMEBUS_TRY(start_broker());
    for (std::uint32_t i = 0; i < options_.workers; ++i) {
      if (const Status started = start_worker(i); !started)
        return fail(started.error().context("worker"));
    }
    return {};
  }

  const std::string& broker_url() const override { return broker_->endpoints().primary; }
  const fs::path& directory() const override { return directory_->path(); }
  std::shared_ptr<Context> context() const override { return context_; }

 private:
  Status start_broker() {
    broker::BrokerConfig config;
    config.ephemeral = true;
    config.data = (directory_->path() / "broker").string();
    config.primary_endpoint = "ipc://" + (directory_->path() / "primary").string();
    config.worker_endpoint = "ipc://" + (directory_->path() / "worker").string();
    config.bulk_endpoint = "ipc://" + (directory_->path() / "bulk").string();
    auto started = broker::BrokerServer::start(config, context_);
    if (!started) return fail(started.error().context("broker"));
    broker_ = std::move(*started);
    broker_thread_ = std::thread([this] {
      if (const Status ended = broker_->run(); !ended) log_error("broker", ended.error().message);
    });
    return {};
  }

  Status start_worker(std::uint32_t index) {
    const unsigned machine = std::max(1u, std::thread::hardware_concurrency());
    const unsigned threads = options_.threads > 0 ? options_.threads : machine;
    worker::WorkerConfig config;
    config.broker = broker_->endpoints().worker;
    config.threads = std::max(1u, threads / options_.workers);
    config.executors_in_process = true;  // this process is the farm, and ends with it
    config.data = (directory_->path() / ("worker-" + std::to_string(index))).string();
    FRAMEBUS_ASSIGN(auto worker, worker::WorkerProcess::create(config, context_));
    worker->start();
    workers_.push_back(std::move(worker));
    return {};
  }

  LocalFarmOptions options_;
  std::shared_ptr<Context> context_;
  std::unique_ptr<LocalDirectory> directory_;  // before those who work in it: removed last
  std::unique_ptr<broker::BrokerServer> broker_;
  std::thread broker_thread_;
  std::vector<std::unique_ptr<worker::WorkerProcess>> workers_;
};

}  // namespace

Result<std::unique_ptr<LocalFarm>> LocalFarm::start(const LocalFarmOptions& options) {
  auto farm = std::make_unique<LocalFarmImpl>(options);
  FRAMEBUS_TRY(farm->start());
  return farm;
}

}  // namespace framebus::client
