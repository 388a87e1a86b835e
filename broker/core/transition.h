// The one door through which a task changes its state, and what follows from its end for others.
// Called by apply() only.
#pragma once

#include <vector>

#include "broker/core/state.h"

namespace framebus::broker {

// Takes row `row` of the task table: checks it, moves the task, keeps counts, queues, the log of
// ended tasks and watches in step. O(log) of the queue's size.
void move_task(State& state, Job& job, std::uint32_t index, std::uint32_t row, TaskState to);

// Counts a row that leaves the state as it is (8, 15, 16, 17, 23, 26, 27, 28, 31).
void hit_row(State& state, std::uint32_t row);

// The detail of a task, made if it has none yet.
TaskDetail& touch(Job& job, std::uint32_t index);

// These tasks have just ended: releases (row 2) or abandons (row 29) those that waited for them,
// and stops the job when it has failed often enough (row 33).
void settle_ended(State& state, Job& job, std::vector<std::uint32_t> ended);

// Every task waited for has succeeded. O(steps waited for task by task), and one look at the next
// of those that are waited for as a whole.
bool dependencies_met(const Job& job, std::uint32_t index);
// Every step that this one waits for as a whole has succeeded. O(1) amortised.
bool waits_met(const Job& job, Step& step);
// A task waited for has ended otherwise. O(steps waited for).
bool dependencies_failed(const Job& job, std::uint32_t index);
// Of those waited for task by task.
bool task_before_failed(const Job& job, const Step& step, std::uint32_t index);
// A task of the step has ended otherwise than succeeded.
bool has_bad_end(const Step& step);

// Moves a held task to queued if nothing holds it any more.
void release_if_free(State& state, Job& job, std::uint32_t index);

// Tells the watches of the job that a task changed without ending.
void mark_changed(State& state, Job& job, std::uint32_t index);
void mark_job(State& state, Job& job);

}  // namespace framebus::broker
