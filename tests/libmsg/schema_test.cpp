// The field tables and what is derived from them: names of enumerators, printing, examples.
#include <doctest/doctest.h>

#include <set>

#include "libmsg/schema/print.h"
#include "tests/libmsg/example_values.h"

using namespace framebus;

TEST_CASE("enum names: enumerators have their names, other numbers have none") {
  CHECK(schema::enum_name(TaskState::held) == "held");
  CHECK(schema::enum_name(TaskState::retry_wait) == "retry_wait");
  CHECK(schema::enum_name(TaskState::dead) == "dead");
  CHECK(schema::enum_name(Outcome::crashed) == "crashed");
  CHECK_FALSE(schema::is_known(static_cast<TaskState>(12)));
  CHECK_FALSE(schema::is_known(static_cast<Role>(255)));
}

TEST_CASE("messages: numbers and names are unique, fields are documented") {
  std::set<int> numbers;
  std::set<std::string> names;
  examples::for_each_message_type([&](auto type) {
    using M = typename decltype(type)::type;
    CHECK(numbers.insert(M::number).second);
    CHECK(names.insert(M::name).second);
    const std::string_view doc = M::doc;
    CHECK_MESSAGE((doc.ends_with(".") || doc.ends_with(".)")), M::name);
    schema::for_each_field<M>(
        [](const auto& field) { CHECK(std::string_view(field.doc).size() > 3); });
  });
  CHECK(numbers.size() == std::variant_size_v<Message>);
}

TEST_CASE("examples: no field of an example is at its default") {
  examples::for_each_message_type([](auto type) {
    using M = typename decltype(type)::type;
    const M message = examples::example<M>();
    const M& defaults = schema::defaults_of<M>();
    schema::for_each_field<M>([&](const auto& field) {
      CAPTURE(M::name);
      CAPTURE(field.name);
      CHECK_FALSE(message.*field.member == defaults.*field.member);
    });
  });
}

TEST_CASE("printing: one line, defaults left out, long things cut") {
  Started started;
  CHECK(to_string(Message(started)) == "Started{}");
  started.attempts.push_back({TaskRef{JobId{3}, 17}, Token{1, 42, {}}});
  CHECK(to_string(Message(started)) == "Started{attempts=[{task=3:17, token=1.42}]}");
  TaskResult result;
  result.outcome = Outcome::ok;
  result.result = Bytes(20, 0xab);
  result.log_tail = "line\nline";
  result.permanent = true;
  CHECK(schema::print(result) ==
        "{outcome=ok, result=0xabababababababab+12, permanent=true, log_tail=\"line?line\"}");
  Act act;
  act.tasks.assign(100, 5);
  CHECK(schema::print(act) == "{tasks=[5, 5, 5, 5, 5, 5, 5, 5, 92 more]}");
}
