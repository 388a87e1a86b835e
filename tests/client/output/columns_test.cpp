#include "client/output/columns.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "client/output/text.h"

using namespace framebus::client;

namespace {

Columns example() {
  Columns table;
  table.columns = {{"ID", true}, {"NAME", false, true}, {"OWNER", false, false, 1}, {"STATE"}};
  table.rows = {{{"3"}, {"a rather long name of a job"}, {"ada"}, {"running", Style::running}},
                {{"12"}, {"short"}, {"grace"}, {"queued", Style::waiting}}};
  return table;
}

std::size_t widest_line(const std::string& text) {
  std::size_t widest = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    widest = std::max(widest, column_count(text.substr(at, end - at)));
    at = end + 1;
  }
  return widest;
}

}  // namespace

TEST_CASE("columns: are aligned, and nothing is cut without a width") {
  CHECK(laid_out(example(), 0, false) ==
        "ID  NAME                         OWNER  STATE\n"
        " 3  a rather long name of a job  ada    running\n"
        "12  short                        grace  queued\n");
}

TEST_CASE("columns: a narrow table first loses unimportant columns, then clips flexible ones") {
  CHECK(laid_out(example(), 38, false) ==
        "ID  NAME                OWNER  STATE\n"
        " 3  a rather long nam…  ada    running\n"
        "12  short               grace  queued\n");
  CHECK(laid_out(example(), 24, false) ==
        "ID  NAME         STATE\n"
        " 3  a rather l…  running\n"
        "12  short        queued\n");
}

TEST_CASE("columns: never wider than the terminal while that is possible") {
  for (std::size_t width = 21; width < 60; ++width)
    CHECK(widest_line(laid_out(example(), width, false)) <= width);
}

TEST_CASE("columns: colours do not count as width") {
  const std::string out = laid_out(example(), 0, true);
  CHECK(out.find("\x1b[33mrunning\x1b[0m\n") != std::string::npos);
  CHECK(out.find("\x1b[34mqueued\x1b[0m\n") != std::string::npos);
}
