// The archive's thread: every request is answered, in order, whatever the archive does.
#include "broker/shell/archivist.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>

#include "tests/broker/shell/woken.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/store/archive/sample_jobs.h"

namespace framebus::broker {
namespace {

using framebus::test::ScratchDirectory;
using namespace test;

// Puts together what came over several takes.
struct Inbox {
  ArchivistResults all;
  void take(Archivist& archivist) {
    ArchivistResults some = archivist.take();
    for (Event& event : some.events) all.events.push_back(std::move(event));
    for (auto& reply : some.replies) all.replies.push_back(std::move(reply));
    for (const JobId job : some.removed) all.removed.push_back(job);
  }
};

struct Office {
  ScratchDirectory directory;
  Woken woken;
  Inbox inbox;
  std::atomic<std::int64_t> wall_ms{first_day_ms + 120'000};
  std::unique_ptr<Archivist> archivist;

  explicit Office(ArchivistOptions options = {}) {
    options.wall_ms = [this] { return wall_ms.load(); };
    archivist = std::make_unique<Archivist>(JobArchive::open(directory / "archive.db").value(),
                                            options, woken.wake());
  }
  void put(const std::vector<JobImage>& pieces) {
    for (const JobImage& piece : pieces) archivist->put(Archive{piece, 0});
  }
  void until_events(std::size_t count) {
    woken.until([&] {
      inbox.take(*archivist);
      return inbox.all.events.size() >= count;
    });
  }
};

TEST_CASE("archivist: pieces are confirmed one by one, a job is read back whole") {
  Office at;
  const auto pieces = random_job(JobId{7}, 150, 1);
  at.put(pieces);
  at.archivist->load({JobId{7}});
  at.archivist->load({JobId{8}});
  at.until_events(5);
  const std::vector<Event> expected = {
      Archived{JobId{7}, 0, ""}, Archived{JobId{7}, 64, ""}, Archived{JobId{7}, 128, ""},
      ArchiveLoaded{JobId{7}, pieces, ""}, ArchiveLoaded{JobId{8}, {}, ""}};
  CHECK(at.inbox.all.events == expected);
}

TEST_CASE("archivist: a list is a QueryReply for the session that asked") {
  Office at;
  at.put(random_job(JobId{7}, 10, 1));
  at.put(random_job(JobId{9}, 10, 2));
  Query query;
  query.request = 31;
  query.kind = QueryKind::archive;
  query.limit = 1;
  at.archivist->list({SessionId{5}, query});
  at.woken.until([&] {
    at.inbox.take(*at.archivist);
    return !at.inbox.all.replies.empty();
  });
  CHECK(at.inbox.all.replies[0].first == SessionId{5});
  const auto& reply = std::get<QueryReply>(at.inbox.all.replies[0].second);
  CHECK(reply.request == 31);
  CHECK(reply.total == 2);
  CHECK(reply.next_offset == 1);
  REQUIRE(reply.jobs.size() == 1);
  CHECK(reply.jobs[0].id == JobId{9});
  CHECK(reply.jobs[0].age_ms == 120'500);
}

TEST_CASE("archivist: an error of the archive is an answer, and the next request is served") {
  Office at;
  auto pieces = random_job(JobId{7}, 150, 1);
  at.archivist->put(Archive{pieces[1], 0});
  at.put(pieces);
  at.until_events(4);
  const auto& refused = std::get<Archived>(at.inbox.all.events[0]);
  CHECK(refused.first_task == 64);
  CHECK(refused.error.find("begin again with the first") != std::string::npos);
  CHECK(at.inbox.all.events[3] == Event(Archived{JobId{7}, 128, ""}));
}

TEST_CASE("archivist: while the archive hangs the loop goes on, and what is too much is answered") {
  ArchivistOptions options;
  options.waiting_max = 2;
  Office at(options);
  std::promise<void> begun, release;
  REQUIRE(at.archivist->post([&](JobArchive&) {
    begun.set_value();
    release.get_future().wait();
  }));
  begun.get_future().wait();
  const auto pieces = random_job(JobId{7}, 10, 1);
  at.put(pieces);
  at.archivist->load({JobId{7}});
  at.archivist->load({JobId{8}});  // one too many
  at.archivist->put(Archive{pieces[0], 0});
  Query query;
  query.request = 4;
  at.archivist->list({SessionId{5}, query});
  CHECK_FALSE(at.archivist->post([](JobArchive&) {}));
  at.inbox.take(*at.archivist);
  REQUIRE(at.inbox.all.events.size() == 2);
  CHECK(std::get<ArchiveLoaded>(at.inbox.all.events[0]).job == JobId{8});
  CHECK(std::get<ArchiveLoaded>(at.inbox.all.events[0]).error.find("allowed are 2 (archive_requests_max)") !=
        std::string::npos);
  CHECK_FALSE(std::get<Archived>(at.inbox.all.events[1]).error.empty());
  REQUIRE(at.inbox.all.replies.size() == 1);
  CHECK(at.archivist->refused() == 4);
  const auto& refused = std::get<ErrorReply>(at.inbox.all.replies[0].second);
  CHECK(refused.request == 4);
  CHECK(refused.error.code == static_cast<std::uint16_t>(Code::resource_exhausted));
  CHECK(refused.error.retry_after_ms > 0);
  release.set_value();
  at.until_events(4);
  CHECK(at.inbox.all.events[2] == Event(Archived{JobId{7}, 0, ""}));
  CHECK(at.inbox.all.events[3] == Event(ArchiveLoaded{JobId{7}, pieces, ""}));
}

TEST_CASE("archivist: old jobs leave and are told, those read back lately stay") {
  ArchivistOptions options;
  options.keep = std::chrono::hours(1);
  options.remove_every = std::chrono::minutes(10);
  Office at(options);
  at.put(random_job(JobId{1}, 10, 1));
  at.put(random_job(JobId{2}, 10, 2));
  at.until_events(2);
  at.wall_ms += 2 * 3'600'000;
  at.archivist->load({JobId{2}});
  at.woken.until([&] {
    at.inbox.take(*at.archivist);
    return !at.inbox.all.removed.empty();
  });
  CHECK(at.inbox.all.removed == std::vector<JobId>{JobId{1}});
  at.wall_ms += 2 * 3'600'000;  // long after it was read back
  REQUIRE(at.archivist->post([](JobArchive&) {}));
  at.woken.until([&] {
    at.inbox.take(*at.archivist);
    return at.inbox.all.removed.size() == 2;
  });
  CHECK(at.inbox.all.removed[1] == JobId{2});
}

TEST_CASE("archivist: it ends in the middle of much work, and what it has confirmed is there") {
  const ScratchDirectory directory;
  Woken woken;
  std::size_t confirmed = 0;
  {
    Archivist archivist(JobArchive::open(directory / "archive.db").value(),
                        {.keep = std::chrono::hours(24 * 365 * 100), .wall_ms = {}}, woken.wake());
    for (std::uint64_t job = 1; job <= 200; ++job) {
      archivist.put(Archive{random_job(JobId{job}, 20, job)[0], 0});
    }
    woken.until([&] {
      confirmed += archivist.take().events.size();
      return confirmed >= 3;
    });
  }
  const auto archive = JobArchive::open(directory / "archive.db").value();
  for (std::uint64_t job = 1; job <= confirmed; ++job) {
    CHECK(archive->load(JobId{job}).value() == random_job(JobId{job}, 20, job));
  }
}

}  // namespace
}  // namespace framebus::broker
