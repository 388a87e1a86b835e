// See promised_bytes.h.
#include "libmsg/blob/promised_bytes.h"

#include <algorithm>
#include <utility>

namespace framebus {

PromisedBytes::Promise::Promise(Promise&& other) noexcept
    : total_(std::move(other.total_)), left_(std::exchange(other.left_, 0)) {}

PromisedBytes::Promise& PromisedBytes::Promise::operator=(Promise&& other) noexcept {
  if (this == &other) return *this;
  written(left_);
  total_ = std::move(other.total_);
  left_ = std::exchange(other.left_, 0);
  return *this;
}

void PromisedBytes::Promise::written(std::uint64_t bytes) {
  const std::uint64_t some = std::min(bytes, left_);
  if (some == 0) return;
  left_ -= some;
  *total_ -= some;
}

}  // namespace framebus
