// Messages about logs, commands, preparation and administration of workers (part of messages.h,
// which says the rules).
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "libmsg/schema/parts.h"

namespace framebus {

#define FB_F FRAMEBUS_FIELD
#define FB_MESSAGE FRAMEBUS_MESSAGE

// ---- logs -------------------------------------------------------------------------------------

struct LogChunk {
  TaskRef task;
  Token token;
  std::uint64_t offset = 0;
  Bytes bytes;
  static constexpr auto fields() {
    using S = LogChunk;
    return std::tuple{FB_F(1, task, "task"), FB_F(2, token, "of its grant"),
                      FB_F(3, offset, "of the first byte in the attempt's log"),
                      FB_F(4, bytes, "whole lines where possible")};
  }
  bool operator==(const LogChunk&) const = default;
};

struct Log {
  FB_MESSAGE(40, "Log",
             "What attempts have written, as it comes. The worker keeps it until LogOk, within a "
             "bound.");
  std::vector<LogChunk> chunks;
  static constexpr auto fields() {
    using S = Log;
    return std::tuple{FB_F(1, chunks, "at least one")};
  }
  bool operator==(const Log&) const = default;
};

struct LogPosition {
  TaskRef task;
  Token token;
  std::uint64_t offset = 0;
  static constexpr auto fields() {
    using S = LogPosition;
    return std::tuple{FB_F(1, task, "task"), FB_F(2, token, "of its grant"),
                      FB_F(3, offset, "everything before it is kept by the broker or given up")};
  }
  bool operator==(const LogPosition&) const = default;
};

struct LogOk {
  FB_MESSAGE(41, "LogOk", "The worker may forget these logs up to here.");
  std::vector<LogPosition> positions;
  static constexpr auto fields() {
    using S = LogOk;
    return std::tuple{FB_F(1, positions, "at least one")};
  }
  bool operator==(const LogOk&) const = default;
};

struct LogRead {
  FB_MESSAGE(42, "LogRead", "Reads the log of an attempt, also after its worker is gone.");
  std::uint64_t request = 0;
  TaskRef task;
  std::uint64_t epoch = 0;
  std::uint64_t grant = 0;
  std::uint64_t offset = 0;
  bool follow = false;
  static constexpr auto fields() {
    using S = LogRead;
    return std::tuple{
        FB_F(1, request, "request id"), FB_F(2, task, "task"),
        FB_F(3, epoch, "of the attempt's token"),
        FB_F(4, grant, "of the attempt's token; 0: the latest attempt"),
        FB_F(5, offset, "first byte wanted"),
        FB_F(6, follow, "when there is nothing there yet, answer once there is (within seconds)")};
  }
  bool operator==(const LogRead&) const = default;
};

struct LogData {
  FB_MESSAGE(43, "LogData", "A piece of a log. Ask again from offset + the bytes' length.");
  std::uint64_t request = 0;
  TaskRef task;
  std::uint64_t epoch = 0;
  std::uint64_t grant = 0;
  std::uint64_t offset = 0;
  Bytes bytes;
  std::uint64_t size = 0;
  bool end = false;
  static constexpr auto fields() {
    using S = LogData;
    return std::tuple{
        FB_F(1, request, "request id"),
        FB_F(2, task, "task"),
        FB_F(3, epoch, "of the attempt"),
        FB_F(4, grant, "of the attempt; 0: the task was never granted"),
        FB_F(5, offset, "of the first byte; larger than asked for when the middle was given up"),
        FB_F(6, bytes, "may be empty"),
        FB_F(7, size, "of the log so far, what was given up included"),
        FB_F(8, end, "the attempt is over and this is the last of it")};
  }
  bool operator==(const LogData&) const = default;
};

// ---- commands and preparation -------------------------------------------------------------------
// Requests to workers that are no tasks: not recorded, not repeated, never left without an answer.

enum class CommandTarget : std::uint8_t { none = 0, all = 1, next = 2, named = 3 };

struct Command {
  FB_MESSAGE(44, "Command",
             "Asks workers to do something now. Every worker asked is answered for: by its reply or "
             "by an error.");
  std::uint64_t request = 0;
  CommandTarget target = CommandTarget::none;
  std::vector<WorkerId> workers;
  std::string verb;
  Bytes payload;
  std::int64_t deadline_ms = 0;
  bool sticky = false;
  static constexpr auto fields() {
    using S = Command;
    return std::tuple{
        FB_F(1, request, "request id"),
        FB_F(2, target,
             "1 every connected worker, 2 the next one in turn (waits for one), 3 the named ones"),
        FB_F(3, workers, "target 3 only; one that is not connected is answered for by worker_lost"),
        FB_F(4, verb, "which command; workers list those they know in WorkerInfo.commands"),
        FB_F(5, payload, "opaque to the broker"),
        FB_F(6, deadline_ms, "until every answer is there; 0: 30 s"),
        FB_F(7, sticky,
             "target 1 only: sent as Prepare, also to every worker that joins later, before any "
             "task; replaces the sticky command of that name")};
  }
  bool operator==(const Command&) const = default;
};

struct RunCommand {
  FB_MESSAGE(45, "RunCommand", "A Command on its way to one worker.");
  std::uint64_t command = 0;
  std::string verb;
  Bytes payload;
  std::int64_t deadline_ms = 0;
  static constexpr auto fields() {
    using S = RunCommand;
    return std::tuple{FB_F(1, command, "names it in CommandReply; never reused in an epoch"),
                      FB_F(2, verb, "which"), FB_F(3, payload, "as sent by the primary"),
                      FB_F(4, deadline_ms, "left of it")};
  }
  bool operator==(const RunCommand&) const = default;
};

struct CommandReply {
  FB_MESSAGE(46, "CommandReply", "A worker has carried out a command, or not.");
  std::uint64_t command = 0;
  WireError error;
  Bytes payload;
  static constexpr auto fields() {
    using S = CommandReply;
    return std::tuple{FB_F(1, command, "of the RunCommand"), FB_F(2, error, "code 0: done"),
                      FB_F(3, payload, "at most 64 KiB")};
  }
  bool operator==(const CommandReply&) const = default;
};

struct CommandAnswer {
  WorkerId worker;
  std::string worker_name;
  WireError error;
  Bytes payload;
  static constexpr auto fields() {
    using S = CommandAnswer;
    return std::tuple{
        FB_F(1, worker, "who was asked"), FB_F(2, worker_name, "host and process of it"),
        FB_F(3, error, "code 0: done; else the worker's own error, worker_lost or deadline_exceeded"),
        FB_F(4, payload, "its reply")};
  }
  bool operator==(const CommandAnswer&) const = default;
};

struct CommandDone {
  FB_MESSAGE(47, "CommandDone",
             "Answers of workers to a Command. Several may come for one request; `last` ends it.");
  std::uint64_t request = 0;
  std::vector<CommandAnswer> answers;
  bool last = false;
  std::uint64_t load_id = 0;
  static constexpr auto fields() {
    using S = CommandDone;
    return std::tuple{FB_F(1, request, "request id"),
                      FB_F(2, answers, "each worker asked comes once over all messages"),
                      FB_F(3, last, "every worker asked has been answered for"),
                      FB_F(4, load_id, "sticky only: of this preparation")};
  }
  bool operator==(const CommandDone&) const = default;
};

struct Prepare {
  FB_MESSAGE(48, "Prepare",
             "A sticky command: the state a worker must have before its next task.");
  std::uint64_t load_id = 0;
  std::string verb;
  Bytes payload;
  static constexpr auto fields() {
    using S = Prepare;
    return std::tuple{FB_F(1, load_id, "grows with every sticky command"), FB_F(2, verb, "which"),
                      FB_F(3, payload, "as sent by the primary")};
  }
  bool operator==(const Prepare&) const = default;
};

struct Ready {
  FB_MESSAGE(49, "Ready",
             "A Prepare is carried out, or not. One of an older load id is ignored.");
  std::uint64_t load_id = 0;
  std::string verb;
  WireError error;
  Bytes payload;
  static constexpr auto fields() {
    using S = Ready;
    return std::tuple{FB_F(1, load_id, "of the Prepare"), FB_F(2, verb, "of the Prepare"),
                      FB_F(3, error, "code 0: done; else the worker gets no tasks"),
                      FB_F(4, payload, "at most 64 KiB")};
  }
  bool operator==(const Ready&) const = default;
};

// ---- administration -----------------------------------------------------------------------------

enum class WorkerAction : std::uint8_t { none = 0, drain = 1, resume = 2, restart = 3, remove = 4 };

struct Administer {
  FB_MESSAGE(52, "Administer", "Drains, resumes, restarts or removes a worker. Idempotent.");
  std::uint64_t request = 0;
  WorkerAction action = WorkerAction::none;
  WorkerId worker;
  std::string reason;
  static constexpr auto fields() {
    using S = Administer;
    return std::tuple{
        FB_F(1, request, "request id"),
        FB_F(2, action,
             "1 drain: finish what it has, take no more; 2 resume; 3 restart: drain, then start anew; "
             "4 remove: leave now and for good, what it holds goes to others"),
        FB_F(3, worker, "which"), FB_F(4, reason, "for people")};
  }
  bool operator==(const Administer&) const = default;
};

struct AdministerOk {
  FB_MESSAGE(53, "AdministerOk", "The broker acts accordingly and has told the worker.");
  std::uint64_t request = 0;
  WorkerSummary worker;
  static constexpr auto fields() {
    using S = AdministerOk;
    return std::tuple{FB_F(1, request, "request id"), FB_F(2, worker, "the worker now")};
  }
  bool operator==(const AdministerOk&) const = default;
};

struct Order {
  FB_MESSAGE(54, "Order", "What an administrator wants of this worker.");
  WorkerAction action = WorkerAction::none;
  std::string reason;
  static constexpr auto fields() {
    using S = Order;
    return std::tuple{FB_F(1, action, "as in Administer"), FB_F(2, reason, "for people")};
  }
  bool operator==(const Order&) const = default;
};

#undef FB_MESSAGE
#undef FB_F

}  // namespace framebus
