#include <doctest/doctest.h>

#include "client/output/progress_line.h"
#include "client/output/progress_model.h"
#include "client/output/text.h"

using namespace framebus;
using namespace framebus::client;

namespace {

ProgressSnapshot snapshot() {
  ProgressSnapshot s;
  s.job = 3;
  s.name = "helmet turntable";
  s.total = 192;
  s.succeeded = 120;
  s.running = 8;
  s.fraction = 0.625;
  s.tasks_per_s = 3.24;
  s.remaining = seconds(22);
  s.elapsed = seconds(38);
  s.workers = 4;
  return s;
}

Terminal wide(std::size_t columns) {
  return {true, false, true, columns};
}

TimePoint at(double s) {
  return TimePoint{} + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s));
}

}  // namespace

TEST_CASE("progress line: everything at 120 columns, and less the narrower it is") {
  CHECK(progress_line(snapshot(), wide(120)) ==
        "helmet turntable  █████████████████████"
        "████▒▒░░░░░░░░░░░░░"
        "   62%  120/192  3.2/s  ETA 22s "
        " 4 workers  0:38");
  CHECK(progress_line(snapshot(), wide(80)) ==
        "helmet turntable  ████████▏░░░░   62%  120/192  3.2/s  ETA 22s  4 workers  0:38");
  CHECK(progress_line(snapshot(), wide(40)).find("62%  120/192") != std::string::npos);
  CHECK(progress_line(snapshot(), wide(8)) == " 62%");
}

TEST_CASE("progress line: never wraps at any width") {
  ProgressSnapshot s = snapshot();
  s.failed = 3;
  s.note = "no worker can run 雪 tasks";
  for (std::size_t columns = 6; columns < 200; ++columns)
    CHECK(column_count(progress_line(s, wide(columns))) < columns);
}

TEST_CASE("progress line: width does not depend on colours") {
  Terminal colourful = wide(100);
  colourful.has_colour = true;
  CHECK(one_line(progress_line(snapshot(), colourful)) == progress_line(snapshot(), wide(100)));
}

TEST_CASE("progress line: without unicode it is plain ASCII") {
  Terminal plain = wide(100);
  plain.has_unicode = false;
  for (const char c : progress_line(snapshot(), plain)) CHECK(static_cast<unsigned char>(c) < 0x80);
}

TEST_CASE("progress sentence: for logs") {
  CHECK(progress_sentence(snapshot()) ==
        "job 3: 62% (120 of 192 tasks), 8 running, 3.2 tasks/s, 22s left, 4 workers");
  ProgressSnapshot stuck;
  stuck.job = 4;
  stuck.total = 1;
  stuck.workers = 0;
  stuck.note = "no worker offers \"cuda\"";
  CHECK(progress_sentence(stuck) ==
        "job 4: 0% (0 of 1 task), no workers; no worker offers \"cuda\"");
}

TEST_CASE("bar: is exactly as wide as asked for, whatever the parts") {
  for (int done = 0; done <= 40; ++done)
    for (int failed = 0; done + failed <= 40; failed += 3)
      for (int running = 0; done + failed + running <= 44; running += 5)
        for (const bool unicode : {true, false})
          CHECK(column_count(bar({40, double(done), double(failed), double(running)}, 17,
                                 {unicode, false})) == 17);
}

TEST_CASE("bar: a single failure among thousands is seen, and only all is full") {
  const std::string with_failure = bar({10'000, 500, 1, 0}, 20, {true, true});
  CHECK(with_failure.find("\x1b[31m█\x1b[0m") != std::string::npos);
  CHECK(bar({10'000, 9'999, 0, 0}, 10, {true, false}) == "█████████▉");
  CHECK(bar({10'000, 10'000, 0, 0}, 10, {true, false}) == "██████████");
  CHECK(bar({0, 0, 0, 0}, 3, {true, false}) == "░░░");
}

TEST_CASE("progress model: rate and time left come from the last seconds and count running tasks") {
  ProgressModel model(at(0), JobId{1}, "x", 100);
  CHECK_FALSE(model.snapshot(at(0)).remaining);
  for (std::uint32_t i = 0; i < 10; ++i) {
    model.set_state(i, TaskState::running);
    model.set_state(i, TaskState::succeeded);
    model.snapshot(at(0.5 * (i + 1)));
  }
  ProgressSnapshot s = model.snapshot(at(5));
  CHECK(s.succeeded == 10);
  CHECK(s.fraction == doctest::Approx(0.10));
  CHECK(s.tasks_per_s == doctest::Approx(2.0).epsilon(0.2));
  CHECK(to_ms(*s.remaining) == doctest::Approx(45'000).epsilon(0.2));
  model.set_progress(50, 500);
  s = model.snapshot(at(5));
  CHECK(s.running == 1);
  CHECK(s.fraction == doctest::Approx(0.105));
  model.set_state(50, TaskState::failed);
  s = model.snapshot(at(5));
  CHECK(s.running == 0);
  CHECK(s.failed == 1);
  CHECK(s.fraction == doctest::Approx(0.11));
}

TEST_CASE("progress model: what had happened before is no speed") {
  ProgressModel model(at(0), JobId{1}, "x", 100);
  for (std::uint32_t i = 0; i < 90; ++i) model.set_state(i, TaskState::succeeded);
  model.restart_rate(at(0.1));
  const ProgressSnapshot s = model.snapshot(at(2));
  CHECK(s.succeeded == 90);
  CHECK(s.tasks_per_s == 0);
  CHECK_FALSE(s.remaining);
}

TEST_CASE("progress model: repeated and impossible events change nothing") {
  ProgressModel model(at(0), JobId{1}, "x", 2);
  model.set_state(0, TaskState::succeeded);
  model.set_state(0, TaskState::succeeded);
  model.set_progress(0, 10);
  model.set_state(7, TaskState::succeeded);
  model.set_progress(7, 10);
  model.set_progress(1, 5'000'000);
  const ProgressSnapshot s = model.snapshot(at(1));
  CHECK(s.succeeded == 1);
  CHECK(s.running == 1);
  CHECK(s.fraction == 1.0);
}

TEST_CASE("upload line: says how much is sent, and never wraps") {
  const UploadCounts counts{3, 13, 1 << 20, 11 << 20};
  Terminal terminal{true, false, true, 100};
  CHECK(upload_line(counts, terminal) == "sending inputs: 3 of 13 files, 1.0 MiB of 11.0 MiB");
  terminal.columns = 40;
  CHECK(upload_line(counts, terminal).starts_with("sending inputs: 3 of 13 files"));
  CHECK(column_count(upload_line(counts, terminal)) <= 39);
}
