#include "client/commands/away_notice.h"

namespace framebus::client {
namespace {

constexpr Duration told_after = seconds(2);
constexpr std::string_view sentence = "broker is away, waiting";

}  // namespace

bool is_absence(const Error& error) {
  return error.code == Code::unavailable || error.code == Code::deadline_exceeded;
}

void AwayNotice::look(TimePoint now, bool is_connected) {
  if (is_connected) {
    if (lost_at_) is_told_ = false;
    lost_at_.reset();
    return;
  }
  if (!lost_at_) lost_at_ = now;
  if (now - *lost_at_ >= told_after) unanswered();
}

void AwayNotice::unanswered() {
  if (!std::exchange(is_told_, true)) say_(sentence);
}

}  // namespace framebus::client
