// Actions reach the one place that can carry them out, and nobody waits for an answer in vain.
#include "broker/shell/carrier.h"

#include <doctest/doctest.h>

#include <atomic>

#include "tests/broker/shell/fake_router.h"
#include "tests/libmsg/blob/raw_peer.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/store/archive/sample_jobs.h"

namespace framebus::broker {
namespace {

using framebus::test::FakeRouter;

// A broker without an archive: a carrier between fake sockets and a real log keeper.
struct Bench {
  static std::unique_ptr<LogKeeper> start_logs(const std::filesystem::path& directory) {
    LogKeeperOptions options;
    options.store.directory = directory;
    return LogKeeper::start(std::move(options), [] {}).value();
  }

  framebus::test::ScratchDirectory scratch;
  FakeRouter primaries;
  FakeRouter workers;
  SessionTable sessions;
  Delivery delivery{sessions, {&primaries, &workers}, 1'000'000};
  std::unique_ptr<BlobStore> blobs = open_blob_store(scratch / "blobs", false).value();
  InputCheck inputs{*blobs, [] {}};
  Core core{Options{}, 1};
  Intake intake{sessions, delivery, inputs, core, {&primaries, &workers}, {}};
  std::unique_ptr<Store> store = make_memory_store();
  CommitPipeline pipeline{*store};
  LoopCounters loop;
  RecoveryFacts recovery{41, 7};
  DiskGauge disk{100};
  std::unique_ptr<LogKeeper> logs = start_logs(scratch / "logs");
  StatusCounters counters{
      {loop, recovery, sessions, intake, delivery, pipeline, *store, disk, *logs, nullptr}};
  Carrier carrier{delivery, *logs, nullptr, nullptr, counters, core};
  SessionId primary = sessions.add({Side::primary, PeerId{5}}).id;

  const std::vector<Message>& sent() { return primaries.sent[PeerId{5}]; }
};

TEST_CASE("carrier: without an archive the core and the peers are told so") {
  Bench bench;
  JobImage piece;
  piece.job = JobId{3};
  piece.first_task = 1'024;
  bench.carrier.carry_out(Archive{piece, 0});
  bench.carrier.carry_out(LoadArchived{JobId{4}});
  Query query;
  query.request = 9;
  query.kind = QueryKind::archive;
  bench.carrier.carry_out(ListArchived{bench.primary, query});
  std::vector<Event> events;
  bench.carrier.take(TimePoint{}, events);
  REQUIRE(events.size() == 2);
  const auto* archived = std::get_if<Archived>(&events[0]);
  REQUIRE(archived);
  CHECK(archived->job == JobId{3});
  CHECK(archived->first_task == 1'024);
  CHECK(archived->error.find("no archive") != std::string::npos);
  const auto* loaded = std::get_if<ArchiveLoaded>(&events[1]);
  REQUIRE(loaded);
  CHECK(loaded->job == JobId{4});
  CHECK(loaded->pieces.empty());
  CHECK_FALSE(loaded->error.empty());
  REQUIRE(bench.sent().size() == 1);
  const auto* error = std::get_if<ErrorReply>(&bench.sent()[0]);
  REQUIRE(error);
  CHECK(error->request == 9);
  CHECK(error->error.code == static_cast<std::uint16_t>(Code::failed_precondition));
  events.clear();
  bench.carrier.take(TimePoint{}, events);
  CHECK(events.empty());
}

TEST_CASE("carrier: a log that was stored is read back, and answers go to who asked") {
  Bench bench;
  StoreLog chunk;
  chunk.task = {JobId{1}, 2};
  chunk.epoch = 1;
  chunk.grant = 7;
  chunk.bytes = {'h', 'i'};
  bench.carrier.carry_out(StoreLog(chunk));
  LogRead read;
  read.request = 12;
  read.task = chunk.task;
  read.epoch = 1;
  read.grant = 7;
  bench.carrier.carry_out(ReadLog{bench.primary, read, true});
  REQUIRE(framebus::test::eventually([&] {
    std::vector<Event> events;
    bench.carrier.take(TimePoint{}, events);
    return !bench.sent().empty();
  }));
  const auto* data = std::get_if<LogData>(&bench.sent()[0]);
  REQUIRE(data);
  CHECK(data->request == 12);
  CHECK(data->bytes == chunk.bytes);
}

TEST_CASE(
    "carrier: a status leaves with the shell's counters, each once, other replies as they are") {
  Bench bench;
  QueryReply status;
  status.status.version = "test";
  status.status.counters.push_back({"events", 1});
  bench.carrier.carry_out(Send{bench.primary, status, 0});
  bench.carrier.carry_out(Send{bench.primary, QueryReply{}, 0});
  REQUIRE(bench.sent().size() == 2);
  std::map<std::string, std::uint64_t> found;
  const auto& counters = std::get<QueryReply>(bench.sent()[0]).status.counters;
  for (const Counter& each : counters) found[each.name] = each.value;
  CHECK(found.size() == counters.size());
  CHECK(found.at("events") == 1);
  CHECK(found.at("recovery.records") == 41);
  CHECK(found.at("recovery.ms") == 7);
  CHECK(found.at("disk.reserve_bytes") == 100);
  CHECK(std::get<QueryReply>(bench.sent()[1]) == QueryReply{});
}

TEST_CASE("carrier: logs of a job that came back stay when its old version leaves the archive") {
  Bench bench;
  constexpr JobId back{7};
  constexpr JobId gone{8};
  JobAccepted accepted;
  accepted.job = back;
  accepted.spec.name = "job";
  accepted.spec.steps.resize(1);
  accepted.spec.steps[0].name = "main";
  accepted.spec.steps[0].type = "echo";
  accepted.spec.steps[0].task_count = 1;
  bench.core.restore(1, TimePoint{seconds(1)}, accepted);
  auto archive = JobArchive::open(bench.scratch / "archive.db").value();
  for (const JobId job : {back, gone}) {
    for (const JobImage& piece : test::random_job(job, 3, 1)) REQUIRE(archive->put(piece));
    StoreLog chunk;
    chunk.task = {job, 0};
    chunk.epoch = 1;
    chunk.grant = 7;
    chunk.bytes = {'h', 'i'};
    bench.logs->store(std::move(chunk));
  }
  std::atomic<bool> is_empty{false};
  ArchivistOptions options;
  options.keep = milliseconds(1);  // the sample jobs ended long ago: all of them leave at once
  Archivist archivist(std::move(archive), options, [] {});
  Carrier carrier{bench.delivery, *bench.logs, &archivist, nullptr, bench.counters, bench.core};
  std::vector<Event> events;
  REQUIRE(framebus::test::eventually([&] {
    archivist.post([&](JobArchive& each) { is_empty = each.stats().value().jobs == 0; });
    return is_empty.load();
  }));
  carrier.take(TimePoint{}, events);
  const auto log_of = [&](JobId job) {
    const std::size_t before = bench.sent().size();
    LogRead read;
    read.request = job.value;
    read.task = {job, 0};
    read.epoch = 1;
    read.grant = 7;
    carrier.carry_out(ReadLog{bench.primary, read, true});
    REQUIRE(framebus::test::eventually([&] {
      carrier.take(TimePoint{}, events);
      return bench.sent().size() > before;
    }));
    const auto* data = std::get_if<LogData>(&bench.sent().back());
    return data == nullptr ? Bytes() : data->bytes;
  };
  CHECK(log_of(back) == Bytes{'h', 'i'});
  CHECK(log_of(gone).empty());
}

}  // namespace
}  // namespace framebus::broker
