// Parts of Core::check_invariants() that live in files of their own.
#pragma once

#include "broker/core/state.h"

namespace framebus::broker {

// Finished jobs, archive, uploads, blobs in use, submit ids.
void check_kept(const State& state);

}  // namespace framebus::broker
