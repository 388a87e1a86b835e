#include "worker/shell/conversation.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "libmsg/base/limits.h"
#include "worker/shell/spool.h"
#include "worker/shell/task_run.h"

namespace framebus::worker {
namespace {

constexpr std::size_t read_bytes = 64 * limits::KiB;
constexpr std::size_t output_per_turn_max = 16 * read_bytes;
constexpr std::size_t file_name_bytes_max = 64;

WireError wire_error(const Error& error) {
  return {static_cast<std::uint16_t>(error.code), error.message, error.retry_after_ms};
}

bool is_file_name(const std::string& text) {
  return !text.empty() && text.size() <= file_name_bytes_max && text.front() != '.' &&
         text.find('/') == std::string::npos && text.find('\0') == std::string::npos;
}

}  // namespace

Conversation::Conversation(ExecutorChild& child, Work& work, AttemptContext& context,
                           const Spool& spool, Wakeup& wakeup)
    : child_(child), work_(work), context_(context), spool_(spool), wakeup_(wakeup) {}

ExecutorFinished Conversation::run(const std::vector<PreparedStore::Entry>& prepared) {
  for (const PreparedStore::Entry& entry : prepared) send(ChildPrepared{entry.name, entry.payload});
  send(ChildRun{work_.start.attempt, work_.start.step, context_.threads(),
                context_.cache_directory().string(), spool_.directory.string(), spool_.bytes_max});
  while (!finished_) {
    look_at_flags();
    flush();
    const bool has_outgoing = is_talk_open_ && outgoing_begin_ < outgoing_.size();
    const short talk_events = static_cast<short>(POLLIN | (has_outgoing ? POLLOUT : 0));
    pollfd watched[] = {{wakeup_.fd(), POLLIN, 0},
                        {is_output_open_ ? child_.output_fd() : -1, POLLIN, 0},
                        {is_talk_open_ ? child_.talk_fd() : -1, talk_events, 0},
                        {child_.control_fd(), POLLIN, 0}};
    if (::poll(watched, 4, -1) < 0) continue;
    if (watched[0].revents != 0) wakeup_.drain();
    if (watched[1].revents != 0) read_output();
    if (watched[2].revents != 0) read_talk();
    if (finished_ || watched[3].revents == 0) continue;
    const ChildExit exit = child_.end();  // the executor is gone; now so is its tree
    must_end_ = true;
    read_output();
    read_talk();  // it may have said how it ended before it did
    if (!finished_) finished_ = after_exit(exit);
  }
  read_output();
  finished_->log_tail = context_.log_tail();
  return std::move(*finished_);
}

void Conversation::send(const ChildMessage& message) {
  const Bytes frame = encode_child(message);
  outgoing_.insert(outgoing_.end(), frame.begin(), frame.end());
}

void Conversation::flush() {
  while (is_talk_open_ && outgoing_begin_ < outgoing_.size()) {
    const ssize_t count = ::send(child_.talk_fd(), outgoing_.data() + outgoing_begin_,
                                 outgoing_.size() - outgoing_begin_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) {
      is_talk_open_ = false;  // it is ending: the keeper will say how
      return;
    }
    outgoing_begin_ += static_cast<std::size_t>(count);
  }
  outgoing_.clear();
  outgoing_begin_ = 0;
}

void Conversation::look_at_flags() {
  if (work_.killed && !is_killed_) {
    is_killed_ = true;
    child_.kill();
  } else if (work_.cancelled && !is_cancel_sent_) {
    is_cancel_sent_ = true;
    send(ChildCancel{});
  }
}

void Conversation::read_output() {
  std::uint8_t bytes[read_bytes];
  for (std::size_t total = 0; total < output_per_turn_max;) {
    const ssize_t count = ::read(child_.output_fd(), bytes, sizeof bytes);
    if (count == 0) is_output_open_ = false;
    if (count <= 0) return;
    total += static_cast<std::size_t>(count);
    context_.log_output(BytesView(bytes, static_cast<std::size_t>(count)));
  }
}

void Conversation::read_talk() {
  std::uint8_t bytes[read_bytes];
  while (is_talk_open_ && !finished_) {
    const ssize_t count = ::recv(child_.talk_fd(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      is_talk_open_ = false;
      child_.kill();  // without its connection it is of no use, even if it still runs
      return;
    }
    child_.frames().append(BytesView(bytes, static_cast<std::size_t>(count)));
    while (!finished_ && is_talk_open_) {
      auto message = child_.frames().next();
      if (!message) return on_nonsense(message.error().message);
      if (!*message) break;
      on_message(std::move(**message));
    }
    look_at_flags();
    flush();
  }
}

void Conversation::on_message(ChildMessage message) {
  if (auto* progress = std::get_if<ChildProgress>(&message))
    return context_.progress(progress->permille, progress->status);
  if (auto* log = std::get_if<ChildLog>(&message)) return context_.log(log->line);
  if (auto* want = std::get_if<ChildWant>(&message)) return send(fetch(*want));
  if (auto* put = std::get_if<ChildPut>(&message)) return send(store(*put));
  if (auto* finished = std::get_if<ChildFinished>(&message))
    return on_finished(std::move(*finished));
  on_nonsense("a message that executors do not send");
}

void Conversation::on_finished(ChildFinished finished) {
  if (finished.outcome == Outcome::none || finished.outcome == Outcome::crashed ||
      finished.result.size() > limits::inline_result_bytes_max)
    return on_nonsense("an outcome that can not be");
  ExecutorFinished ended;
  ended.attempt = work_.id();
  ended.outcome = finished.outcome;
  ended.result = std::move(finished.result);
  ended.blobs = std::move(finished.blobs);
  ended.error = std::move(finished.error);
  ended.error.message.resize(std::min(ended.error.message.size(), limits::error_text_bytes_max));
  ended.permanent = finished.permanent;
  if (finished.leaves_processes || is_killed_) must_end_ = true;
  finished_ = std::move(ended);
}

// It may have overwritten its own memory: nothing more of it is believed.
void Conversation::on_nonsense(const std::string& what) {
  nonsense_ = what;
  is_talk_open_ = false;
  child_.kill();
}

ChildBlob Conversation::fetch(const ChildWant& want) {
  ChildBlob answer;
  answer.request = want.request;
  auto path = context_.input(want.blob);
  if (path)
    answer.path = path->string();
  else
    answer.error = wire_error(path.error());
  return answer;
}

ChildBlob Conversation::store(const ChildPut& put) {
  ChildBlob answer;
  answer.request = put.request;
  if (!is_file_name(put.file) || put.name.size() > limits::name_bytes_max) {
    answer.error = wire_error({Code::invalid_argument, "no name of a file in the spool", 0});
    return answer;
  }
  const std::filesystem::path path = spool_.directory / put.file;
  std::error_code unknown;  // a file that is not there shows when it is read
  const std::uintmax_t size = std::filesystem::file_size(path, unknown);
  const Status room = unknown ? Status{} : check_spool_room(size, 0, spool_.bytes_max);
  Result<BlobRef> stored =
      room ? context_.put_file(path, put.name) : Result<BlobRef>(fail(room.error()));
  if (stored)
    answer.blob = std::move(*stored);
  else
    answer.error = wire_error(stored.error());
  ::unlink(path.c_str());
  return answer;
}

ExecutorFinished Conversation::after_exit(const ChildExit& exit) {
  std::string text = "its executor process ";
  const int number = static_cast<int>(exit.number);
  if (!nonsense_.empty())
    text += "was ended because it spoke nonsense: " + nonsense_;
  else if (is_killed_)
    text += "was killed with everything it had begun";
  else if (exit.is_signal)
    text += "was ended by " + name_of_signal(number) + " (" + ::strsignal(number) + ")" +
            (number == SIGKILL ? "; not by this worker, perhaps for lack of memory" : "");
  else
    text += "ended by itself with exit code " + std::to_string(number);
  if (!exit.text.empty()) text += "; " + exit.text;
  ExecutorFinished ended = failed_attempt(work_.id(), {Code::task_failed, text, 0}, false);
  ended.outcome = Outcome::crashed;
  return ended;
}

}  // namespace framebus::worker
