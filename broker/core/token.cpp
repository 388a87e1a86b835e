#include "broker/core/token.h"

#include <algorithm>

namespace framebus::broker {

SipKey token_key(const Bytes& key) {
  SipKey out{};
  std::copy_n(key.begin(), std::min(key.size(), out.size()), out.begin());
  return out;
}

Token make_token(const SipKey& key, TaskRef task, std::uint64_t epoch, std::uint64_t grant,
                 const WorkerId& worker) {
  SipHasher hasher(key);
  hasher.add_u64(task.job.value);
  hasher.add_u64(task.index);
  hasher.add_u64(epoch);
  hasher.add_u64(grant);
  hasher.add(worker.bytes);
  return {epoch, grant, hasher.finish()};
}

bool is_genuine(const SipKey& key, TaskRef task, const Token& token, const WorkerId& worker) {
  const Token ours = make_token(key, task, token.epoch, token.grant, worker);
  // Every byte is looked at, so that the time taken tells nothing about where they differ.
  unsigned difference = 0;
  for (std::size_t i = 0; i < ours.mac.size(); ++i) difference |= ours.mac[i] ^ token.mac[i];
  return difference == 0;
}

}  // namespace framebus::broker
