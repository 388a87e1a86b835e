// A finished job as pieces for the archive, and back. Pieces are bounded (image.h), so a job of a
// million tasks is never held up in one go.
//
// What comes back is the job as it was, but for what only matters while it runs: exclusions, pauses
// and stops of a job that has ended, and times in ms.
#pragma once

#include "broker/core/state.h"

namespace framebus::broker {

// The spec without the parameters of single tasks.
JobSpec spec_head(const JobSpec& spec);
// The piece that begins with this task. The job has ended.
JobImage make_piece(const State& state, const Job& job, std::uint32_t first_task);
// The first task of the piece after it.
std::uint32_t next_task_of(const JobImage& piece);

// Whether these pieces, as they came from a disk, are the whole of this job: everything that
// add_piece() and finish_image() take for granted.
Status check_pieces(const State& state, JobId job, const std::vector<JobImage>& pieces);

// Called by apply() and for copies: makes `job` out of pieces, in order. The first begins it anew.
void add_piece(State& state, Job& job, const JobImage& piece);
// After the last: the job is in State::jobs. `last_lsn`: of the last record about it.
Job& finish_image(State& state, Job&& job, const std::string& owner, std::uint64_t last_lsn);

}  // namespace framebus::broker
