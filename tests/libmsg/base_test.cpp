// Ids, the error table, limits.
#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "libmsg/base/error.h"
#include "libmsg/base/ids.h"
#include "libmsg/base/limits.h"
#include "libmsg/base/result.h"

using namespace framebus;

TEST_CASE("ids: hex goes there and back, in either case") {
  WorkerId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i)
    id.bytes[i] = static_cast<std::uint8_t>(17 * i + 3);
  const std::string text = to_string(id);
  CHECK(text.size() == 32);
  WorkerId back;
  REQUIRE(from_hex(text, back.bytes.data(), back.bytes.size()));
  CHECK(back == id);
  CHECK(from_hex("ABCDEFabcdef0123456789ABCDEFabcd", back.bytes.data(), 16));
  CHECK(to_string(back) == "abcdefabcdef0123456789abcdefabcd");
}

TEST_CASE("ids: hex of another length, or with another character, is refused and says where") {
  std::uint8_t bytes[2] = {};
  for (const char* text : {"", "0", "000", "00000", "0x00"}) CHECK_FALSE(from_hex(text, bytes, 2));
  const auto status = from_hex("00g0", bytes, 2);
  REQUIRE_FALSE(status);
  CHECK(status.error().message == "not a hex digit at character 2");
}

TEST_CASE("ids: none is all zero, tasks print as job:index, tokens compare in time") {
  CHECK(WorkerId{}.is_none());
  CHECK(JobId{}.is_none());
  CHECK_FALSE(JobId{1}.is_none());
  CHECK(to_string(TaskRef{JobId{3}, 17}) == "3:17");
  CHECK(Token{1, 9, {}}.is_older_than(Token{2, 1, {}}));
  CHECK(Token{2, 1, {}}.is_older_than(Token{2, 2, {}}));
  Token signed_token{2, 2, {}};
  signed_token.mac[0] = 7;
  CHECK_FALSE(signed_token.is_older_than(Token{2, 2, {}}));
}

TEST_CASE(
    "errors: names are unique, exit codes follow the retry rule, unknown numbers read as "
    "internal") {
  std::set<std::string_view> names;
  std::vector<ErrorInfo> rows;
#define FRAMEBUS_X(code_name, number_, retry_, exit_code_, sentence_) \
  rows.push_back(error_info(Code::code_name));
  FRAMEBUS_ERRORS(FRAMEBUS_X)
#undef FRAMEBUS_X
  for (const ErrorInfo& row : rows) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    CHECK_FALSE(row.sentence.empty());
    CHECK(error_info(row.code).name == row.name);
    if (row.retry == RetryRule::page_a_person) CHECK(row.exit_code == 70);
    if (row.retry == RetryRule::back_off) CHECK(row.exit_code == 3);
  }
  CHECK(error_info(static_cast<Code>(9999)).name == "internal");
}

TEST_CASE("errors: context reads from the outside in and keeps code and hint") {
  const Error error{Code::unavailable, "No space left on device", 250};
  const Error outer = error.context("append record 812");
  CHECK(outer.message == "append record 812: No space left on device");
  CHECK(outer.code == Code::unavailable);
  CHECK(outer.retry_after_ms == 250);
}

namespace {
Result<int> half(int number) {
  if (number % 2 != 0) return fail(Code::invalid_argument, "odd");
  return number / 2;
}
Result<int> quarter(int number) {
  FRAMEBUS_ASSIGN(const int once, half(number));
  FRAMEBUS_TRY(half(once));
  return half(once);
}
}  // namespace

TEST_CASE("results: the macros pass values on and errors up") {
  CHECK(quarter(8).value() == 2);
  CHECK(quarter(7).error().message == "odd");
  CHECK(quarter(6).error().code == Code::invalid_argument);
}

TEST_CASE("limits: what must fit into one message does") {
  CHECK(limits::task_spec_bytes_max + 64 * limits::KiB < limits::wire_message_bytes_max);
  CHECK(limits::inline_result_bytes_max + limits::error_text_bytes_max <
        limits::wire_message_bytes_max);
  CHECK(limits::peer_outbox_bytes_max >= 2 * limits::wire_message_bytes_max);
  CHECK(limits::struct_elements_max <= limits::array_elements_max);
}
