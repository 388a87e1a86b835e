#include "tests/config/printed_files.h"

#include "broker/shell/config.h"
#include "client/commands/client_config.h"
#include "client/jobfile/jobfile.h"
#include "worker/shell/config.h"

namespace framebus {
namespace {

template <class C>
PrintedPart operating_table(const ConfigTable<C>& table) {
  return {"docs/OPERATING.md", "settings of " + table.program,
          "| key | default | allowed | meaning |\n|---|---|---|---|\n" + markdown_rows(table, C{})};
}

}  // namespace

std::vector<PrintedPart> printed_parts() {
  return {operating_table(broker::broker_config_table()),
          operating_table(worker::worker_config_table()),
          operating_table(client::client_config_table())};
}

std::string with_part(const std::string& page, const PrintedPart& part) {
  const std::string begin = "<!-- begin " + part.name + " -->\n";
  const std::string end = "<!-- end " + part.name + " -->";
  const std::size_t from = page.find(begin);
  if (from == std::string::npos) return {};
  const std::size_t to = page.find(end, from + begin.size());
  if (to == std::string::npos) return {};
  return page.substr(0, from + begin.size()) + part.text + page.substr(to);
}

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
