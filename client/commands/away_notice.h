// A verb that stays goes on when the broker is away, and says so: once for each absence.
//
// What may pass by itself is an absence: nobody answered, or the connection was lost. Everything
// else is a definite answer. Waits for nothing itself but in await_patiently(). Thread rule: one
// thread.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <thread>

#include "client/commands/cli.h"
#include "client/commands/interrupt.h"

namespace framebus::client {

bool is_absence(const Error& error);

class AwayNotice {
 public:
  explicit AwayNotice(std::function<void(std::string_view)> say) : say_(std::move(say)) {}

  // Every turn. A connection that comes back within two seconds needs no words.
  void look(TimePoint now, bool is_connected);
  // The broker did not answer, whatever the connection looks like.
  void unanswered();
  void answered() { is_told_ = false; }

 private:
  std::function<void(std::string_view)> say_;
  std::optional<TimePoint> lost_at_;
  bool is_told_ = false;
};

inline constexpr Duration absence_pause = milliseconds(500);

// Asks again until there is an answer, or Ctrl-C: for questions of a verb that stays, once the
// broker has answered it before.
template <class T>
Result<T> await_patiently(Cli& cli, const std::function<Result<T>()>& ask) {
  AwayNotice notice([&cli](std::string_view line) { cli.say(line); });
  for (;;) {
    Result<T> answer = ask();
    if (answer || !is_absence(answer.error()) || InterruptGuard::is_interrupted()) return answer;
    notice.unanswered();
    std::this_thread::sleep_for(absence_pause);
  }
}

}  // namespace framebus::client
