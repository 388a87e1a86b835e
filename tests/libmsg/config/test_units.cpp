// Durations, sizes and nearest names.
#include <doctest/doctest.h>

#include <random>

#include "libmsg/base/config.h"

using namespace framebus;
using namespace std::chrono_literals;

TEST_CASE("durations: numbers with units are added up") {
  CHECK(parse_duration("90s") == Duration(90s));
  CHECK(parse_duration("1h30m") == Duration(90min));
  CHECK(parse_duration("250ms") == Duration(250ms));
  CHECK(parse_duration("1.5s") == Duration(1500ms));
  CHECK(parse_duration("2d") == Duration(48h));
  CHECK(parse_duration("0") == Duration(0));
}

TEST_CASE("durations: what is not one is refused with the units that are allowed") {
  for (const char* bad : {"", "90", "s", "-5s", "1m2", "90 s", "1x", "30m1h", "1s1s", "nan s",
                          "1e3s", "..s", "99999999999d"}) {
    CAPTURE(bad);
    const auto parsed = parse_duration(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::invalid_argument);
  }
  CHECK(parse_duration("90").error().message.find("90s, 250ms or 1h30m") != std::string::npos);
}

TEST_CASE("durations and sizes: text reads back as the same value") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t count = static_cast<std::int64_t>(random() >> (1 + random() % 62)) / 10 * 9;
    const auto duration = parse_duration(to_text(Duration(count)));
    CAPTURE(to_text(Duration(count)));
    REQUIRE(duration);
    CHECK(duration->count() == count);
    const ByteSize size{(random() >> (1 + random() % 62)) * 9 /
                        10};  // below 9.2e18, the most there is
    CAPTURE(to_text(size));
    CHECK(parse_size(to_text(size)) == size);
  }
  CHECK(to_text(Duration(90s)) == "1m30s");
  CHECK(to_text(ByteSize{8ull << 30}) == "8GiB");
  CHECK(to_text(ByteSize{100'000'000}) == "100MB");
}

TEST_CASE("sizes: binary, decimal and plain bytes") {
  CHECK(parse_size("8GiB") == ByteSize{8ull << 30});
  CHECK(parse_size("512KiB") == ByteSize{512ull << 10});
  CHECK(parse_size("100MB") == ByteSize{100'000'000});
  CHECK(parse_size("4096") == ByteSize{4096});
  CHECK(parse_size("1.5GiB") == ByteSize{3ull << 29});
  CHECK(parse_size("9007199254740993") == ByteSize{9007199254740993ull});
  for (const char* bad : {"", "GiB", "-1", "1 XB", "1.5", "1GiB2", "99999999999TiB"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_size(bad));
  }
}

TEST_CASE("nearest_name: a slip is found, something else is not") {
  const std::vector<std::string> names{"slots", "broker", "restart-grace", "heartbeat"};
  CHECK(nearest_name("slot", names) == "slots");
  CHECK(nearest_name("brokre", names) == "broker");
  CHECK(nearest_name("RESTART_GRACE", names) == "restart-grace");
  CHECK(nearest_name("frobnicate", names).empty());
  CHECK(nearest_name("", names).empty());
}
