// A primary, simulated: submits jobs (whole or in parts) until they are accepted, acts on them,
// watches them from its cursor over every reconnect, commands and administers workers, reads logs;
// and checks what a person would be told.
//
// What it does when comes from the plan (plan.h); it remembers its orders over its own death, as a
// program that writes down job ids. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/network.h"
#include "tests/sim/order.h"
#include "tests/sim/plan.h"
#include "tests/sim/planted.h"

namespace framebus::sim {

class SimPrimary final : public Endpoint {
 public:
  struct Setup {
    unsigned host = 0;
    Bug bug = Bug::none;
    bool hostile = false;  // the network is: what a person is told may be late or missing
    std::vector<WorkerId> workers;
  };
  SimPrimary(World& world, Network& network, Setup setup);

  void start();
  // The process is killed; the orders are on its disk.
  void die();
  // Something from the plan.
  void act(Kind kind, Random dice);
  // A job that is in no plan.
  void submit(JobSpec job);
  // Paused jobs are resumed until they end, drained workers are, too.
  void settle();
  // Every job is accepted, ended, and its end was seen.
  bool is_done() const { return unfinished().empty(); }
  std::string unfinished() const;
  // Watches every job once more from the beginning; afterwards is_audited() says that all was told.
  void audit();
  bool is_audited() const;

  const std::vector<JobId>& accepted() const { return accepted_; }
  // The last state this primary was told for each task of a job.
  const std::map<TaskRef, TaskState>& told() const { return told_; }
  std::uint64_t commands_done() const { return commands_done_; }

  void on_open(ConnectionId id) override;
  void on_message(ConnectionId id, const Message& message) override;
  void on_close(ConnectionId id) override;

 private:
  // A request that has to be answered.
  struct Pending {
    const char* what = "";
    std::set<WorkerId> named;  // a command: who was asked
    bool to_next = false;
    std::set<WorkerId> answered;
    LogRead read;
  };

  void connect();
  void check_handshake(ConnectionId id);
  void send(const Message& message);
  void order(Random& dice, bool in_parts);
  Order make_order();
  void place(Order order);
  void send_submit(std::size_t index);
  void send_order(Order& order);
  void send_next_part(Order& order);
  void watch(Order& order);
  void start_audit(Order& order);
  void keep_resuming();
  void expect(std::uint64_t request, Pending pending, Duration within);
  void check_answered(std::uint64_t request, ConnectionId connection);

  void act_on_job(Random& dice);
  void query(Random& dice);
  void command(Random& dice);
  void administer(Random& dice);
  // What workers could not prepare.
  void prepare_again();
  void read_log(Random& dice);
  void read_on(const LogRead& read);

  void on_submit_ok(const SubmitOk& ok);
  void on_upload(const Message& message);
  void on_error(const ErrorReply& error);
  void on_events(const Events& events);
  void on_audit(Order& order, const Events& events);
  void on_command_done(const CommandDone& done);
  void on_log_data(const LogData& data);
  void take_in(Order& order, const Event& event);
  void check_end(Order& order, const Event& event);

  World& world_;
  Network& network_;
  const Setup setup_;
  Random random_;
  ConnectionId connection_ = 0;
  bool is_up_ = false;
  bool is_welcome_ = false;
  bool settling_ = false;
  bool auditing_ = false;
  std::uint64_t life_ = 0;
  std::uint64_t request_ = 0;
  std::uint64_t orders_made_ = 0;
  std::uint64_t commands_done_ = 0;
  std::vector<Order> orders_;
  std::vector<JobId> accepted_;
  std::map<TaskRef, TaskState> told_;
  std::map<std::uint64_t, Pending> pending_;
  std::set<std::string> prepared_;  // names of sticky commands
};

}  // namespace framebus::sim
