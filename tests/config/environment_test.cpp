// What a shared environment does to the three programs: one shell may start all of them.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "broker/shell/config.h"
#include "client/commands/client_config.h"
#include "libmsg/base/config_slots.h"
#include "worker/shell/config.h"

using namespace framebus;

namespace {

template <class C>
C with_environment(const ConfigTable<C>& table, std::vector<const char*> environment) {
  environment.push_back(nullptr);
  const char* const words[] = {"program"};
  C config;
  const auto loaded = load_config(table, 1, words, environment.data(), config);
  REQUIRE_MESSAGE(loaded, loaded.error().message);
  return config;
}

template <class C>
void add_variables(const ConfigTable<C>& table, std::map<std::string, int>& programs_of) {
  C config;
  for (const config_detail::Slot& slot : config_detail::slots_of(table, config).keys)
    ++programs_of[config_detail::environment_name(slot)];
}

}  // namespace

TEST_CASE("environment: FRAMEBUS_BROKER is for clients, FRAMEBUS_WORKER_BROKER for workers") {
  const std::vector<const char*> environment{"FRAMEBUS_BROKER=tcp://127.0.0.1:1",
                                             "FRAMEBUS_WORKER_BROKER=tcp://127.0.0.1:2"};
  CHECK(with_environment(client::client_config_table(), environment).broker == "tcp://127.0.0.1:1");
  CHECK(with_environment(worker::worker_config_table(), environment).broker == "tcp://127.0.0.1:2");
  CHECK(with_environment(worker::worker_config_table(), {"FRAMEBUS_BROKER=tcp://127.0.0.1:1"})
            .broker == worker::WorkerConfig{}.broker);
}

TEST_CASE("environment: broker and worker do not share a data directory by accident") {
  const std::vector<const char*> environment{"FRAMEBUS_DATA=/a", "FRAMEBUS_BROKER_DATA=/b",
                                             "FRAMEBUS_WORKER_DATA=/w"};
  CHECK(with_environment(broker::broker_config_table(), environment).data == "/b");
  CHECK(with_environment(worker::worker_config_table(), environment).data == "/w");
}

TEST_CASE("environment: a variable heard by two programs is one that means the same in both") {
  std::map<std::string, int> programs_of;
  add_variables(broker::broker_config_table(), programs_of);
  add_variables(worker::worker_config_table(), programs_of);
  add_variables(client::client_config_table(), programs_of);
  const std::set<std::string> shared{"FRAMEBUS_CANCEL_GRACE", "FRAMEBUS_LOG_FORMAT",
                                     "FRAMEBUS_LOG_LEVEL", "FRAMEBUS_PRINCIPAL"};
  for (const auto& [variable, programs] : programs_of) {
    CAPTURE(variable);
    CHECK(shared.contains(variable) == (programs > 1));
  }
}
