// See archivist.h.
#include "broker/shell/archivist.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/core/bounds.h"
#include "libmsg/base/log.h"
#include "libmsg/schema/wire_error.h"

namespace framebus::broker {
namespace {

constexpr std::size_t removed_at_once = 256;
constexpr std::int64_t clean_again_after_ms = 60'000;  // after an error
// A job that was read back is in the core's memory for a while, where its blobs are in use; until
// long after that the archive goes on naming them too (docs/decisions/0092-blob-order.md).
constexpr std::int64_t loaded_kept_ms = 60 * 60 * 1000;

Error too_much(std::size_t waiting_max) {
  return word_refusal(Bound::archive_requests, waiting_max, waiting_max + 1,
                      "the archive is behind");
}

std::int64_t system_wall_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

ArchivistOptions with_clock(ArchivistOptions options) {
  if (!options.wall_ms) options.wall_ms = system_wall_ms;
  return options;
}

}  // namespace

Archivist::Archivist(std::unique_ptr<JobArchive> archive, ArchivistOptions options,
                     std::function<void()> wake)
    : archive_(std::move(archive)),
      options_(with_clock(std::move(options))),
      wake_(std::move(wake)),
      thread_([this] { run(); }) {}

Archivist::~Archivist() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool Archivist::post(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= options_.waiting_max) {
      ++refused_;
      return false;
    }
    waiting_.push_back(std::move(work));
  }
  changed_.notify_all();
  return true;
}

void Archivist::add(const std::function<void(ArchivistResults&)>& fill) {
  {
    const std::lock_guard lock(mutex_);
    fill(results_);
  }
  wake_();
}

void Archivist::put(Archive&& action) {
  const JobId job = action.piece.job;
  const std::uint32_t first_task = action.piece.first_task;
  const auto answer = [this, job, first_task](std::string error) {
    add([&](ArchivistResults& results) {
      results.events.push_back(Archived{job, first_task, std::move(error)});
    });
  };
  // Shared because std::function must be copyable; the one work item is its only reader.
  auto piece = std::make_shared<JobImage>(std::move(action.piece));
  const bool is_posted = post([piece, answer](JobArchive& archive) {
    const Status done = archive.put(*piece);
    answer(done ? std::string() : done.error().message);
  });
  if (!is_posted) answer(too_much(options_.waiting_max).message);
}

void Archivist::load(const LoadArchived& action) {
  const auto answer = [this, job = action.job](std::vector<JobImage> pieces, std::string error) {
    add([&](ArchivistResults& results) {
      results.events.push_back(ArchiveLoaded{job, std::move(pieces), std::move(error)});
    });
  };
  const bool is_posted = post([this, job = action.job, answer](JobArchive& archive) {
    auto pieces = archive.load(job);
    if (pieces) {
      loaded_.emplace_back(job, options_.wall_ms());
      return answer(std::move(*pieces), {});
    }
    // That it is not there is an answer, no error.
    answer({}, pieces.error().code == Code::not_found ? std::string() : pieces.error().message);
  });
  if (!is_posted) answer({}, too_much(options_.waiting_max).message);
}

void Archivist::list(const ListArchived& action) {
  const auto answer = [this, session = action.session](Message message) {
    add([&](ArchivistResults& results) {
      results.replies.emplace_back(session, std::move(message));
    });
  };
  const Query query = action.query;
  const bool is_posted = post([this, query, answer](JobArchive& archive) {
    auto page = archive.list(query.offset, query.limit, options_.wall_ms());
    if (!page) return answer(error_reply(query.request, page.error()));
    QueryReply reply;
    reply.request = query.request;
    reply.total = page->total;
    reply.next_offset = page->next_offset;
    reply.jobs = std::move(page->jobs);
    answer(std::move(reply));
  });
  if (!is_posted) answer(error_reply(query.request, too_much(options_.waiting_max)));
}

std::uint64_t Archivist::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

ArchivistResults Archivist::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(results_, {});
}

void Archivist::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!waiting_.empty()) {
      const Work work = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      work(*archive_);
      lock.lock();
      continue;
    }
    lock.unlock();
    const bool is_idle = !tidy_up();
    lock.lock();
    if (!is_idle || stopping_ || !waiting_.empty()) continue;
    changed_.wait_for(lock, options_.remove_every);
  }
}

// One small step of what is nobody's request; false: there is nothing to do for a while.
bool Archivist::tidy_up() {
  const std::int64_t now_ms = options_.wall_ms();
  if (now_ms >= next_removal_ms_) {
    next_removal_ms_ = now_ms + to_ms(options_.remove_every);
    remove_old(now_ms);
    return true;
  }
  if (now_ms < next_cleaning_ms_) return false;
  const auto has_more = archive_->clean();
  if (has_more && *has_more) return true;
  if (!has_more) {
    log_warning("archive", "old rows can not be deleted now",
                {{"error", has_more.error().message}});
  }
  next_cleaning_ms_ = now_ms + (has_more ? to_ms(options_.remove_every) : clean_again_after_ms);
  return false;
}

void Archivist::remove_old(std::int64_t now_ms) {
  std::erase_if(loaded_, [&](const auto& each) { return each.second + loaded_kept_ms < now_ms; });
  std::vector<JobId> in_use;
  for (const auto& [job, at_ms] : loaded_) in_use.push_back(job);
  auto removed = archive_->remove_old(now_ms - to_ms(options_.keep), options_.bytes_max,
                                      removed_at_once, in_use);
  if (!removed) {
    log_warning("archive", "old jobs can not be removed now", {{"error", removed.error().message}});
    return;
  }
  next_cleaning_ms_ = 0;
  if (removed->empty()) return;
  if (removed->size() == removed_at_once) next_removal_ms_ = 0;
  log_info("archive", "old jobs removed", {{"jobs", removed->size()}});
  add([&](ArchivistResults& results) {
    results.removed.insert(results.removed.end(), removed->begin(), removed->end());
  });
}

}  // namespace framebus::broker
