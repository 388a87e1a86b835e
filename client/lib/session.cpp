// Session: connection phases and the request table. Watches are in session_watches.cpp.
#include "client/lib/session.h"

#include <algorithm>

#include "client/lib/request_kinds.h"
#include "libmsg/schema/wire_error.h"

namespace framebus::client {
namespace {

constexpr std::uint64_t probe_request = ~std::uint64_t{0};  // ids made by callers count up from 1

std::uint64_t splitmix(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15ull;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

// A peer's hint may not overflow our clock.
Duration hint_of(const Error& error) {
  return milliseconds(std::clamp<std::int64_t>(error.retry_after_ms, 0, 3'600'000));
}

}  // namespace

Session::Session(SessionOptions options) : options_(std::move(options)), random_(options_.seed) {}

void Session::start(TimePoint now, Effects& out) {
  if (phase_ == Phase::idle) connect(now, out);
}

void Session::connect(TimePoint now, Effects& out) {
  phase_ = Phase::greeting;
  phase_until_ = now + options_.handshake;
  ++generation_;
  out.push_back(Connect{});
  Hello hello;
  hello.role = Role::primary;
  hello.program = options_.program;
  hello.principal = options_.principal;
  out.push_back(Transmit{hello});
}

void Session::back_off(TimePoint now, Duration at_least) {
  const std::uint32_t doublings = std::min<std::uint32_t>(failures_, 20);
  ++failures_;
  Duration wait =
      std::min(options_.reconnect_min * (std::int64_t{1} << doublings), options_.reconnect_max);
  const auto permille = static_cast<std::int64_t>(splitmix(random_) % 501) - 250;
  wait += wait / 1000 * permille;
  phase_ = Phase::waiting;
  phase_until_ = now + std::max(wait, at_least);
}

void Session::drop(TimePoint now, const std::string& reason, Duration at_least, Effects& out) {
  out.push_back(Disconnect{reason});
  last_problem_ = reason;
  probed_at_.reset();
  end_commands(reason, out);
  back_off(now, at_least);
}

// What was sent on the lost connection and must not be sent again.
void Session::end_commands(const std::string& reason, Effects& out) {
  std::vector<std::uint64_t> lost;
  for (const auto& [id, request] : requests_)
    if (request.was_sent && !may_be_repeated(request.message)) lost.push_back(id);
  for (const std::uint64_t id : lost) {
    finish(id,
           fail(Code::unavailable, "the connection to the broker at " + options_.broker +
                                       " was lost (" + reason +
                                       "); whether workers carried the command out is unknown"),
           out);
  }
}

void Session::transmit(TimePoint now, std::uint64_t id, Outstanding& request, Effects& out) {
  if (auto* command = std::get_if<Command>(&request.message)) {
    command->deadline_ms = std::max<std::int64_t>(1, to_ms(request.deadline - now));
    deadlines_.erase({request.deadline, id});
    request.deadline += options_.command_slack;
    deadlines_.emplace(request.deadline, id);
  }
  request.was_sent = true;
  out.push_back(Transmit{request.message});
}

void Session::request(TimePoint now, std::uint64_t id, Message message, TimePoint deadline,
                      Effects& out) {
  if (phase_ == Phase::stopped) {
    out.push_back(Finished{id, fail(Code::shutdown, "the connection to the broker was shut down")});
    return;
  }
  if (!set_request(message, id)) {
    out.push_back(
        Finished{id, fail(Code::invalid_argument, std::string(name_of_request(message)) +
                                                      " is not a request that a primary makes")});
    return;
  }
  if (requests_.size() >= options_.requests_max) {
    out.push_back(Finished{
        id, fail(Code::resource_exhausted,
                 std::to_string(requests_.size()) + " requests are outstanding, the limit of one "
                                                    "primary; wait for some of them",
                 100)});
    return;
  }
  // A session that was silent while nobody asked is not suspect because of it.
  if (!has_work()) last_heard_ = now;
  auto [entry, is_new] = requests_.emplace(id, Outstanding{std::move(message), deadline, false});
  if (!is_new) return;
  deadlines_.emplace(deadline, id);
  if (phase_ == Phase::ready) transmit(now, id, entry->second, out);
}

void Session::cancel(std::uint64_t id, Effects& out) {
  const auto entry = requests_.find(id);
  if (entry == requests_.end()) return;
  const bool was_sent = entry->second.was_sent;
  const std::string name = name_of_request(entry->second.message);
  finish(id,
         fail(Code::cancelled, was_sent ? name + " was cancelled by its caller; whether it was "
                                                 "carried out is unknown"
                                        : name + " was cancelled by its caller, and never sent"),
         out);
}

void Session::finish(std::uint64_t id, Result<Message> outcome, Effects& out) {
  const auto entry = requests_.find(id);
  if (entry == requests_.end()) return;
  deadlines_.erase({entry->second.deadline, id});
  requests_.erase(entry);
  out.push_back(Finished{id, std::move(outcome)});
}

void Session::fail_all(const Error& error, Effects& out) {
  for (auto& [id, request] : requests_) out.push_back(Finished{id, fail(error)});
  for (auto& [id, watching] : watches_) out.push_back(WatchEnded{id, error});
  requests_.clear();
  deadlines_.clear();
  watches_.clear();
}

void Session::on_message(TimePoint now, const Message& message, Effects& out) {
  if (phase_ == Phase::greeting) {
    if (const auto* welcome = std::get_if<Welcome>(&message)) {
      last_heard_ = now;
      on_welcome(now, *welcome, out);
    } else if (const auto* refused = std::get_if<Refused>(&message)) {
      on_refused(now, *refused, out);
    } else if (const auto* error = std::get_if<ErrorReply>(&message)) {
      // Not a refusal: what reached the broker was no Hello (damaged on its way); it is said again.
      if (static_cast<Code>(error->error.code) == Code::no_session)
        return drop(now, "the broker did not understand the greeting", Duration::zero(), out);
      on_refused(now, Refused{error->error}, out);
    }
    return;
  }
  if (phase_ != Phase::ready) return;
  last_heard_ = now;
  probed_at_.reset();
  if (const auto* error = std::get_if<ErrorReply>(&message)) return on_error(now, *error, out);
  if (const auto* events = std::get_if<Events>(&message)) return on_events(now, *events, out);
  if (const auto* goodbye = std::get_if<Goodbye>(&message)) {
    return drop(now, "the broker said goodbye: " + goodbye->reason, Duration::zero(), out);
  }
  const std::uint64_t id = std::visit(
      [](const auto& m) -> std::uint64_t {
        if constexpr (requires { m.request; }) return m.request;
        return 0;
      },
      message);
  const auto entry = requests_.find(id);
  if (entry == requests_.end()) return;  // answered after its deadline, or the probe
  if (!is_answer_to(entry->second.message, message)) {
    finish(id,
           fail(Code::malformed_message, "the broker answered " +
                                             std::string(name_of_request(entry->second.message)) +
                                             " with " + name_of_request(message)),
           out);
    return;
  }
  if (const auto* done = std::get_if<CommandDone>(&message))
    return on_command_done(*done, entry->second, out);
  finish(id, message, out);
}

void Session::on_command_done(const CommandDone& done, Outstanding& request, Effects& out) {
  std::vector<CommandAnswer>& all = request.answers;
  all.insert(all.end(), done.answers.begin(), done.answers.end());
  if (!done.answers.empty()) out.push_back(Answered{done.request, done.answers});
  if (!done.last) return;
  CommandDone whole = done;
  whole.answers = std::move(all);
  finish(done.request, Message{std::move(whole)}, out);
}

void Session::on_welcome(TimePoint now, const Welcome& welcome, Effects& out) {
  phase_ = Phase::ready;
  failures_ = 0;
  last_problem_.clear();
  out.push_back(Welcomed{welcome});
  if (is_another_history(welcome)) {
    forget_jobs(welcome.ephemeral || was_ephemeral_
                    ? "was started again and keeps jobs in memory only"
                    : "has gone back to older data",
                out);
  }
  epoch_ = welcome.epoch;
  was_ephemeral_ = welcome.ephemeral;
  for (auto& [id, request] : requests_) transmit(now, id, request, out);
  for (auto& [id, watching] : watches_) send_watch(watching, out);
}

// A broker with a journal goes on where it was, under a larger epoch; any other change of the epoch
// is another broker's memory.
bool Session::is_another_history(const Welcome& welcome) const {
  if (epoch_ == 0 || welcome.epoch == epoch_) return false;
  return welcome.ephemeral || was_ephemeral_ || welcome.epoch < epoch_;
}

// Whatever has a job's number there now is another job, which must neither be followed nor acted
// upon in its stead.
void Session::forget_jobs(const std::string& why, Effects& out) {
  const Error error{Code::not_found,
                    "the broker at " + options_.broker + " " + why + ": the job is gone"};
  std::vector<std::uint64_t> gone;
  for (const auto& [id, request] : requests_)
    if (names_a_job(request.message)) gone.push_back(id);
  for (const std::uint64_t id : gone) finish(id, fail(error), out);
  std::erase_if(watches_, [&](const auto& each) {
    if (each.second.watch.job.is_none()) return false;
    out.push_back(WatchEnded{each.first, error});
    return true;
  });
  for (auto& [id, watching] : watches_) watching.watch.from = {};
}

void Session::on_refused(TimePoint now, const Refused& refused, Effects& out) {
  const Error error =
      from_wire(refused.error).context("the broker at " + options_.broker + " refused this client");
  if (error_info(error.code).retry != RetryRule::back_off) fail_all(error, out);
  drop(now, error.message, hint_of(error), out);
}

void Session::on_error(TimePoint now, const ErrorReply& reply, Effects& out) {
  const Error error = from_wire(reply.error);
  if (error.code == Code::no_session)
    return drop(now, "the broker does not know this session", Duration::zero(), out);
  if (requests_.contains(reply.request)) return finish(reply.request, fail(error), out);
  const auto watch = watches_.find(reply.request);
  if (watch == watches_.end()) return;
  if (error_info(error.code).retry == RetryRule::back_off) {
    watch->second.generation = 0;
    watch->second.again_at = now + std::max<Duration>(hint_of(error), options_.reconnect_min);
    return;
  }
  watches_.erase(watch);
  out.push_back(WatchEnded{reply.request, error});
}

void Session::on_garbled(std::uint64_t request, const Error& error, Effects& out) {
  if (phase_ != Phase::ready) return;
  const Error named = error.context("answer of the broker");
  if (watches_.erase(request) > 0) {
    out.push_back(Transmit{Unwatch{request}});
    out.push_back(WatchEnded{request, named});
  }
  finish(request, fail(named), out);
}

void Session::on_closed(TimePoint now, const std::string& reason, Effects& out) {
  if (phase_ != Phase::greeting && phase_ != Phase::ready) return;
  drop(now, reason, Duration::zero(), out);
}

Error Session::no_answer(const Outstanding& request) const {
  if (!request.was_sent) {
    std::string text = "no broker answers at " + options_.broker;
    if (!last_problem_.empty()) text += " (" + last_problem_ + ")";
    return {Code::unavailable, text};
  }
  return {Code::deadline_exceeded, "the broker at " + options_.broker + " did not answer " +
                                       name_of_request(request.message) +
                                       " in time; whether it took effect is unknown"};
}

void Session::expire_requests(TimePoint now, Effects& out) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const std::uint64_t id = deadlines_.begin()->second;
    finish(id, fail(no_answer(requests_.at(id))), out);
  }
}

void Session::probe(TimePoint now, Effects& out) {
  if (phase_ != Phase::ready || !has_work()) return;
  if (probed_at_) {
    if (now - *probed_at_ >= options_.probe_after)
      drop(now, "the broker fell silent", Duration::zero(), out);
  } else if (now - last_heard_ >= options_.probe_after) {
    probed_at_ = now;
    Query query;
    query.request = probe_request;
    query.kind = QueryKind::status;
    out.push_back(Transmit{query});
  }
}

void Session::on_time(TimePoint now, Effects& out) {
  if (phase_ == Phase::stopped) return;
  expire_requests(now, out);
  if (phase_ == Phase::greeting && now >= phase_until_) {
    drop(now, "it accepted the connection but did not answer Hello", Duration::zero(), out);
  }
  if (phase_ == Phase::waiting && now >= phase_until_) connect(now, out);
  retry_watches(now, out);
  probe(now, out);
}

void Session::stop(Effects& out) {
  if (phase_ == Phase::stopped) return;
  const bool was_ready = phase_ == Phase::ready;
  phase_ = Phase::stopped;
  fail_all({Code::shutdown, "the connection to the broker was shut down"}, out);
  if (was_ready) out.push_back(Transmit{Goodbye{"client ends"}});
}

std::optional<TimePoint> Session::next_wakeup() const {
  std::optional<TimePoint> first;
  const auto consider = [&first](TimePoint t) { first = first ? std::min(*first, t) : t; };
  if (phase_ == Phase::stopped) return first;
  if (phase_ == Phase::waiting || phase_ == Phase::greeting) consider(phase_until_);
  if (!deadlines_.empty()) consider(deadlines_.begin()->first);
  if (phase_ == Phase::ready) {
    if (has_work()) consider((probed_at_ ? *probed_at_ : last_heard_) + options_.probe_after);
    for (const auto& [id, watching] : watches_)
      if (watching.again_at) consider(*watching.again_at);
  }
  return first;
}

}  // namespace framebus::client
