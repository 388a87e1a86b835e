// Are the blobs there that a worker's results name? Looks and pins, on the loop.
//
// A blob that is not stored makes its attempt a failed one: a worker puts it first, so it was lost
// since, or the worker is wrong. One of which that can not be said now (no descriptor is free, the
// disk has an error) keeps its result here, and is asked for again: neither the result nor the
// session pays for it, since a worker that had to connect anew might find no descriptor either.
// Results do not wait for each other: each is of an attempt of its own, and its token says whether
// it counts. One whose session ends meanwhile is forgotten: its worker sends it again.
// Pure but for the store; time is passed in. Thread rule: the broker loop's thread.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "broker/core/bounds.h"
#include "broker/shell/input_check.h"
#include "libmsg/base/limits.h"

namespace framebus::broker {

struct ResultCounters {
  std::uint64_t without_blob = 0;  // their attempts have failed by it
  std::uint64_t put_off = 0;       // were kept, because of a blob that could not be looked up
};

class ResultCheck {
 public:
  // Of all sessions; a worker whose results do not fit in has to repeat them.
  static constexpr std::size_t kept_max = limits::result_lookups_max;
  static constexpr std::size_t kept_bytes_max = limits::result_lookup_bytes_max;
  static constexpr Duration ask_again = milliseconds(100);
  // A disk that can not read a blob for so long will not give it to anybody: the attempt has
  // failed.
  static constexpr Duration patience = seconds(60);

  struct Known {
    SessionId session;
    Results results;
  };

  explicit ResultCheck(InputCheck& blobs) : blobs_(blobs) {}

  // Leaves those in `results` that can be handled now. An error: some can neither be handled nor
  // kept, so none of the message is taken, and its session must end.
  Status check(SessionId session, Results& results, TimePoint now);
  // Those that can be handled now, of sessions that are still there (`is_there`).
  template <class IsThere>
  std::vector<Known> take(TimePoint now, const IsThere& is_there) {
    if (kept_.empty() || now < next_ask_) return {};
    forget_unless([&](const Kept& each) { return is_there(each.session); });
    return ask(now);
  }

  std::size_t kept() const { return kept_.size(); }
  const ResultCounters& counters() const { return counters_; }
  // Of the bounds result_lookups and result_lookup_bytes.
  const Refusals& refusals() const { return refusals_; }

 private:
  struct Kept {
    SessionId session;
    TaskResult result;
    std::size_t bytes = 0;
    TimePoint until;
  };
  // How the blobs of a result are: none is missing, one is (the result says so now), not known.
  enum class Finding : std::uint8_t { told, not_known };

  Finding look(TaskResult& result, bool is_last_time);
  void fail_for(TaskResult& result, const BlobRef& blob, const std::string& what);
  std::vector<Known> ask(TimePoint now);
  template <class Stays>
  void forget_unless(const Stays& stays) {
    std::erase_if(kept_, [&](Kept& each) {
      const bool goes = !stays(each);
      if (goes) kept_bytes_ -= each.bytes;
      return goes;
    });
  }

  InputCheck& blobs_;
  std::deque<Kept> kept_;  // oldest first
  std::size_t kept_bytes_ = 0;
  TimePoint next_ask_{};
  ResultCounters counters_;
  Refusals refusals_;
};

}  // namespace framebus::broker
