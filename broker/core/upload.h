// A job that arrives in parts and that nobody sees yet (uploads.h). Plain data of State (state.h).
#pragma once

#include <cstdint>
#include <string>

#include "libmsg/base/siphash.h"
#include "libmsg/base/time.h"
#include "libmsg/schema/parts.h"

namespace framebus::broker {

struct Upload {
  std::string owner;  // principal
  JobSpec spec;       // with the task_params that have come so far
  SipHash head{};     // digest of the spec as it was opened: recognises a repeated SubmitOpen
  SipHasher parts{SipKey{}};  // over the parts so far, see SubmitCommit
  std::uint32_t next_part = 1;
  std::uint64_t bytes = 0;     // bytes_of(spec); in State::open_spec_bytes
  std::uint64_t last_lsn = 0;  // of the last record about it: a repeat is answered after its sync
  TimePoint orphaned_at{};     // volatile: since when its owner has no connection; zero: it has one
};

}  // namespace framebus::broker
