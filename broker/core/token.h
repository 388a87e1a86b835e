// Makes and checks the MAC of a token: SipHash-2-4-128 under the broker's key over job, task index,
// epoch, grant (little-endian u64 each) and the worker's id. So a worker can present only what it
// was granted. Pure; any thread.
#pragma once

#include "libmsg/base/siphash.h"
#include "libmsg/base/ids.h"

namespace framebus::broker {

// `key`: the first 16 bytes count, missing ones are 0.
SipKey token_key(const Bytes& key);

Token make_token(const SipKey& key, TaskRef task, std::uint64_t epoch, std::uint64_t grant,
                 const WorkerId& worker);

// True when `token` was made with this key for this task and worker.
bool is_genuine(const SipKey& key, TaskRef task, const Token& token, const WorkerId& worker);

}  // namespace framebus::broker
