// What people ask of jobs that are here is new work, too: it is refused as a Submit is when there
// is no room for it. A cancel never is.
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

const JobId first{1};

struct Farm : Rig {
  SessionId ann, one;
  explicit Farm(Options options = {}) : Rig(options), ann(primary()), one(worker(1)) {}

  WireError refused(JobAction action, std::vector<std::uint32_t> tasks = {}) {
    const std::size_t records = journal.size();
    act(ann, action, first, std::move(tasks));
    const WireError error = only<ErrorReply>().error;
    CHECK(error.code == static_cast<int>(Code::resource_exhausted));
    CHECK(error.retry_after_ms == 5'000);
    CHECK(journal.size() == records);
    return error;
  }
  void fill_disk(bool full = true) { step(StorePressure{full, "12 MiB are left"}); }
};

bool has(const WireError& error, std::string_view text) {
  return error.message.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("act: a retry asks for room as a Submit does, and is told the bound and what it found") {
  Options options;
  options.queued_tasks_max = 100;
  Farm rig(options);
  rig.submit(rig.ann, a_job().with_tasks(60));
  rig.act(rig.ann, JobAction::cancel, first);
  rig.take();
  rig.receive(rig.one, Aborted{{rig.granted}});
  rig.take();
  rig.submit(rig.ann, a_job().with_tasks(50));
  const WireError whole = rig.refused(JobAction::retry);
  CHECK(has(whole, "found 110 "));
  CHECK(has(whole, "allowed are 100 (queued_tasks_max)"));
  CHECK(has(whole, "the retry adds 60"));
  CHECK(rig.core.state().refusals.of(Bound::queued_tasks) == 1);
  rig.act(rig.ann, JobAction::retry, first, {0, 1, 2});
  CHECK(rig.only<ActOk>().changed == 3);
  CHECK(rig.core.state().open_tasks == 53);
}

TEST_CASE("act: a retry counts the tasks that come back with those that are named") {
  Options options;
  options.queued_tasks_max = 25;
  Farm rig(options);
  rig.submit(rig.ann, a_job().step("a", 1).step("b", 20).after(0));
  rig.receive(rig.one, Results{{Rig::error(rig.granted.at(0), true)}});
  rig.take();
  rig.submit(rig.ann, a_job().with_tasks(5));
  CHECK(has(rig.refused(JobAction::retry, {0}), "the retry adds 21"));
}

TEST_CASE("act: a job that has ended brings the bytes of its specification back with a retry") {
  Options options;
  options.queued_spec_bytes_max = 30'000;
  Farm rig(options);
  JobBuilder heavy = a_job().with_tasks(1);
  heavy.last().params = Bytes(12'000, 1);
  rig.submit(rig.ann, heavy);
  rig.receive(rig.one, Results{{Rig::error(rig.granted.at(0), true)}});
  rig.take();
  rig.submit(rig.ann, heavy);
  rig.submit(rig.ann, heavy);
  CHECK(has(rig.refused(JobAction::retry), "(queued_specs_max)"));
}

TEST_CASE("act: a full disk keeps its reserve for results, and a cancel works all the same") {
  Farm rig;
  rig.submit(rig.ann, a_job().with_tasks(2));
  rig.act(rig.ann, JobAction::cancel, first, {1});
  rig.take();
  rig.fill_disk();
  const WireError retry = rig.refused(JobAction::retry);
  CHECK(has(retry, "12 MiB are left"));
  CHECK(has(retry, "results are still taken, the retry is not"));
  CHECK(has(rig.refused(JobAction::pause), "the pause is not"));
  CHECK(has(rig.refused(JobAction::resume), "the resume is not"));
  CHECK(has(rig.refused(JobAction::set_priority), "the new priority is not"));
  CHECK(rig.core.state().counters.refused_store_full == 4);
  rig.act(rig.ann, JobAction::cancel, first);
  rig.expect({"Persist 4 JobActed{job=1 deed=1 by=\"ann\"}", "Send session 2 Abort*",
              "Send session 1 ActOk{request=* changed=1 unchanged=1 * after 4"});
  // Once more it has nothing to do: no record, however often.
  rig.act(rig.ann, JobAction::cancel, first);
  rig.expect({"Send session 1 ActOk{request=* unchanged=2 * after 4"});
  rig.fill_disk(false);
  rig.act(rig.ann, JobAction::retry, first, {1});
  CHECK(rig.only<ActOk>().changed == 1);
}

TEST_CASE("act: a full disk refuses sticky commands, which are recorded, and no others") {
  Farm rig;
  rig.commandable(2, {"prepare", "step"});
  rig.fill_disk();
  rig.sticky(rig.ann, 7, "prepare");
  const WireError error = rig.only<ErrorReply>().error;
  CHECK(error.code == static_cast<int>(Code::resource_exhausted));
  CHECK(error.retry_after_ms == 5'000);
  CHECK(rig.core.state().commands.empty());
  CHECK(rig.journal.empty());
  rig.command(rig.ann, 8, CommandTarget::all, "step");
  CHECK(Rig::all<RunCommand>(rig.take()).size() == 1);
}
