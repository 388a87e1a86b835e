// Large jobs in parts: SubmitOpen, SubmitPart, SubmitCommit. An upload belongs to a principal and
// outlives connections and restarts of the broker; it is dropped `upload_kept` after the last
// connection of its principal is gone.
#pragma once

#include "broker/core/turn.h"

namespace framebus::broker {

void on_submit_open(Turn& turn, SessionId session, const SubmitOpen& message);
void on_submit_part(Turn& turn, SessionId session, const SubmitPart& message);
// `missing`: of what was looked for, the blobs that are not in the blob store; those that the upload
// does not name count for nothing.
void on_submit_commit(Turn& turn, SessionId session, const SubmitCommit& message,
                      const std::vector<BlobRef>& missing);

// For whoever makes a Received of a SubmitCommit: the blobs to look for. Empty without such an
// upload.
std::vector<BlobRef> inputs_of_upload(const State& state, const SubmitId& id);

// A primary of this principal has connected; its last one is gone.
void adopt_uploads(State& state, const std::string& principal);
void orphan_uploads(State& state, const std::string& principal);
void on_uploads_due(Turn& turn);
// After replay: nobody is connected yet.
void begin_uploads(State& state);

}  // namespace framebus::broker
