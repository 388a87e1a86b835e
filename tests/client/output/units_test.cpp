#include "client/output/units.h"

#include <doctest/doctest.h>

using namespace framebus;
using namespace framebus::client;

TEST_CASE("units: durations in at most two units") {
  CHECK(duration_text(milliseconds(0)) == "0ms");
  CHECK(duration_text(milliseconds(35)) == "35ms");
  CHECK(duration_text(milliseconds(440)) == "0.4s");
  CHECK(duration_text(seconds(12)) == "12s");
  CHECK(duration_text(milliseconds(59'900)) == "1m 00s");
  CHECK(duration_text(seconds(185)) == "3m 05s");
  CHECK(duration_text(seconds(7620)) == "2h 07m");
  CHECK(duration_text(seconds(273'600)) == "3d 04h");
  CHECK(duration_text(seconds(-5)) == "0ms");
}

TEST_CASE("units: clock, sizes, counts, rates, percentages") {
  CHECK(clock_text(milliseconds(7900)) == "0:07");
  CHECK(clock_text(seconds(760)) == "12:40");
  CHECK(clock_text(seconds(3723)) == "1:02:03");
  CHECK(size_text(17) == "17 B");
  CHECK(size_text(1434) == "1.4 KiB");
  CHECK(size_text(320ull << 20) == "320 MiB");
  CHECK(size_text((1ull << 20) - 1) == "1.0 MiB");
  CHECK(grouped(1'234'567) == "1,234,567");
  CHECK(grouped(999) == "999");
  CHECK(count_text(1, "task") == "1 task");
  CHECK(count_text(0, "task") == "0 tasks");
  CHECK(rate_text(0.25) == "0.25");
  CHECK(rate_text(3.2) == "3.2");
  CHECK(rate_text(48.4) == "48");
  CHECK(rate_text(12'500) == "12,500");
  CHECK(percent_text(0.629) == "62%");
  CHECK(percent_text(0.9999) == "99%");
  CHECK(percent_text(1) == "100%");
}
