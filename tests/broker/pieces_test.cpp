// The small parts of the core, each against something known.
#include <set>

#include "broker/core/index_set.h"
#include "libmsg/base/siphash.h"
#include "broker/core/tables.h"
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

TEST_CASE("siphash: the reference vectors of SipHash-2-4-128") {
  SipKey key{};
  for (std::uint8_t i = 0; i < 16; ++i) key[i] = i;
  const auto hex = [&](std::size_t length) {
    Bytes input;
    for (std::size_t i = 0; i < length; ++i) input.push_back(static_cast<std::uint8_t>(i));
    const SipHash hash = siphash128(key, input);
    return to_hex(hash.data(), hash.size());
  };
  CHECK(hex(0) == "a3817f04ba25a8e66df67214c7550293");
  CHECK(hex(1) == "da87c1d86b99af44347659119b22fc45");
}

TEST_CASE("siphash: pieces give what the whole gives") {
  const Bytes input = bytes("every byte of a token counts, wherever it is cut");
  const SipKey key{{1, 2, 3}};
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    SipHasher hasher(key);
    hasher.add(BytesView(input).first(cut));
    hasher.add(BytesView(input).subspan(cut));
    CHECK(hasher.finish() == siphash128(key, input));
  }
}

TEST_CASE("token: bound to task, grant and worker") {
  const SipKey key{{9}};
  const TaskRef task{JobId{1}, 2};
  const Token token = make_token(key, task, 3, 4, worker_id(1));
  CHECK(is_genuine(key, task, token, worker_id(1)));
  CHECK_FALSE(is_genuine(key, task, token, worker_id(2)));
  CHECK_FALSE(is_genuine(key, {JobId{1}, 3}, token, worker_id(1)));
  CHECK_FALSE(is_genuine(SipKey{{8}}, task, token, worker_id(1)));
  Token later = token;
  ++later.grant;
  CHECK_FALSE(is_genuine(key, task, later, worker_id(1)));
}

TEST_CASE("index set: does what an ordered set does") {
  Chance chance(3);
  for (const std::uint32_t capacity : {1u, 63u, 64u, 65u, 4097u, 300'000u}) {
    IndexSet ours(capacity);
    std::set<std::uint32_t> model;
    for (int i = 0; i < 4000; ++i) {
      const auto index = static_cast<std::uint32_t>(chance.below(capacity));
      if (chance.below(2) == 0) {
        CHECK(ours.insert(index) == model.insert(index).second);
      } else {
        CHECK(ours.erase(index) == (model.erase(index) == 1));
      }
      CHECK(ours.size() == model.size());
      CHECK(ours.first() == (model.empty() ? IndexSet::none : *model.begin()));
    }
  }
}

TEST_CASE(
    "tables: rows are numbered, leave ended tasks only by a retry, and stay in the set of states") {
  for (std::uint32_t number = 1; number <= task_row_count; ++number) {
    const TaskRow& row = task_rows[number];
    CHECK(row.row == number);
    CHECK_FALSE(row.event.empty());
    if (number != 25 && row.to != 0) CHECK((row.from & sets::terminal) == 0);
    CHECK((row.from & ~(sets::open | sets::terminal)) == 0);
  }
}

TEST_CASE("print: actions name every field that is not its default") {
  const Send send{SessionId{4}, ResultsOk{{{{JobId{1}, 2}, {1, 7, {}}}}, {}}, 9};
  CHECK(to_string(Action(send)) ==
        "Send session 4 ResultsOk{attempts=[{task=1:2 token=1.7}]} after 9");
}
