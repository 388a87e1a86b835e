#include "worker/shell/child_slots.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <thread>

#include "libmsg/base/log.h"
#include "worker/executors/registry.h"
#include "worker/shell/conversation.h"
#include "worker/shell/spool.h"
#include "worker/shell/work_list.h"

namespace framebus::worker {
namespace {

// One slot: its thread, its processes.
class ChildSlot {
 public:
  ChildSlot(const AttemptServices& services, CacheTrim& trim, const ChildProgram& program,
            KeeperList& keepers, WorkList& work)
      : services_(services),
        trim_(trim),
        program_(program),
        keepers_(keepers),
        work_(work),
        thread_([this] { live(); }) {}
  ~ChildSlot() { thread_.join(); }

  Wakeup& wakeup() { return wakeup_; }
  std::vector<ChildView> describe() {
    const std::lock_guard lock(view_mutex_);
    return view_;
  }

 private:
  struct Warm {
    SpoolFolder spool;  // outlives the process that writes there
    std::unique_ptr<ExecutorChild> process;
    std::uint64_t prepared_stamp = 0;  // what it has been told
  };

  void live() {
    std::uint64_t pokes_seen = 0;
    const auto on_idle = [this](bool drop_all) { look_after_idle(drop_all); };
    while (const auto work = work_.take(pokes_seen, on_idle)) run(work);
    children_.clear();
  }

  // Processes that have ended are reaped, what idle ones print is thrown away.
  void look_after_idle(bool drop_all) {
    const std::size_t before = children_.size();
    for (auto it = children_.begin(); it != children_.end();) {
      if (drop_all || !it->second.process->is_alive())
        it = children_.erase(it);
      else
        discard_output(*(it++)->second.process);
    }
    if (children_.size() != before) publish_view();
  }

  static void discard_output(const ExecutorChild& child) {
    char bytes[4096];
    for (int i = 0; i < 64 && ::read(child.output_fd(), bytes, sizeof bytes) > 0; ++i) {
    }
  }

  // A warm process of that role, or a new one.
  Result<Warm*> child_for(const std::string& role) {
    if (const auto known = children_.find(role);
        known != children_.end() && !known->second.process->is_alive())
      children_.erase(known);
    Warm& warm = children_[role];
    if (!warm.process) {
      if (const Status started = start(warm, role); !started) {
        children_.erase(role);
        publish_view();
        return fail(started.error());
      }
      log_debug("executor", "started", {{"role", role}, {"pid", warm.process->pid()}});
      publish_view();
    }
    discard_output(*warm.process);
    return &warm;
  }

  Status start(Warm& warm, const std::string& role) {
    FRAMEBUS_ASSIGN(warm.spool, SpoolFolder::make(services_.spool));
    FRAMEBUS_ASSIGN(warm.process, ExecutorChild::start(program_, role, keepers_));
    return {};
  }

  void run(const std::shared_ptr<Work>& work) {
    const std::string role(role_of(work->start.step.type));
    const auto warm = child_for(role);
    if (!warm) {
      const std::string why = warm.error().message;
      return work_.done(work, [&] { services_.inbox->post(ExecutorUnavailable{work->id(), why}); });
    }
    services_.inbox->post(ExecutorStarted{work->id()});
    AttemptContext context(services_, work->id(), work->start.step.type, work->cancelled);
    const Conversation::Spool spool{(*warm)->spool.path(), services_.spool_bytes_max};
    Conversation conversation(*(*warm)->process, *work, context, spool, wakeup_);
    const auto prepared = services_.prepared->since((*warm)->prepared_stamp);
    if (!prepared.empty()) (*warm)->prepared_stamp = prepared.back().stamp;
    ExecutorFinished finished = conversation.run(prepared);
    if (conversation.must_end()) {
      children_.erase(role);  // returns when nothing of its tree is left
      publish_view();
    }
    if (context.inputs_asked() > 0) trim_.when_due();
    work_.done(work, [&] { services_.inbox->post(std::move(finished)); });
  }

  void publish_view() {
    const std::lock_guard lock(view_mutex_);
    view_.clear();
    for (const auto& [role, warm] : children_)
      if (warm.process) view_.push_back({role, warm.process->pid()});
  }

  const AttemptServices& services_;
  CacheTrim& trim_;
  const ChildProgram& program_;
  KeeperList& keepers_;
  WorkList& work_;
  Wakeup wakeup_;
  std::map<std::string, Warm> children_;  // by role; the slot's thread only
  std::mutex view_mutex_;
  std::vector<ChildView> view_;
  std::thread thread_;  // last: it uses all of the above
};

class ChildSlots final : public SlotPool {
 public:
  ChildSlots(unsigned slots, const AttemptServices& services, CacheTrim& trim, ChildProgram program)
      : program_(std::move(program)) {
    for (unsigned i = 0; i < slots; ++i)
      slots_.push_back(std::make_unique<ChildSlot>(services, trim, program_, keepers_, work_));
  }
  ~ChildSlots() override {
    work_.stop_all(true);
    work_.close();
    wake_all();
    slots_.clear();
  }

  void start(StartAttempt attempt) override { work_.add(std::move(attempt)); }
  void cancel(const AttemptId& attempt) override {
    work_.stop(attempt, false);
    wake_all();
  }
  void kill(const AttemptId& attempt) override {
    work_.stop(attempt, true);
    wake_all();
  }
  void cancel_all() override {
    work_.stop_all(false);
    wake_all();
  }
  bool wait_idle(Duration most) override { return work_.wait_idle(most); }
  void drop_caches() override { work_.poke(); }
  PoolView describe() override {
    PoolView view{work_.describe(), {}};
    for (const auto& slot : slots_) {
      const auto children = slot->describe();
      view.children.insert(view.children.end(), children.begin(), children.end());
    }
    return view;
  }

 private:
  // Which slot an attempt is on is known to the slots only.
  void wake_all() {
    for (const auto& slot : slots_) slot->wakeup().notify();
  }

  const ChildProgram program_;
  KeeperList keepers_;
  WorkList work_;
  std::vector<std::unique_ptr<ChildSlot>> slots_;
};

}  // namespace

std::unique_ptr<SlotPool> make_child_slots(unsigned slots, const AttemptServices& services,
                                           CacheTrim& trim, ChildProgram program) {
  return std::make_unique<ChildSlots>(slots, services, trim, std::move(program));
}

}  // namespace framebus::worker
