// Messages of large jobs (part of messages.h, which says the rules).
//
// A job whose parameters do not fit one Submit comes in pieces: SubmitOpen, SubmitPart 1, 2, ...,
// SubmitCommit. Nobody sees it before the commit. Each part is answered when it is on disk, so after
// any interruption the same SubmitOpen says where to go on. Dropped when its owner has had no
// connection for ten minutes.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "libmsg/schema/parts.h"

namespace framebus {

#define FB_F FRAMEBUS_FIELD
#define FB_MESSAGE FRAMEBUS_MESSAGE

struct SubmitOpen {
  FB_MESSAGE(27, "SubmitOpen", "Begins, or takes up again, a job that is sent in parts.");
  std::uint64_t request = 0;
  SubmitId submit_id;
  JobSpec job;
  static constexpr auto fields() {
    using S = SubmitOpen;
    return std::tuple{FB_F(1, request, "request id"),
                      FB_F(2, submit_id, "128 random bits, the same in every repeat"),
                      FB_F(3, job, "the job; parts add to its steps' task_params")};
  }
  bool operator==(const SubmitOpen&) const = default;
};

struct SubmitOpenOk {
  FB_MESSAGE(28, "SubmitOpenOk",
             "The upload is open. (SubmitOk comes instead when it was committed before.)");
  std::uint64_t request = 0;
  std::uint32_t next_part = 0;
  static constexpr auto fields() {
    using S = SubmitOpenOk;
    return std::tuple{FB_F(1, request, "request id"),
                      FB_F(2, next_part, "the first part that is not recorded, from 1")};
  }
  bool operator==(const SubmitOpenOk&) const = default;
};

struct SubmitPart {
  FB_MESSAGE(29, "SubmitPart", "More task parameters for one step of an open upload.");
  std::uint64_t request = 0;
  SubmitId submit_id;
  std::uint32_t part = 0;
  std::uint32_t step = 0;
  std::vector<Bytes> task_params;
  static constexpr auto fields() {
    using S = SubmitPart;
    return std::tuple{FB_F(1, request, "request id"), FB_F(2, submit_id, "of the SubmitOpen"),
                      FB_F(3, part, "counts from 1, without gaps"),
                      FB_F(4, step, "index of the step"),
                      FB_F(5, task_params, "appended to that step's, in order")};
  }
  bool operator==(const SubmitPart&) const = default;
};

struct SubmitPartOk {
  FB_MESSAGE(30, "SubmitPartOk", "The part is recorded and synced; a repeat is answered the same.");
  std::uint64_t request = 0;
  std::uint32_t part = 0;
  static constexpr auto fields() {
    using S = SubmitPartOk;
    return std::tuple{FB_F(1, request, "request id"), FB_F(2, part, "of the SubmitPart")};
  }
  bool operator==(const SubmitPartOk&) const = default;
};

struct SubmitCommit {
  FB_MESSAGE(31, "SubmitCommit",
             "The upload is whole: accept the job. Answered by SubmitOk or InputsMissing.");
  std::uint64_t request = 0;
  SubmitId submit_id;
  std::uint32_t parts = 0;
  Bytes digest;
  static constexpr auto fields() {
    using S = SubmitCommit;
    return std::tuple{
        FB_F(1, request, "request id"), FB_F(2, submit_id, "of the SubmitOpen"),
        FB_F(3, parts, "how many there were"),
        FB_F(4, digest,
             "16 bytes: SipHash-2-4-128, key zero, over every part in order: step, number of "
             "entries, then each entry's length and bytes; numbers as 8 bytes, little-endian")};
  }
  bool operator==(const SubmitCommit&) const = default;
};

#undef FB_MESSAGE
#undef FB_F

}  // namespace framebus
