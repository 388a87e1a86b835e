// Logs as people see them, whatever pieces they come in.
#include "client/output/log_text.h"

#include <doctest/doctest.h>

using namespace framebus;
using namespace framebus::client;

namespace {

LogPiece piece(std::uint32_t task, std::string_view text, std::uint64_t gap_bytes = 0,
               std::uint64_t grant = 1) {
  LogPiece out;
  out.task = {JobId{3}, task};
  out.epoch = 1;
  out.grant = grant;
  out.gap_bytes = gap_bytes;
  out.bytes.assign(text.begin(), text.end());
  return out;
}

}  // namespace

TEST_CASE("log text: lines are shown when they are whole, the last one at the end") {
  LogText text(false);
  CHECK(text.add(piece(1, "loading")) == "");
  CHECK(text.add(piece(1, " scene\nsampl")) == "loading scene\n");
  CHECK(text.add(piece(1, "ing\n\n")) == "sampling\n\n");
  CHECK(text.add(piece(1, "done")) == "");
  CHECK(text.end({JobId{3}, 1}) == "done\n");
  CHECK(text.end({JobId{3}, 1}) == "");
}

TEST_CASE("log text: lines of several tasks name their task") {
  LogText text(true);
  CHECK(text.add(piece(1, "a\nb")) == "3:1 | a\n");
  CHECK(text.add(piece(2, "c\n")) == "3:2 | c\n");
  CHECK(text.add(piece(1, "b\n")) == "3:1 | bb\n");
}

TEST_CASE("log text: what was not kept is told in one line, the next attempt too") {
  LogText text(false);
  CHECK(text.add(piece(1, "head\ncut of")) == "head\n");
  CHECK(text.add(piece(1, "f\ntail\n", 3 << 20)) ==
        "cut of\n[3.0 MiB of the log were not kept]\nf\ntail\n");
  CHECK(text.add(piece(1, "again\n", 0, 2)) == "[next attempt]\nagain\n");
}

TEST_CASE("log text: an escape sequence cut in two by a piece does not reach the terminal") {
  LogText text(false);
  CHECK(text.add(piece(1, "a\x1b[3")) == "");
  CHECK(text.add(piece(1, "1mred\x1b]0;t\x07\n")) == "ared\n");
}

TEST_CASE("log text: a line without an end is shown in pieces, not kept for ever") {
  LogText text(false);
  std::size_t shown = 0;
  for (int i = 0; i < 100; ++i) shown += text.add(piece(1, std::string(10'000, 'x'))).size();
  CHECK(shown > 900'000);
}
