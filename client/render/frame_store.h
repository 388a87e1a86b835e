// The sums of unfinished frames, in memory up to a bound and beyond it in a temporary file.
//
// Frames are usually finished one after the other and nothing is ever moved; a lost task can leave
// one open for long while many others pass. The file has no name (it is gone with the process) and
// holds raw sums, for this process only. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <vector>

#include "libmsg/base/result.h"
#include "worker/executors/render/film/accumulator.h"

namespace framebus::client {

class FrameStore {
 public:
  FrameStore(std::uint32_t width, std::uint32_t height, std::uint32_t layers,
             std::uint64_t memory_bytes_max);

  // The frame's sums, zero when it is new. Valid until the next call. At least one frame is always
  // held in memory, whatever the bound. unavailable: the temporary file can not be written or read.
  Result<render::Sums*> open(std::uint32_t frame);
  // Forgets the frame.
  void close(std::uint32_t frame);

  std::size_t frames_in_memory() const;
  std::size_t frames_on_disk() const;

 private:
  struct Held {
    std::unique_ptr<render::Sums> sums;  // null: in the file, at `place`
    std::uint32_t place = 0;
    std::uint64_t used = 0;  // larger: later
  };
  Status make_room();
  Status write(Held& held);
  Status read(Held& held);

  std::uint32_t width_, height_, layers_;
  std::size_t frames_max_;  // in memory
  std::map<std::uint32_t, Held> frames_;
  std::uint64_t uses_ = 0;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::vector<std::uint32_t> free_places_;
  std::uint32_t places_ = 0;
};

// Bytes of a frame's sums.
std::uint64_t bytes_of_sums(std::uint32_t width, std::uint32_t height, std::uint32_t layers);

}  // namespace framebus::client
