#include "tests/config/printed_files.h"

#include "broker/shell/config.h"
#include "client/commands/client_config.h"
#include "client/jobfile/jobfile.h"
#include "worker/shell/config.h"

namespace framebus {

std::vector<PrintedFile> printed_files() {
  return {
      {"config/broker.json",
       print_default_config(broker::broker_config_table(), broker::BrokerConfig{})},
      {"config/worker.json",
       print_default_config(worker::worker_config_table(), worker::WorkerConfig{})},
      {"config/client.json",
       print_default_config(client::client_config_table(), client::ClientConfig{})},
      {"config/job.schema.json", client::job_schema()},
      {"docs/JOBFILE.md", client::job_file_manual()},
  };
}

}  // namespace framebus
