#include "worker/shell/commands.h"

#include <algorithm>
#include <array>
#include <exception>

#include "libmsg/base/json_text.h"
#include "libmsg/base/limits.h"

namespace framebus::worker {
namespace {

constexpr std::int64_t wait_ms_max = 24LL * 3600 * 1000;
constexpr std::size_t prepared_shown_max = 64;
constexpr unsigned command_threads = 4;

using Call = CommandRunner::Call;

Result<Bytes> ping(Call&) {
  return Bytes{};
}

Result<Bytes> echo(Call& call) {
  const Bytes& said = call.command().payload;
  if (said.size() > limits::command_reply_bytes_max)
    return fail(Code::resource_exhausted,
                "echo: an answer of " + std::to_string(said.size()) + " bytes; at most " +
                    std::to_string(limits::command_reply_bytes_max) + " are allowed");
  return said;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  }
  return out + '"';
}

Result<Bytes> status(Call& call) {
  const PoolView view = call.services().slots->describe();
  std::string text = "{\"attempts\": [";
  const char* comma = "";
  for (const SlotView& each : view.running) {
    text += comma + ("{\"task\": \"" + to_string(each.attempt.task)) +
            "\", \"grant\": " + std::to_string(each.attempt.token.grant) +
            ", \"type\": " + in_quotes(each.type) +
            ", \"for_ms\": " + std::to_string(to_ms(each.for_time)) +
            ", \"cancelled\": " + (each.is_cancelled ? "true" : "false") + "}";
    comma = ", ";
  }
  text += "], \"executors\": [";
  comma = "";
  for (const ChildView& each : view.children) {
    text += comma + ("{\"role\": " + in_quotes(each.role)) +
            ", \"pid\": " + std::to_string(each.pid) + "}";
    comma = ", ";
  }
  text += "], \"prepared\": [";
  comma = "";
  std::size_t shown = 0;
  for (const PreparedStore::Entry& each : call.services().prepared->since(0)) {
    if (++shown > prepared_shown_max) break;
    text += comma + ("{\"name\": " + in_quotes(each.name)) +
            ", \"bytes\": " + std::to_string(each.payload.size()) + "}";
    comma = ", ";
  }
  text += "]}";
  if (text.size() > limits::command_reply_bytes_max)
    return fail(Code::resource_exhausted, "status: too much goes on for one answer");
  return Bytes(text.begin(), text.end());
}

Result<Bytes> drop_caches(Call& call) {
  call.services().slots->drop_caches();
  FRAMEBUS_TRY(call.services().cache->trim(0));
  return Bytes{};
}

Result<Bytes> wait_for(Call& call) {
  FRAMEBUS_ASSIGN(const JsonDocument params,
                  JsonDocument::parse(std::string(text_of(call.command().payload)), "wait"));
  std::optional<std::int64_t> ms;
  if (params.root().is(JsonKind::object))
    if (const auto value = params.root().find("ms"); value && value->is(JsonKind::number))
      ms = value->integer();
  if (!ms || *ms < 0 || *ms > wait_ms_max)
    return fail(Code::invalid_argument,
                "wait: wanted {\"ms\": 0 to " + std::to_string(wait_ms_max) + "}");
  if (!call.pause(milliseconds(*ms))) return fail(Code::cancelled, "wait: cancelled");
  return Bytes{};
}

// Tasks that begin from now on see it; executors are told before their next task.
Result<Bytes> prepare(Call& call) {
  call.services().prepared->set(call.name(), call.command().number, call.command().payload);
  return Bytes{};
}

struct CommandEntry {
  std::string_view name;
  Result<Bytes> (*run)(Call&);
};
constexpr std::array<CommandEntry, 6> registry = {{{"drop_caches", drop_caches},
                                                   {"echo", echo},
                                                   {"ping", ping},
                                                   {"prepare", prepare},
                                                   {"status", status},
                                                   {"wait", wait_for}}};

Result<Bytes> carry_out(Call& call) {
  const std::string& verb = call.command().verb;
  const std::string base = verb.substr(0, verb.find(':'));
  const auto found = std::find_if(registry.begin(), registry.end(),
                                  [&](const CommandEntry& each) { return each.name == base; });
  if (found == registry.end())
    return fail(Code::not_found, "no command '" + base.substr(0, 64) + "'");
  try {
    return found->run(call);
  } catch (const std::exception& thrown) {
    return fail(Code::internal, base + " threw " + thrown.what());
  }
}

}  // namespace

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const CommandEntry& each : registry) names.emplace_back(each.name);
  return names;
}

std::string CommandRunner::Call::name() const {
  const std::size_t colon = command_.verb.find(':');
  return colon == std::string::npos ? "" : command_.verb.substr(colon + 1);
}

bool CommandRunner::Call::pause(Duration most) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, most, [&] { return is_cancelled_; });
}

void CommandRunner::Call::cancel() {
  {
    const std::lock_guard lock(mutex_);
    is_cancelled_ = true;
  }
  changed_.notify_all();
}

CommandRunner::CommandRunner(const CommandServices& services) : services_(services) {
  for (unsigned i = 0; i < command_threads; ++i) threads_.emplace_back([this] { work(); });
}

CommandRunner::~CommandRunner() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    for (const auto& [number, call] : calls_) call->cancel();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void CommandRunner::start(StartCommand command) {
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t number = command.number;
    auto call = std::make_shared<Call>(services_, std::move(command));
    calls_.emplace(number, call);
    waiting_.push_back(std::move(call));
  }
  changed_.notify_one();
}

void CommandRunner::cancel(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  if (const auto found = calls_.find(number); found != calls_.end()) found->second->cancel();
}

void CommandRunner::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return closing_ || !waiting_.empty(); });
    if (closing_) return;
    const std::shared_ptr<Call> call = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    Result<Bytes> done = carry_out(*call);
    CommandFinished finished;
    finished.number = call->command().number;
    if (done)
      finished.payload = std::move(*done);
    else
      finished.error = {static_cast<std::uint16_t>(done.error().code), done.error().message,
                        done.error().retry_after_ms};
    services_.inbox->post(std::move(finished));
    lock.lock();
    calls_.erase(call->command().number);
  }
}

}  // namespace framebus::worker
