// A submission from its first message to SubmitOk, without a connection: answers in, steps out.
//
// A job that fits goes as one Submit. A larger one (many tasks with parameters of their own) goes
// as SubmitOpen, parts of about 1 MiB of which a few are on their way at once, and SubmitCommit;
// after any interruption SubmitOpen tells which part is next, and an upload that the broker has
// dropped begins anew. Sends nothing and waits for nothing itself: submit_flow.cpp carries the
// steps out. Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <set>
#include <variant>
#include <vector>

#include "libmsg/base/limits.h"
#include "libmsg/base/result.h"
#include "libmsg/base/time.h"
#include "libmsg/schema/messages.h"

namespace framebus::client {

struct SubmissionOptions {
  std::size_t whole_bytes_max = 4 * limits::MiB;  // a larger job goes in parts
  std::size_t part_bytes_max = 1 * limits::MiB;
  std::uint32_t parts_outstanding_max = 4;
  std::uint32_t rounds_max = 3;    // the broker may ask for inputs so often
  std::uint32_t restarts_max = 8;  // of an upload that the broker has dropped
  std::uint32_t waits_max = 5;     // in a row, for a broker that is at a limit
};

// Send this; its outcome goes to on_answer() under `tag`.
struct AskBroker {
  std::uint64_t tag = 0;
  Message message;
  bool operator==(const AskBroker&) const = default;
};
// Put these blobs on the bulk endpoint; then on_put().
struct PutInputs {
  std::vector<BlobRef> blobs;
  bool operator==(const PutInputs&) const = default;
};
// Call on_waited() after so long.
struct WaitFor {
  Duration duration{0};
  bool operator==(const WaitFor&) const = default;
};
// News for people.
struct PartsSent {
  std::uint32_t done = 0, all = 0;
  bool operator==(const PartsSent&) const = default;
};
struct SubmissionDone {
  Result<SubmitOk> outcome;
  bool operator==(const SubmissionDone&) const = default;
};
using SubmissionStep = std::variant<AskBroker, PutInputs, WaitFor, PartsSent, SubmissionDone>;
using SubmissionSteps = std::vector<SubmissionStep>;

// Bytes of the encoded job at most, and the same without the tasks' own parameters.
std::size_t encoded_bytes_at_most(const JobSpec& job);
std::size_t encoded_skeleton_bytes_at_most(const JobSpec& job);

// invalid_argument: what can not be sent in parts does not fit one message.
Status check_job_size(const JobSpec& job);

class Submission {
 public:
  Submission(SubmitId id, JobSpec job, SubmissionOptions options = {});

  void start(SubmissionSteps& out);
  // Answers under a tag that is no longer waited for are ignored.
  void on_answer(std::uint64_t tag, const Result<Message>& answer, SubmissionSteps& out);
  void on_put(const Status& put, SubmissionSteps& out);
  void on_waited(SubmissionSteps& out);

  bool is_in_parts() const { return !parts_.empty(); }

 private:
  struct Part {
    std::uint32_t step = 0, first = 0, count = 0;  // entries of that step's task_params
  };

  void cut();
  void ask(Message message, SubmissionSteps& out);
  void open(SubmissionSteps& out);
  void go_on(SubmissionSteps& out);
  void send_part(const Part& part, std::uint32_t number, SubmissionSteps& out);
  void commit(SubmissionSteps& out);
  void on_error(const Error& error, SubmissionSteps& out);
  void on_opened(const SubmitOpenOk& opened, SubmissionSteps& out);
  void on_missing(const InputsMissing& missing, SubmissionSteps& out);
  void finish(Result<SubmitOk> outcome, SubmissionSteps& out);

  SubmissionOptions options_;
  SubmitId id_;
  JobSpec job_;
  std::vector<Part> parts_;  // empty: one Submit
  std::uint64_t next_tag_ = 1;
  std::set<std::uint64_t> waited_for_;  // tags
  std::uint32_t next_part_ = 0;         // to be sent, from 1
  std::uint32_t parts_done_ = 0;        // recorded by the broker
  std::uint32_t rounds_ = 0, restarts_ = 0, waits_ = 0;
  bool is_done_ = false;
};

}  // namespace framebus::client
