// A primary, simulated: submits jobs until they are accepted, acts on them, watches them from its
// cursor over every reconnect; and checks what a person would be told.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/network.h"
#include "tests/sim/planted.h"

namespace framebus::sim {

class SimPrimary final : public Endpoint {
 public:
  SimPrimary(World& world, Network& network, unsigned host, Bug bug);

  void start();
  // No new jobs and acts; paused jobs are resumed until they end.
  void settle();
  // Every job is accepted, ended, and its end was seen.
  bool is_done() const;
  std::string unfinished() const;
  // Watches every job once more from the beginning; afterwards is_audited() says that all was told.
  void audit();
  bool is_audited() const;

  const std::vector<JobId>& accepted() const { return accepted_; }
  // The last state this primary was told for each task of a job.
  const std::map<TaskRef, TaskState>& told() const { return told_; }

  void on_open(ConnectionId id) override;
  void on_message(ConnectionId id, const Message& message) override;
  void on_close(ConnectionId id) override;

 private:
  struct Order {
    Submit submit;
    JobId job;  // none: not accepted yet
    std::uint32_t task_count = 0;
    Cursor cursor;  // everything up to here was seen
    JobState state = JobState::open;
    std::uint64_t watch = 0;  // request of the current watch
    std::uint64_t sequence = 0;
    std::set<std::pair<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>>>
        ends;  // task, cursor
    std::set<std::uint32_t> ended;
    std::uint64_t audit = 0;  // request of the auditing watch
    std::set<std::uint32_t> audit_ends;
    bool audited = false;
  };

  void connect();
  void send(const Message& message);
  void make_job();
  void send_submit(std::size_t index);
  void watch(Order& order);
  void start_audit(Order& order);
  void act();
  void keep_resuming();
  void on_submit_ok(const SubmitOk& ok);
  void on_error(const ErrorReply& error);
  void on_events(const Events& events);
  void on_audit(Order& order, const Events& events);
  void take_in(Order& order, const Event& event);
  void check_end(Order& order, const Event& event);

  World& world_;
  Network& network_;
  const unsigned host_;
  const Bug bug_;
  ConnectionId connection_ = 0;
  bool is_welcome_ = false;
  bool settling_ = false;
  bool auditing_ = false;
  std::uint64_t request_ = 0;
  std::vector<Order> orders_;
  std::vector<JobId> accepted_;
  std::map<TaskRef, TaskState> told_;
  unsigned jobs_left_ = 0;
};

// A random job of type "work": steps, dependencies, timeouts, deadlines, failure rules.
JobSpec random_job(Random& random, const std::string& name);

}  // namespace framebus::sim
