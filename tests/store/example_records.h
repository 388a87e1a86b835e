// Records for the tests of the store: one of every kind, and a seeded stream that looks like a
// broker's day: jobs come, are worked on, end, are forgotten; uploads and sticky commands between.
//
// Thread rule: a value each.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "broker/core/record.h"

namespace framebus::testing {

using namespace framebus::broker;

template <std::size_t Count>
std::array<std::uint8_t, Count> numbered_bytes(std::uint64_t number) {
  std::array<std::uint8_t, Count> bytes{};
  for (std::size_t i = 0; i < Count; ++i) {
    number = number * 6364136223846793005ULL + 1442695040888963407ULL;
    bytes[i] = static_cast<std::uint8_t>(number >> 56);
  }
  return bytes;
}

inline SubmitId submit_id(std::uint64_t number) {
  return {numbered_bytes<16>(number)};
}

inline JobSpec a_spec(std::uint64_t number, std::size_t task_count = 3) {
  StepSpec step;
  step.name = "render";
  step.type = "echo";
  for (std::size_t i = 0; i < task_count; ++i) {
    step.task_params.push_back(Bytes(8 + (number + i) % 40, static_cast<std::uint8_t>(number)));
  }
  JobSpec spec;
  spec.name = "job " + std::to_string(number);
  spec.steps.push_back(std::move(step));
  return spec;
}

// Every kind of record with something in it, in number order.
inline std::vector<Record> one_of_each() {
  const TaskRef task{{7}, 2};
  const Token token{3, 9, numbered_bytes<16>(5)};
  const WorkerId worker{numbered_bytes<16>(6)};
  JobImage image;
  image.job = {7};
  image.submit_id = submit_id(7);
  image.tasks.resize(2);
  image.last = true;
  return {JobAccepted{{7}, submit_id(7), "ann", a_spec(7), true},
          TaskGranted{task, token, worker, "node1", true},
          TaskStarted{task, token},
          AttemptEnded{task, token, 12, AttemptEnd{}, TaskState::retry_wait, Blame::task, 1'500,
                       true, false, 90, WireError{12, "broken", 0}, "last line"},
          TaskEnded{task,
                    token,
                    11,
                    TaskState::succeeded,
                    AttemptEnd{},
                    Blame::none,
                    true,
                    80,
                    Bytes{1, 2, 3},
                    {},
                    WireError{},
                    ""},
          TaskCancelling{task, token, CancelReason::timeout, WireError{11, "too long", 0}},
          GrantAdopted{task, token, worker, "node1", true},
          RetryDue{task},
          JobActed{{7}, Deed::retry, {1, 2}, 4, "ann"},
          JobForgotten{{7}, submit_id(7), Bytes(16, 9), 3, true},
          UploadOpened{submit_id(8), "bob", a_spec(8, 0)},
          UploadPart{submit_id(8), 1, 0, {Bytes{1}, Bytes{2, 3}}},
          UploadDropped{submit_id(8)},
          JobRevived{image},
          StickySet{4, "prepare", Bytes{5, 6}}};
}

// splitmix64, so that a stream is the same everywhere.
class RecordStream {
 public:
  explicit RecordStream(std::uint64_t seed) : state_(seed) {}

  std::uint64_t below(std::uint64_t bound) {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (z ^ (z >> 31)) % bound;
  }

  // The next one to `count_max` records.
  std::vector<Record> next_batch(std::size_t count_max) {
    std::vector<Record> records;
    for (std::size_t i = 1 + below(count_max); i > 0; --i) records.push_back(next());
    return records;
  }

  Record next() {
    const std::uint64_t dice = below(100);
    if (jobs_.empty() || dice < 10) return accept();
    if (dice < 14) return UploadOpened{open_upload(), "bob", a_spec(dice, 0)};
    if (dice < 20 && !uploads_.empty()) {
      return UploadPart{uploads_.back(), 1, 0, {Bytes(below(60), 1)}};
    }
    if (dice < 22 && !uploads_.empty()) return drop_upload();
    if (dice < 26) return StickySet{++load_id_, dice % 2 ? "prepare" : "weather", Bytes(20, 3)};
    if (dice < 36) return forget();
    const TaskRef task{{jobs_[below(jobs_.size())]}, static_cast<std::uint32_t>(below(3))};
    const Token token{1, ++grant_, numbered_bytes<16>(grant_)};
    if (dice < 60) return TaskGranted{task, token, {numbered_bytes<16>(dice)}, "node", false};
    if (dice < 75) return TaskStarted{task, token};
    TaskEnded ended;
    ended.task = task;
    ended.token = token;
    ended.row = 11;
    ended.state = TaskState::succeeded;
    ended.result = Bytes(below(120), static_cast<std::uint8_t>(dice));
    return ended;
  }

 private:
  Record accept() {
    const std::uint64_t job = ++last_job_;
    jobs_.push_back(job);
    const bool is_uploaded = !uploads_.empty() && below(2) == 0;
    JobAccepted record{{job}, submit_id(job), "ann", {}, is_uploaded};
    if (is_uploaded) {
      record.submit_id = uploads_.back();
      uploads_.pop_back();
    } else {
      record.spec = a_spec(job);
    }
    return record;
  }
  Record forget() {
    const std::size_t which = below(jobs_.size());
    const std::uint64_t job = jobs_[which];
    jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(which));
    return JobForgotten{{job}, submit_id(job), Bytes(16, 1), 3, true};
  }
  SubmitId open_upload() {
    uploads_.push_back(submit_id(1'000'000 + ++upload_count_));
    return uploads_.back();
  }
  Record drop_upload() {
    const SubmitId dropped = uploads_.back();
    uploads_.pop_back();
    return UploadDropped{dropped};
  }

  std::uint64_t state_;
  std::uint64_t last_job_ = 0;
  std::uint64_t grant_ = 0;
  std::uint64_t load_id_ = 0;
  std::uint64_t upload_count_ = 0;
  std::vector<std::uint64_t> jobs_;
  std::vector<SubmitId> uploads_;
};

}  // namespace framebus::testing
