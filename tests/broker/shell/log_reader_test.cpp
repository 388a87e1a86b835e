// Readers of logs: answered at once, or parked until there is something to say. No threads, no
// clock: times are made up.
#include "broker/shell/log_reader.h"

#include <doctest/doctest.h>

#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus::broker {
namespace {

using framebus::test::ScratchDirectory;

constexpr LogName log{{JobId{7}, 3}, 2, 11};
constexpr TimePoint start{seconds(1000)};

struct Readers {
  ScratchDirectory directory;
  LogStore store;
  LogReader reader;
  explicit Readers(LogReaderOptions options = {})
      : store(LogStore::open({.directory = directory / "logs"}).value()), reader(store, options) {}

  void append(std::uint64_t offset, std::string_view text) {
    REQUIRE(store.append(log, offset, bytes_of(text)));
    reader.stored(log);
  }
};

ReadLog ask(std::uint64_t request, std::uint64_t offset, bool follow, bool open,
            std::uint64_t session = 1) {
  ReadLog action;
  action.session = SessionId{session};
  action.read.request = request;
  action.read.task = log.task;
  action.read.epoch = log.epoch;
  action.read.grant = log.grant;
  action.read.offset = offset;
  action.read.follow = follow;
  action.open = open;
  return action;
}

using Replies = std::vector<std::pair<SessionId, Message>>;

LogData data(std::uint64_t request, std::uint64_t offset, std::string_view text, std::uint64_t size,
             bool end = false) {
  LogData out;
  out.request = request;
  out.task = log.task;
  out.epoch = log.epoch;
  out.grant = log.grant;
  out.offset = offset;
  out.bytes.assign(text.begin(), text.end());
  out.size = size;
  out.end = end;
  return out;
}

Replies to(std::uint64_t session, const LogData& reply) {
  return {{SessionId{session}, reply}};
}

TEST_CASE(
    "log reader: what is there is answered at once, the end is told once the attempt is over") {
  Readers at;
  at.append(0, "abcdef");
  at.reader.read(start, ask(1, 2, true, true));
  CHECK(at.reader.take() == to(1, data(1, 2, "cdef", 6)));
  at.reader.read(start, ask(2, 6, false, true));
  CHECK(at.reader.take() == to(1, data(2, 6, "", 6)));
  at.reader.read(start, ask(3, 2, true, false));
  CHECK(at.reader.take() == to(1, data(3, 2, "cdef", 6, true)));
  at.reader.read(start, ask(4, 6, true, false));
  CHECK(at.reader.take() == to(1, data(4, 6, "", 6, true)));
  at.reader.read(start, ask(5, 600, true, false));
  CHECK(at.reader.take() == to(1, data(5, 600, "", 6, true)));
}

TEST_CASE("log reader: a long log is read in pieces, and only the last one is the end") {
  Readers at;
  const std::string text(limits::log_chunk_bytes_max + 10, 'x');
  at.append(0, text);
  at.reader.read(start, ask(1, 0, false, false));
  CHECK(at.reader.take() ==
        to(1, data(1, 0, text.substr(0, limits::log_chunk_bytes_max), text.size())));
  at.reader.read(start, ask(2, limits::log_chunk_bytes_max, false, false));
  CHECK(at.reader.take() ==
        to(1, data(2, limits::log_chunk_bytes_max, "xxxxxxxxxx", text.size(), true)));
}

TEST_CASE("log reader: a follower waits for the next bytes of its own attempt") {
  Readers at;
  at.append(0, "ab");
  at.reader.read(start, ask(1, 2, true, true));
  CHECK(at.reader.take().empty());
  CHECK(at.reader.parked() == 1);
  CHECK(at.reader.next_deadline() == start + seconds(2));
  at.reader.stored({log.task, log.epoch, log.grant + 1});
  at.reader.stored({{log.task.job, log.task.index + 1}, log.epoch, log.grant});
  CHECK(at.reader.take().empty());
  at.append(2, "cd");
  CHECK(at.reader.take() == to(1, data(1, 2, "cd", 4)));
  CHECK(at.reader.parked() == 0);
  at.append(4, "ef");
  CHECK(at.reader.take().empty());
}

TEST_CASE("log reader: a follower hears of the end, and of nothing after two seconds") {
  Readers at;
  at.append(0, "ab");
  at.reader.read(start, ask(1, 2, true, true));
  at.reader.ended({log.task, log.epoch, log.grant + 1});
  CHECK(at.reader.take().empty());
  at.reader.ended(log);
  CHECK(at.reader.take() == to(1, data(1, 2, "", 2, true)));

  at.reader.read(start, ask(2, 2, true, true));
  at.reader.expire(start + seconds(2) - milliseconds(1));
  CHECK(at.reader.take().empty());
  at.reader.expire(start + seconds(2));
  CHECK(at.reader.take() == to(1, data(2, 2, "", 2)));
  CHECK(at.reader.next_deadline() == std::nullopt);
}

TEST_CASE("log reader: bytes that lie before the wanted offset wake nobody") {
  Readers at;
  at.reader.read(start, ask(1, 10, true, true));
  at.append(0, "abcd");
  CHECK(at.reader.take().empty());
  at.append(4, "efghijklm");
  CHECK(at.reader.take() == to(1, data(1, 10, "klm", 13)));
}

TEST_CASE(
    "log reader: of a task without an attempt nothing is there, and a follower hears of its "
    "first") {
  Readers at;
  ReadLog none = ask(1, 0, false, true);
  none.read.epoch = none.read.grant = 0;
  LogData nothing = data(1, 0, "", 0);
  nothing.epoch = nothing.grant = 0;
  at.reader.read(start, none);
  CHECK(at.reader.take() == to(1, nothing));
  none.read.follow = true;
  at.reader.read(start, none);
  CHECK(at.reader.take().empty());
  at.append(0, "ab");
  CHECK(at.reader.take() == to(1, nothing));
  none.open = false;
  at.reader.read(start, none);
  nothing.end = true;
  CHECK(at.reader.take() == to(1, nothing));
}

TEST_CASE("log reader: when too many wait, more are answered at once instead") {
  Readers at({.follow_max = seconds(2), .parked_max = 3, .parked_of_session_max = 2});
  for (std::uint64_t request = 1; request <= 3; ++request) {
    at.reader.read(start, ask(request, 0, true, true, 1));
  }
  CHECK(at.reader.take() == to(1, data(3, 0, "", 0)));
  at.reader.read(start, ask(4, 0, true, true, 2));
  CHECK(at.reader.take().empty());
  at.reader.read(start, ask(5, 0, true, true, 3));
  CHECK(at.reader.take() == to(3, data(5, 0, "", 0)));
  CHECK(at.reader.parked() == 3);
  at.append(0, "x");
  CHECK(at.reader.take().size() == 3);
  at.reader.read(start, ask(6, 1, true, true, 1));  // the places are free again
  CHECK(at.reader.parked() == 1);
}

TEST_CASE("log reader: a session that is gone waits for nothing any more") {
  Readers at;
  at.reader.read(start, ask(1, 0, true, true, 1));
  at.reader.read(start, ask(2, 0, true, true, 2));
  at.reader.read(start, ask(3, 0, true, true, 1));
  at.reader.forget(SessionId{1});
  at.append(0, "ab");
  CHECK(at.reader.take() == to(2, data(2, 0, "ab", 2)));
  CHECK(at.reader.parked() == 0);
}

TEST_CASE("log reader: a log that can not be read is an error for its reader") {
  Readers at;
  at.append(0, "abc");
  std::filesystem::remove(at.directory / "logs" / "7" / "3.2-11.log");
  at.reader.read(start, ask(9, 0, false, false));
  const Replies replies = at.reader.take();
  REQUIRE(replies.size() == 1);
  const auto& reply = std::get<ErrorReply>(replies[0].second);
  CHECK(reply.request == 9);
  CHECK(reply.error.code == static_cast<std::uint16_t>(Code::not_found));
}

std::vector<std::uint64_t> requests_of(const Replies& replies) {
  std::vector<std::uint64_t> requests;
  for (const auto& [session, message] : replies)
    requests.push_back(std::get<LogData>(message).request);
  return requests;
}

TEST_CASE("log reader: answers come in batches of bounded size, all of them, in order") {
  LogReaderOptions options;
  options.batch_bytes_max = 3'000;  // of 1,000 bytes each and a little
  Readers at(options);
  at.append(0, std::string(1'000, 'x'));
  for (std::uint64_t request = 1; request <= 7; ++request)
    at.reader.read(start, ask(request, 0, false, false));
  CHECK(at.reader.postponed() == 4);
  CHECK(requests_of(at.reader.take()) == std::vector<std::uint64_t>{1, 2, 3});
  at.reader.go_on();
  at.reader.read(start, ask(8, 0, false, false));
  CHECK(requests_of(at.reader.take()) == std::vector<std::uint64_t>{4, 5, 6});
  at.reader.go_on();
  CHECK(requests_of(at.reader.take()) == std::vector<std::uint64_t>{7, 8});
  CHECK(at.reader.postponed() == 0);
}

TEST_CASE("log reader: many followers of one log are woken in batches too") {
  LogReaderOptions options;
  options.batch_bytes_max = 3'000;
  Readers at(options);
  for (std::uint64_t session = 1; session <= 100; ++session)
    at.reader.read(start, ask(session, 0, true, true, session));
  at.append(0, std::string(1'000, 'x'));
  CHECK(at.reader.parked() == 0);
  std::size_t answered = 0, batches = 0;
  for (Replies replies = at.reader.take(); !replies.empty(); replies = at.reader.take()) {
    CHECK(replies.size() <= 3);
    answered += replies.size();
    ++batches;
    at.reader.go_on();
  }
  CHECK(answered == 100);
  CHECK(batches == 34);
}

TEST_CASE("log reader: who is gone is not answered later either") {
  LogReaderOptions options;
  options.batch_bytes_max = 1;
  Readers at(options);
  at.append(0, "x");
  for (std::uint64_t session = 1; session <= 3; ++session)
    at.reader.read(start, ask(session, 0, false, false, session));
  at.reader.forget(SessionId{2});
  CHECK(requests_of(at.reader.take()) == std::vector<std::uint64_t>{1});
  at.reader.go_on();
  CHECK(requests_of(at.reader.take()) == std::vector<std::uint64_t>{3});
}

}  // namespace
}  // namespace framebus::broker
