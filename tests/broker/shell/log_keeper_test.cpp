// The thread of the logs: order, bounds, and that it ends with everything written.
#include "broker/shell/log_keeper.h"

#include <doctest/doctest.h>

#include <chrono>

#include "tests/broker/shell/woken.h"
#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus::broker {
namespace {

using framebus::test::ScratchDirectory;
using test::Woken;

constexpr TaskRef task{JobId{7}, 3};

StoreLog chunk(std::uint64_t offset, std::string_view text, std::uint32_t index = 3) {
  StoreLog action;
  action.task = {JobId{7}, index};
  action.epoch = 2;
  action.grant = 11;
  action.offset = offset;
  action.bytes.assign(text.begin(), text.end());
  return action;
}

ReadLog ask(std::uint64_t request, std::uint64_t offset, bool follow, std::uint64_t session = 1) {
  ReadLog action;
  action.session = SessionId{session};
  action.read.request = request;
  action.read.task = task;
  action.read.epoch = 2;
  action.read.grant = 11;
  action.read.offset = offset;
  action.read.follow = follow;
  action.open = true;
  return action;
}

struct Keeper {
  ScratchDirectory directory;
  Woken woken;
  std::unique_ptr<LogKeeper> keeper;
  std::vector<std::pair<SessionId, Message>> replies;

  explicit Keeper(LogKeeperOptions options = {}) {
    options.store.directory = directory / "logs";
    keeper = LogKeeper::start(options, woken.wake()).value();
  }
  const Message& reply(std::size_t index) {
    woken.until([&] {
      for (auto& each : keeper->take()) replies.push_back(std::move(each));
      return replies.size() > index;
    });
    return replies[index].second;
  }
};

TEST_CASE("log keeper: a read sees what was stored before it, a follower what comes after") {
  Keeper at;
  at.keeper->store(chunk(0, "one\n"));
  at.keeper->read(ask(1, 0, true));
  CHECK(text_of(std::get<LogData>(at.reply(0)).bytes) == "one\n");
  at.keeper->read(ask(2, 4, true));
  at.keeper->store(chunk(4, "two\n"));
  CHECK(text_of(std::get<LogData>(at.reply(1)).bytes) == "two\n");
  at.keeper->read(ask(3, 8, true));
  at.keeper->ended({task, 2, 11});
  CHECK(std::get<LogData>(at.reply(2)).end);
}

TEST_CASE("log keeper: a follower of a silent attempt gets an empty answer in the end") {
  LogKeeperOptions options;
  options.reader.follow_max = milliseconds(5);
  Keeper at(options);
  at.keeper->read(ask(1, 0, true));
  const auto& data = std::get<LogData>(at.reply(0));
  CHECK(data.bytes.empty());
  CHECK_FALSE(data.end);
}

TEST_CASE("log keeper: a session that is gone gets nothing any more, another one does") {
  Keeper at;
  at.keeper->read(ask(1, 0, true, 1));
  at.keeper->read(ask(2, 0, true, 2));
  at.keeper->forget(SessionId{1});
  at.keeper->store(chunk(0, "x"));
  CHECK(std::get<LogData>(at.reply(0)).request == 2);
  CHECK(at.replies.size() == 1);
}

TEST_CASE("log keeper: a dropped job's logs are gone for whoever reads next") {
  Keeper at;
  at.keeper->store(chunk(0, "x"));
  at.keeper->drop(JobId{7});
  at.keeper->read(ask(1, 0, false));
  CHECK(std::get<LogData>(at.reply(0)).size == 0);
}

TEST_CASE("log keeper: what does not fit the queue is dropped and counted, a read refused") {
  LogKeeperOptions options;
  options.waiting_bytes_max = 100;  // less than any request
  Keeper at(options);
  at.keeper->store(chunk(0, "x"));
  at.keeper->store(chunk(1, "x"));
  CHECK(at.keeper->counters().dropped_chunks == 2);
  at.keeper->read(ask(5, 0, false));
  const auto& refused = std::get<ErrorReply>(at.reply(0));
  CHECK(refused.request == 5);
  CHECK(refused.error.code == static_cast<std::uint16_t>(Code::resource_exhausted));
  CHECK(refused.error.message.find("allowed are 100 (log_waiting_bytes_max)") != std::string::npos);
  CHECK(at.keeper->counters().refused_for_queue == 3);
  at.keeper->ended({task, 2, 11});  // is never refused
}

TEST_CASE("log keeper: what was refused stays counted when the thread tells what it has stored") {
  LogKeeperOptions options;
  options.waiting_bytes_max = 200;  // a read fits, a chunk of a hundred bytes and more does not
  Keeper at(options);
  at.keeper->store(chunk(0, std::string(100, 'x')));
  at.keeper->read(ask(5, 0, false));
  CHECK(std::get<LogData>(at.reply(0)).size == 0);
  CHECK(at.keeper->counters().dropped_chunks == 1);
  CHECK(at.keeper->counters().refused_for_queue == 1);
}

TEST_CASE("log keeper: a directory that can not be made is told at the start") {
  const ScratchDirectory directory;
  LogKeeperOptions options;
  options.store.directory = directory / "none" / "logs";
  CHECK_FALSE(LogKeeper::start(options, [] {}));
}

TEST_CASE("log keeper: everything handed over is on the disk when it has ended") {
  const ScratchDirectory directory;
  LogKeeperOptions options;
  options.store.directory = directory / "logs";
  const std::string text(4096, 'x');
  const auto begin = std::chrono::steady_clock::now();
  double loop_s = 0;
  constexpr std::uint32_t attempts = 2'000;
  {
    const auto keeper = LogKeeper::start(options, [] {}).value();
    for (std::uint32_t i = 0; i < attempts; ++i) keeper->store(chunk(0, text, i));
    loop_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  const double all_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  MESSAGE(attempts << " logs of 4 KiB: " << loop_s * 1e6 / attempts << " us each for the loop, "
                   << all_s * 1e6 / attempts << " us until all are written");
  auto store = LogStore::open(options.store).value();
  store.add_up();
  CHECK(store.counters().bytes == attempts * 4096);
}

TEST_CASE("log keeper: what waits for the loop is bounded, and nothing is lost by it") {
  LogKeeperOptions options;
  options.reader.batch_bytes_max = 2'000;
  Keeper at(options);
  at.keeper->store(chunk(0, std::string(1'000, 'x')));
  for (std::uint64_t request = 1; request <= 200; ++request)
    at.keeper->read(ask(request, 0, false));
  std::size_t answered = 0, largest = 0;
  at.woken.until([&] {
    const std::size_t taken = at.keeper->take().size();
    answered += taken;
    largest = std::max(largest, taken);
    return answered == 200;
  });
  CHECK(largest <= 3);  // a batch, and the one answer that did not fill the last
}

}  // namespace
}  // namespace framebus::broker
