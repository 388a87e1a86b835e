#include "broker/core/durable_print.h"

#include "broker/core/digest.h"
#include "broker/core/lease.h"
#include "broker/core/print.h"

namespace framebus::broker {
namespace {

std::string hex(const SipHash& hash) {
  return to_hex(hash.data(), hash.size());
}

std::string digest_of_bytes(BytesView bytes) {
  return std::to_string(bytes.size()) + "/" + hex(siphash128(SipKey{}, bytes)).substr(0, 12);
}

// "key=value" pairs on one line.
class Line {
 public:
  Line(std::string& out, std::string_view head) : out_(out) { out_ += head; }
  ~Line() { out_ += '\n'; }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  Line& text(std::string_view key, std::string_view value) {
    out_ += ' ';
    out_ += key;
    out_ += '=';
    out_ += value;
    return *this;
  }
  template <class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) Line& add(std::string_view key, T value) {
    if (value == T{}) return *this;
    if constexpr (std::is_enum_v<T>) {
      return text(key, std::to_string(static_cast<std::uint64_t>(value)));
    } else {
      return text(key, std::to_string(value));
    }
  }
  Line& add(std::string_view key, TimePoint at) { return add(key, at.time_since_epoch().count()); }
  Line& add(std::string_view key, const WireError& error) {
    if (error == WireError{}) return *this;
    return text(key, std::to_string(error.code) + ":" + std::to_string(error.retry_after_ms) + ":" +
                         digest_of_bytes(framebus::bytes_of(error.message)));
  }
  Line& add(std::string_view key, BytesView bytes) {
    return bytes.empty() ? *this : text(key, digest_of_bytes(bytes));
  }

 private:
  std::string& out_;
};

void print_attempt(const State& state, const Attempt& attempt, std::string& out) {
  Line line(out, "    attempt");
  line.add("epoch", attempt.epoch).add("grant", attempt.grant);
  line.text("worker", to_string(worker_of(state, attempt)));
  line.add("state", attempt.state).add("end", attempt.end).add("blame", attempt.blame);
  line.add("started", attempt.started).add("granted_at", attempt.granted_at);
  line.add("run_ms", attempt.run_ms);
  if (attempt.error) line.add("error", *attempt.error);
}

void print_trouble(const State& state, const Trouble& trouble, std::string& out) {
  for (const std::uint32_t identity : trouble.crashed_identities) {
    Line(out, "    crashed").text("worker", to_string(state.identities[identity].worker));
  }
  for (const LastError& each : trouble.errors) {
    Line(out, "    error").add("error", each.error).add("log", framebus::bytes_of(each.log_tail));
  }
}

void print_detail(const State& state, const Task& task, const TaskDetail& detail,
                  std::string& out) {
  {
    Line line(out, "   detail");
    line.add("tries", detail.tries).add("crashes", detail.crashes).add("losses", detail.losses);
    line.add("grants", detail.grants).add("cancel", detail.cancel);
    if (task.state == TaskState::retry_wait) line.add("retry_at", detail.retry_at);
    if (detail.outcome) {
      line.add("result", BytesView(detail.outcome->result));
      for (const BlobRef& blob : detail.outcome->blobs) {
        line.text("blob", to_string(blob.hash)).add("size", blob.size).text("name", blob.name);
      }
    }
  }
  for (const Attempt& attempt : detail.attempts) print_attempt(state, attempt, out);
  if (detail.trouble) print_trouble(state, *detail.trouble, out);
}

// Whether there is more to say of it than of a task that was never touched.
bool is_blank(const TaskDetail& detail) {
  return detail.grants == 0 && detail.attempts.empty() && detail.tries == 0 &&
         detail.crashes == 0 && detail.losses == 0 && detail.cancel == CancelReason::none &&
         (!detail.trouble ||
          (detail.trouble->errors.empty() && detail.trouble->crashed_identities.empty())) &&
         !detail.outcome;
}

void print_tasks(const State& state, const Job& job, std::string& out) {
  const auto count = static_cast<std::uint32_t>(job.tasks.size());
  for (std::uint32_t index = 0; index < count;) {
    const Task& task = job.tasks[index];
    const TaskDetail* detail = job.detail_of(index);
    const bool is_plain = detail == nullptr || is_blank(*detail);
    std::uint32_t end = index + 1;
    const auto alike = [&](std::uint32_t other) {
      const TaskDetail* more = job.detail_of(other);
      const Task& next = job.tasks[other];
      return (more == nullptr || is_blank(*more)) && next.state == task.state &&
             next.paused == task.paused && next.ended_lsn == task.ended_lsn;
    };
    while (is_plain && end < count && alike(end)) ++end;
    {
      Line line(out, "  task");
      line.text("index", std::to_string(index)).add("count", end - index);
      line.text("state", word(task.state)).add("paused", task.paused);
      line.add("ended_lsn", task.ended_lsn);
    }
    if (!is_plain) print_detail(state, task, *detail, out);
    index = end;
  }
}

// The order of the log of ended tasks is what cursors mean.
std::string digest_of_ended(const Job& job) {
  SipHasher hasher{SipKey{}};
  for (const EndedTask& each : job.ended) {
    hasher.add_u64(each.lsn);
    hasher.add_u64(each.index);
  }
  return hex(hasher.finish());
}

void print_job(const State& state, const Job& job, std::string& out) {
  {
    Line line(out, "job");
    line.text("id", to_string(job.id)).text("submit", to_string(job.submit_id));
    line.text("owner", state.principals.at(job.principal).name);
    line.text("spec", hex(digest_of(job.spec)));
    line.add("paused", job.paused).add("stopped", job.stopped);
    line.add("deadline_passed", job.deadline_passed).add("deadline_lifted", job.deadline_lifted);
    line.add("accepted_lsn", job.accepted_lsn).add("last_lsn", job.last_lsn);
    line.add("accepted_at", job.accepted_at).add("first_grant_at", job.first_grant_at);
    line.add("ended_at", job.ended_at).add("first_error", job.first_error);
    line.add("outcome_bytes", job.outcome_bytes).text("ended", digest_of_ended(job));
  }
  for (const auto& [who, failures] : job.failures_of) {
    Line line(out, "  failures");
    line.text("type", who.first).text("worker", to_string(who.second)).add("count", failures);
  }
  print_tasks(state, job, out);
}

void print_uploads(const State& state, std::string& out) {
  for (const auto& [id, upload] : state.uploads) {
    SipHasher parts = upload.parts;
    Line line(out, "upload");
    line.text("id", to_string(id)).text("owner", upload.owner).text("head", hex(upload.head));
    line.text("spec", hex(digest_of(upload.spec))).text("parts", hex(parts.finish()));
    line.add("next_part", upload.next_part).add("bytes", upload.bytes);
    line.add("last_lsn", upload.last_lsn);
  }
}

void print_submits(const State& state, std::string& out) {
  for (const auto& [id, seen] : state.submits) {
    // Only counted as remembered so long; it leaves memory with the next job that does.
    const bool is_over = seen.forgotten_at != TimePoint{} &&
                         seen.forgotten_at + state.options.submit_ids_kept <= state.now;
    if (is_over) continue;
    Line line(out, "submit");
    line.text("id", to_string(id)).text("job", to_string(seen.job));
    line.text("digest", hex(seen.digest)).add("tasks", seen.task_count);
    line.add("forgotten_at", seen.forgotten_at);
  }
}

}  // namespace

std::string durable_dump(const State& state) {
  std::string out;
  Line(out, "broker").add("next_job", state.next_job).add("last_load_id", state.last_load_id);
  for (const auto& [name, sticky] : state.sticky) {
    Line line(out, "sticky");
    line.text("name", name).add("load_id", sticky.load_id);
    line.add("payload", BytesView(sticky.payload));
  }
  for (const auto& [id, job] : state.jobs) {
    if (!job.from_archive) print_job(state, job, out);
  }
  print_uploads(state, out);
  print_submits(state, out);
  return out;
}

std::string durable_digest(const State& state) {
  return hex(siphash128(SipKey{}, framebus::bytes_of(durable_dump(state))));
}

std::string first_difference(const std::string& one, const std::string& other) {
  if (one == other) return {};
  std::size_t begin = 0;
  std::size_t at = 0;
  for (; at < one.size() && at < other.size() && one[at] == other[at]; ++at) {
    if (one[at] == '\n') begin = at + 1;
  }
  const auto line = [&](const std::string& text) {
    return text.substr(begin, text.find('\n', at) - begin);
  };
  return "one:   " + line(one) + "\nother: " + line(other);
}

}  // namespace framebus::broker
