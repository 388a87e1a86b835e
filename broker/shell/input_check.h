// Are a job's input blobs there? Looks and pins, on the loop for a few, on a thread for many.
//
// A pin keeps a blob from being collected for a day (libmsg/blob/blob_store.h); one that was made a
// moment ago is remembered and costs nothing. So a Submit of ten thousand inputs never holds up
// heartbeats: it comes back from the thread a little later, behind messages that came after it.
// Missing is only what the store knows not to have. When it can not say (no descriptor is free, the
// disk has an error) the thread asks again until it can, or for `patience`.
// Thread rule: the loop's thread; `wake` runs on the checker's.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "broker/core/bounds.h"
#include "broker/core/event.h"
#include "libmsg/base/error.h"
#include "libmsg/base/limits.h"
#include "libmsg/blob/blob_store.h"
#include "libmsg/transport/transport.h"

namespace framebus::broker {

class InputCheck {
 public:
  static constexpr std::size_t here_max = 64;  // looked up on the loop
  static constexpr Duration ask_again = milliseconds(100);
  static constexpr Duration patience = seconds(5);
  // Messages that are looked up, and their bytes as they came, from check() to take(); more are
  // refused, but one, however large, always has its turn.
  static constexpr std::size_t waiting_max = limits::input_lookups_max;
  static constexpr std::size_t waiting_bytes_max = limits::input_lookup_bytes_max;
  static constexpr std::size_t known_max = 200'000;

  // The message with `missing` filled in, or why it can not be taken (invalid_argument: an input
  // has another size here; resource_exhausted: too many wait; unavailable: the store can not say).
  struct Checked {
    Received received;
    std::optional<Error> refusal;
  };
  // A blob that has to be there, and who names it: for the refusal.
  struct Wanted {
    BlobRef blob;
    std::string named_by;
  };

  InputCheck(BlobStore& store, std::function<void()> wake);
  ~InputCheck();
  InputCheck(const InputCheck&) = delete;
  InputCheck& operator=(const InputCheck&) = delete;

  // Each blob once.
  static std::vector<Wanted> inputs_of(const JobSpec& job);
  static std::vector<Wanted> inputs_of(const std::vector<BlobRef>& blobs);

  // None: it comes by take() later. `bytes`: of the message on the wire.
  std::optional<Checked> check(Received&& received, std::vector<Wanted>&& wanted,
                               std::size_t bytes);
  // Whether this blob is there; pins it. For the few that a worker's results name. An error: that
  // can not be told now.
  Result<bool> has(const BlobHash& blob);
  // What has been looked up. `now`: of now_monotonic().
  std::vector<Checked> take(TimePoint now = now_monotonic());
  // Of the bounds input_lookups and input_lookup_bytes.
  const Refusals& refusals() const { return refusals_; }

 private:
  struct Request {
    Received received;
    std::vector<Wanted> wanted;
    std::size_t bytes = 0;
    std::optional<TimePoint> until;  // asked for again up to then; none: asked for once so far
  };
  struct Known {
    std::uint64_t size = 0;
    TimePoint pinned_at;
  };
  struct Finished {
    Checked checked;
    std::vector<std::pair<BlobHash, Known>> pinned;
    std::size_t bytes = 0;
    std::optional<Error> unknown;  // why the store could not say; `again` is the whole of it then
    Request again;
  };
  struct Later {
    Request request;
    TimePoint due;
  };

  static Finished look_up(BlobStore& store, Request&& request);
  std::optional<Error> refuse_more(std::size_t bytes);
  // What the store could not say: asked for again, or given up when its time is over.
  std::optional<Checked> put_off(Finished&& finished, TimePoint now);
  void hand_over_due(TimePoint now);
  const Known* find_known(const BlobHash& blob, TimePoint now) const;
  void remember(std::vector<std::pair<BlobHash, Known>>&& pinned);
  void run();

  BlobStore& store_;
  const std::function<void()> wake_;
  std::map<BlobHash, Known> known_;
  std::deque<Later> later_;  // held, and not with the thread; the next due first

  std::size_t held_ = 0;  // messages that are not taken back yet, and their bytes
  std::size_t held_bytes_ = 0;
  Refusals refusals_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Request> waiting_;
  std::vector<Finished> finished_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace framebus::broker
