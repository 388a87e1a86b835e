// What a worker and the process of one of its executors say to each other, and its framing.
//
// A socketpair carries frames: length (4 bytes, little-endian, of what follows), kind (1 byte), and
// the msgpack of one described struct. Both ends are the same binary, so there are no versions. The
// worker trusts nothing that it reads here: an executor may have overwritten its own memory. The
// executor's standard output and error are pipes of their own and never part of this.
// Thread rule: pure functions; a ChildFrames belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/limits.h"
#include "libmsg/base/result.h"
#include "libmsg/schema/messages.h"

namespace framebus::worker {

#define FB_F FRAMEBUS_FIELD

// ---- worker -> executor -----------------------------------------------------------------------

struct ChildRun {
  static constexpr std::uint8_t kind = 1;
  AttemptSpec attempt;
  StepInfo step;
  std::uint32_t threads = 1;
  std::string cache_directory;
  std::string spool_directory;
  std::uint64_t spool_bytes_max = 0;
  static constexpr auto fields() {
    using S = ChildRun;
    return std::tuple{FB_F(1, attempt, "what to run"),
                      FB_F(2, step, "its template"),
                      FB_F(3, threads, "CPU threads it may use"),
                      FB_F(4, cache_directory, "of its task type"),
                      FB_F(5, spool_directory, "where it writes blobs before it puts them"),
                      FB_F(6, spool_bytes_max, "of what lies there at once")};
  }
  bool operator==(const ChildRun&) const = default;
};

struct ChildCancel {
  static constexpr std::uint8_t kind = 2;
  static constexpr auto fields() { return std::tuple{}; }
  bool operator==(const ChildCancel&) const = default;
};

struct ChildBlob {
  static constexpr std::uint8_t kind = 3;
  std::uint64_t request = 0;
  WireError error;
  std::string path;
  BlobRef blob;
  static constexpr auto fields() {
    using S = ChildBlob;
    return std::tuple{FB_F(1, request, "of the ChildWant or ChildPut"),
                      FB_F(2, error, "code 0: done"), FB_F(3, path, "of the blob that was wanted"),
                      FB_F(4, blob, "that was put")};
  }
  bool operator==(const ChildBlob&) const = default;
};

struct ChildPrepared {
  static constexpr std::uint8_t kind = 4;
  std::string name;
  Bytes payload;
  static constexpr auto fields() {
    using S = ChildPrepared;
    return std::tuple{FB_F(1, name, "replaces the one of that name"), FB_F(2, payload, "of it")};
  }
  bool operator==(const ChildPrepared&) const = default;
};

// ---- executor -> worker -----------------------------------------------------------------------

struct ChildHello {
  static constexpr std::uint8_t kind = 16;
  std::uint32_t pid = 0;
  static constexpr auto fields() {
    using S = ChildHello;
    return std::tuple{FB_F(1, pid, "of the executor's process")};
  }
  bool operator==(const ChildHello&) const = default;
};

struct ChildProgress {
  static constexpr std::uint8_t kind = 17;
  std::uint32_t permille = 0;
  std::string status;
  static constexpr auto fields() {
    using S = ChildProgress;
    return std::tuple{FB_F(1, permille, "0 to 1000"), FB_F(2, status, "what it does")};
  }
  bool operator==(const ChildProgress&) const = default;
};

struct ChildLog {
  static constexpr std::uint8_t kind = 18;
  std::string line;
  static constexpr auto fields() {
    using S = ChildLog;
    return std::tuple{FB_F(1, line, "without its end")};
  }
  bool operator==(const ChildLog&) const = default;
};

struct ChildWant {
  static constexpr std::uint8_t kind = 19;
  std::uint64_t request = 0;
  BlobRef blob;
  static constexpr auto fields() {
    using S = ChildWant;
    return std::tuple{FB_F(1, request, "answered by ChildBlob"), FB_F(2, blob, "which")};
  }
  bool operator==(const ChildWant&) const = default;
};

struct ChildPut {
  static constexpr std::uint8_t kind = 20;
  std::uint64_t request = 0;
  std::string file;
  std::string name;
  static constexpr auto fields() {
    using S = ChildPut;
    return std::tuple{FB_F(1, request, "answered by ChildBlob"),
                      FB_F(2, file, "its name in the spool directory"),
                      FB_F(3, name, "of the blob")};
  }
  bool operator==(const ChildPut&) const = default;
};

struct ChildFinished {
  static constexpr std::uint8_t kind = 21;
  Outcome outcome = Outcome::none;
  Bytes result;
  std::vector<BlobRef> blobs;
  WireError error;
  bool permanent = false;
  bool leaves_processes = false;
  static constexpr auto fields() {
    using S = ChildFinished;
    return std::tuple{FB_F(1, outcome, "ok or error"),
                      FB_F(2, result, "at most 64 KiB"),
                      FB_F(3, blobs, "already put"),
                      FB_F(4, error, "outcome error"),
                      FB_F(5, permanent, "trying again can not help"),
                      FB_F(6, leaves_processes, "the task began processes that still live")};
  }
  bool operator==(const ChildFinished&) const = default;
};

// ---- keeper -> worker, on a connection of its own ---------------------------------------------

struct ChildExit {
  static constexpr std::uint8_t kind = 32;
  bool is_signal = false;
  std::uint32_t number = 0;
  std::uint32_t killed = 0;
  std::string text;
  static constexpr auto fields() {
    using S = ChildExit;
    return std::tuple{FB_F(1, is_signal, "it was ended by a signal"),
                      FB_F(2, number, "of the signal, or its exit code"),
                      FB_F(3, killed, "further processes that had to be killed"),
                      FB_F(4, text, "why it could not be started")};
  }
  bool operator==(const ChildExit&) const = default;
};

#undef FB_F

using ChildMessage =
    std::variant<ChildRun, ChildCancel, ChildBlob, ChildPrepared, ChildHello, ChildProgress,
                 ChildLog, ChildWant, ChildPut, ChildFinished, ChildExit>;

// The largest is a ChildRun with all inputs that a step may have.
inline constexpr std::size_t child_frame_bytes_max = 8 * limits::MiB;

Bytes encode_child(const ChildMessage& message);

// Cuts a stream into messages.
class ChildFrames {
 public:
  void append(BytesView bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }
  // None: more bytes are needed. malformed_message: the stream is of no use any more.
  Result<std::optional<ChildMessage>> next();

 private:
  Bytes buffer_;
  std::size_t begin_ = 0;
};

}  // namespace framebus::worker
