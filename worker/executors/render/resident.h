// A small cache of things that are expensive to make and then shared: scenes, frames.
//
// The first caller of a key makes the value while later callers of the same key wait for it; other
// keys are not held up. A failed making is not kept: the next caller tries again, and those who
// waited for one that was merely cancelled try at once. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "libmsg/base/result.h"

namespace framebus::render {

template <class T>
class Resident {
 public:
  // `capacity`: values kept, at least 1. Values in use live on through their shared_ptr.
  explicit Resident(std::size_t capacity) : capacity_(capacity < 1 ? 1 : capacity) {}

  using Maker = std::function<Result<std::shared_ptr<T>>()>;

  Result<std::shared_ptr<T>> get(const std::string& key, const Maker& make) {
    for (;;) {
      std::shared_ptr<Entry> entry;
      bool is_maker = false;
      {
        std::lock_guard lock(mutex_);
        entry = find_locked(key);
        if (!entry) {
          entry = std::make_shared<Entry>();
          entry->key = key;
          entries_.push_front(entry);
          is_maker = true;
          if (entries_.size() > capacity_) entries_.pop_back();
        }
      }
      if (is_maker) return make_now(entry, make);
      Result<std::shared_ptr<T>> made = wait_for(entry);
      // The maker's task was cancelled, not the caller's: somebody who waited makes it instead.
      if (made || made.error().code != Code::cancelled) return made;
    }
  }

  // Forgets all values; those in use live on, and one that is being made is still handed to those
  // who wait for it.
  void clear() {
    std::lock_guard lock(mutex_);
    entries_.clear();
  }

 private:
  struct Entry {
    std::string key;
    std::optional<Result<std::shared_ptr<T>>> value;  // guarded by mutex_
  };

  std::shared_ptr<Entry> find_locked(const std::string& key) {
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if ((*it)->key != key) continue;
      entries_.splice(entries_.begin(), entries_, it);  // most recently used first
      return entries_.front();
    }
    return nullptr;
  }

  Result<std::shared_ptr<T>> make_now(const std::shared_ptr<Entry>& entry, const Maker& make) {
    // Whoever waits must be woken even if making throws; the worker reports the exception.
    Result<std::shared_ptr<T>> made = fail(Code::internal, "making it was given up");
    try {
      made = make();
    } catch (...) {
      publish(entry, made);
      throw;
    }
    publish(entry, made);
    return made;
  }

  void publish(const std::shared_ptr<Entry>& entry, const Result<std::shared_ptr<T>>& made) {
    std::lock_guard lock(mutex_);
    entry->value = made;
    if (!made) entries_.remove(entry);
    made_.notify_all();
  }

  Result<std::shared_ptr<T>> wait_for(const std::shared_ptr<Entry>& entry) {
    std::unique_lock lock(mutex_);
    made_.wait(lock, [&] { return entry->value.has_value(); });
    return *entry->value;
  }

  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable made_;
  std::list<std::shared_ptr<Entry>> entries_;
};

}  // namespace framebus::render
