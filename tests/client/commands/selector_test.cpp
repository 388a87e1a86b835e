#include "client/commands/selector.h"

#include <doctest/doctest.h>

using namespace framebus;
using namespace framebus::client;
using Kind = Selector::Kind;

TEST_CASE("selector: every form that is documented") {
  CHECK(*parse_selector("last") == Selector{Kind::last, {}, {}});
  CHECK(*parse_selector("all") == Selector{Kind::all, {}, {}});
  CHECK(*parse_selector("3") == Selector{Kind::listed, {{3, 3}}, {}});
  CHECK(*parse_selector("3,5-8") == Selector{Kind::listed, {{3, 3}, {5, 8}}, {}});
  CHECK(*parse_selector("3:17") == Selector{Kind::listed, {{3, 3}}, {{17, 17}}});
  CHECK(*parse_selector("3:2,5-9") == Selector{Kind::listed, {{3, 3}}, {{2, 2}, {5, 9}}});
  CHECK(*parse_selector("last:0") == Selector{Kind::last, {}, {{0, 0}}});
  CHECK(parse_selector("7-7")->jobs == std::vector<Range>{{7, 7}});
}

TEST_CASE("selector: what is wrong is refused with what was found and what is allowed") {
  for (const char* text : {"",
                           ":",
                           "3:",
                           ":3",
                           "x",
                           "3,",
                           ",3",
                           "-3",
                           "3-",
                           "8-5",
                           "0",
                           "0-4",
                           "3:4:5",
                           "all:3",
                           "3,4:5",
                           "3-4:5",
                           " 3",
                           "3 ",
                           "1-20000",
                           "1-6000,6001-12000",
                           "3:0-2000000",
                           "3:1000000",
                           "18446744073709551616",
                           "0x3",
                           "1e3",
                           "lastt"}) {
    CAPTURE(text);
    const auto selector = parse_selector(text);
    REQUIRE_FALSE(selector);
    CHECK(selector.error().code == Code::invalid_argument);
    CHECK(selector.error().message.find("allowed are last, all") != std::string::npos);
  }
}

TEST_CASE("selector: tasks are expanded in order, each once") {
  CHECK(expanded({{5, 7}, {2, 2}, {6, 8}}) == std::vector<std::uint32_t>{2, 5, 6, 7, 8});
  CHECK(expanded({}).empty());
}
