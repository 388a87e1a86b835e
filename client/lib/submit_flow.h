// Carries a Submission (submission.h) out: requests, transfers of missing inputs, waits.
// Private to client/lib.
#pragma once

#include <functional>
#include <vector>

#include "client/lib/primary_impl.h"

namespace framebus::client {

// `sink` gets the outcome exactly once, on an internal thread.
void start_submit(PrimaryImpl& impl, JobSpec job, std::vector<InputSource> files,
                  SubmitOptions options, std::function<void(Result<Accepted>)> sink);

// 128 bits from the system.
SubmitId random_submit_id();

}  // namespace framebus::client
