// Ranges of numbers in texts.
#include <doctest/doctest.h>

#include "client/jobfile/jobfile.h"

using namespace framebus::client;

namespace {

using Numbers = std::vector<std::int32_t>;

std::string error_of(const char* text) {
  const auto numbers = parse_ranges(text, 1000, 1'000'000);
  REQUIRE_FALSE(numbers);
  CHECK(numbers.error().message.find("write ranges like 1-100, 1-100:2 or 1,5,9-12") !=
        std::string::npos);
  return numbers.error().message;
}

}  // namespace

TEST_CASE("ranges: every form") {
  const auto numbers = [](const char* text) { return parse_ranges(text, 1000, 1'000'000).value(); };
  CHECK(numbers("7") == Numbers{7});
  CHECK(numbers("1-5") == Numbers{1, 2, 3, 4, 5});
  CHECK(numbers("1-10:3") == Numbers{1, 4, 7, 10});
  CHECK(numbers("1-10x4") == Numbers{1, 5, 9});
  CHECK(numbers("1,5, 9-12") == Numbers{1, 5, 9, 10, 11, 12});
  CHECK(numbers("3-1") == Numbers{3, 2, 1});
  CHECK(numbers("-2-1") == Numbers{-2, -1, 0, 1});
  CHECK(numbers("-5--3") == Numbers{-5, -4, -3});
  CHECK(numbers("1-1000").size() == 1000);
}

TEST_CASE("ranges: what is wrong is said") {
  CHECK(error_of("").find("a number is missing at the end") != std::string::npos);
  CHECK(error_of("1,").find("a number is missing at the end") != std::string::npos);
  CHECK(error_of("1-").find("a number is missing at the end") != std::string::npos);
  CHECK(error_of("one").find("expected a number at 'one'") != std::string::npos);
  CHECK(error_of("1..5").find("unexpected '..5'") != std::string::npos);
  CHECK(error_of("1-5:0").find("the step is 0") != std::string::npos);
  CHECK(error_of("1-5:-1").find("the step is -1") != std::string::npos);
  CHECK(error_of("1-5,3").find("3 comes twice") != std::string::npos);
  CHECK(error_of("1-1001").find("more than 1000 numbers") != std::string::npos);
  CHECK(error_of("1-2000000").find("numbers from -1000000 to 1000000 are allowed") !=
        std::string::npos);
  CHECK(error_of("99999999999999999999").find("are allowed") != std::string::npos);
}
