// The tables of an archive of version 1, word for word as the programs that wrote it made them.
//
// What is under test must not be made by what is tested: never change this with schema.cpp.
#pragma once

namespace framebus::broker::test {

inline constexpr const char* archive_schema_1 = R"sql(
CREATE TABLE versions(
  version INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL, stage INTEGER NOT NULL,
  next_task INTEGER NOT NULL, bytes INTEGER NOT NULL,
  row_count INTEGER NOT NULL, rows_left_out INTEGER NOT NULL,
  name TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, priority INTEGER NOT NULL,
  submit_id TEXT NOT NULL, task_count INTEGER NOT NULL,
  succeeded INTEGER NOT NULL, failed INTEGER NOT NULL, dead INTEGER NOT NULL,
  cancelled INTEGER NOT NULL, abandoned INTEGER NOT NULL, expired INTEGER NOT NULL,
  accepted_ms INTEGER NOT NULL, started_ms INTEGER, ended_ms INTEGER NOT NULL,
  error_code TEXT, error TEXT, summary BLOB NOT NULL);
CREATE UNIQUE INDEX whole_versions ON versions(job) WHERE stage = 1;
CREATE UNIQUE INDEX incoming_versions ON versions(job) WHERE stage = 0;
CREATE INDEX deleted_versions ON versions(version) WHERE stage = 2;
CREATE INDEX ended_versions ON versions(ended_ms) WHERE stage = 1;

CREATE TABLE pieces(version INTEGER, first_task INTEGER, image BLOB NOT NULL,
  UNIQUE(version, first_task));
CREATE TABLE step_rows(version INTEGER, step INTEGER, name TEXT, type TEXT,
  first_task INTEGER, task_count INTEGER, PRIMARY KEY(version, step)) WITHOUT ROWID;
CREATE TABLE input_rows(version INTEGER, step INTEGER, position INTEGER, hash BLOB, size INTEGER,
  name TEXT, PRIMARY KEY(version, step, position)) WITHOUT ROWID;
CREATE INDEX input_hashes ON input_rows(substr(hash, 1, 8));
CREATE TABLE task_rows(version INTEGER, task INTEGER, tasks INTEGER, step INTEGER, state TEXT,
  tries INTEGER, crashes INTEGER, losses INTEGER, grants INTEGER,
  PRIMARY KEY(version, task)) WITHOUT ROWID;
CREATE TABLE attempt_rows(version INTEGER, task INTEGER, epoch INTEGER, number INTEGER,
  worker TEXT, worker_id TEXT, outcome TEXT, started INTEGER, granted_ms INTEGER, run_ms INTEGER,
  error_code TEXT, error TEXT, PRIMARY KEY(version, task, epoch, number)) WITHOUT ROWID;
CREATE TABLE error_rows(version INTEGER, task INTEGER, position INTEGER, error_code TEXT,
  error TEXT, log_tail TEXT, PRIMARY KEY(version, task, position)) WITHOUT ROWID;
CREATE TABLE result_rows(version INTEGER, task INTEGER, position INTEGER, kind TEXT, hash BLOB,
  size INTEGER, name TEXT, PRIMARY KEY(version, task, position)) WITHOUT ROWID;
CREATE INDEX result_hashes ON result_rows(substr(hash, 1, 8)) WHERE kind = 'blob';
CREATE TABLE worker_rows(version INTEGER, worker TEXT, outcome TEXT, attempts INTEGER,
  run_ms INTEGER, run_ms_max INTEGER, PRIMARY KEY(version, worker, outcome)) WITHOUT ROWID;

CREATE VIEW jobs AS SELECT job AS id, name, owner, state, priority, task_count, succeeded, failed,
  dead, cancelled, abandoned, expired,
  strftime('%Y-%m-%dT%H:%M:%fZ', accepted_ms / 1000.0, 'unixepoch') AS accepted_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', started_ms / 1000.0, 'unixepoch') AS started_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', ended_ms / 1000.0, 'unixepoch') AS ended_at,
  accepted_ms, started_ms, ended_ms, max(0, ended_ms - started_ms) AS run_ms,
  error_code AS first_error_code, error AS first_error, submit_id,
  rows_left_out AS tasks_without_rows, bytes
  FROM versions WHERE stage = 1;
CREATE VIEW steps AS SELECT v.job, r.step, r.name, r.type, r.first_task, r.task_count
  FROM versions v JOIN step_rows r USING(version) WHERE v.stage = 1;
CREATE VIEW inputs AS SELECT v.job, r.step, lower(hex(r.hash)) AS hash, r.size, r.name
  FROM versions v JOIN input_rows r USING(version) WHERE v.stage = 1;
CREATE VIEW tasks AS SELECT v.job, r.task, r.tasks, r.step, r.state, r.tries, r.crashes, r.losses,
  r.grants FROM versions v JOIN task_rows r USING(version) WHERE v.stage = 1;
CREATE VIEW attempts AS SELECT v.job, r.task, r.epoch, r.number AS "grant", r.worker, r.worker_id,
  r.outcome, r.started,
  strftime('%Y-%m-%dT%H:%M:%fZ', r.granted_ms / 1000.0, 'unixepoch') AS granted_at,
  r.granted_ms, r.run_ms, r.error_code, r.error
  FROM versions v JOIN attempt_rows r USING(version) WHERE v.stage = 1;
CREATE VIEW errors AS SELECT v.job, r.task, r.position, r.error_code, r.error, r.log_tail
  FROM versions v JOIN error_rows r USING(version) WHERE v.stage = 1;
CREATE VIEW results AS SELECT v.job, r.task, r.kind, lower(hex(r.hash)) AS hash, r.size, r.name
  FROM versions v JOIN result_rows r USING(version) WHERE v.stage = 1;
CREATE VIEW workers AS SELECT v.job, r.worker, r.outcome, r.attempts, r.run_ms, r.run_ms_max
  FROM versions v JOIN worker_rows r USING(version) WHERE v.stage = 1;
CREATE VIEW blobs AS SELECT job, hash, size, name, 'input' AS role FROM inputs
  UNION ALL SELECT job, hash, size, name, 'result' FROM results WHERE kind = 'blob';
)sql";

}  // namespace framebus::broker::test
