#include "client/commands/event_feed.h"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace framebus::client {
namespace {

constexpr std::size_t queued_max = 4096;

}  // namespace

struct EventFeed::Queue {
  std::mutex mutex;
  std::condition_variable arrived, has_room;
  std::vector<Event> events;
  std::optional<Error> end;
  bool is_closed = false;
};

EventFeed::EventFeed(Primary& primary, WatchOptions options)
    : queue_(std::make_shared<Queue>()), primary_(primary) {
  watch_ = primary.watch(
      options,
      [queue = queue_](const Event& event) {
        std::unique_lock lock(queue->mutex);
        queue->has_room.wait(lock,
                             [&] { return queue->is_closed || queue->events.size() < queued_max; });
        queue->events.push_back(event);
        queue->arrived.notify_one();
      },
      [queue = queue_](const Error& error) {
        const std::lock_guard lock(queue->mutex);
        queue->end = error;
        queue->arrived.notify_one();
      });
}

EventFeed::~EventFeed() {
  primary_.unwatch(watch_);
  const std::lock_guard lock(queue_->mutex);
  queue_->is_closed = true;
  queue_->has_room.notify_all();
}

std::vector<Event> EventFeed::next(Duration at_most) {
  std::unique_lock lock(queue_->mutex);
  queue_->arrived.wait_for(lock, at_most,
                           [this] { return !queue_->events.empty() || queue_->end; });
  std::vector<Event> events = std::exchange(queue_->events, {});
  queue_->has_room.notify_all();
  return events;
}

std::optional<Error> EventFeed::end() const {
  const std::lock_guard lock(queue_->mutex);
  return queue_->events.empty() ? queue_->end : std::nullopt;
}

}  // namespace framebus::client
