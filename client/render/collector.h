// Puts a render step's results together: adds tiles exactly, in any order, writes each frame when
// it is complete, keeps a preview picture fresh meanwhile.
//
// It is fed by whoever receives results (a watching `submit --wait`, `local`, or `fetch` later on)
// and knows nothing of the bus. Memory: a frame's sums are held from its first tile to its last;
// beyond `memory_bytes_max` the frames touched longest ago wait in a temporary file. Thread rule:
// one thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/base/time.h"
#include "worker/executors/render/film/accumulator.h"
#include "worker/executors/render/job/render_job.h"

namespace framebus::client {

// A job that came from the broker may be somebody else's: its outputs must not choose where files
// are written. `confined`: absolute outputs and those with ".." go into `directory` by their file
// name. `as_written`: for a job file that this user gave (local, submit --wait).
enum class OutputRule : std::uint8_t { confined, as_written };

struct CollectorOptions {
  std::filesystem::path directory;  // where relative outputs start from
  OutputRule rule = OutputRule::confined;
  std::filesystem::path preview;  // a PNG; empty: none. Removed when all frames are complete
  Duration preview_interval = std::chrono::seconds(2);
  std::uint64_t memory_bytes_max = std::uint64_t{2} << 30;
  bool write_images = true;  // false: hashes only
};

struct FinishedFrame {
  std::int32_t frame = 0;
  BlobHash hash;  // render::hash_of(sums): equal if and only if the pictures are
  std::vector<std::filesystem::path> files;  // written, absolute
  std::uint64_t nan_count = 0, clamp_count = 0;
};

enum class Added : std::uint8_t { merged, duplicate };

class Collector {
 public:
  virtual ~Collector() = default;  // removes its temporary file, leaves the preview

  // `index`: of the task in its step. `packed`: its result, as render::pack() made it. `now`: for
  // the rhythm of the preview. A task that was added before is a duplicate and changes nothing,
  // whatever its bytes are. Errors, all of which leave the sums unchanged and name the task:
  //   malformed_message    the bytes are no tile, or not this task's tile
  //   failed_precondition  its worker compiled the scene to another hash than the others did
  //   unavailable          an image or the temporary file could not be written. An image: the tile
  //   is merged
  //                        (has() tells) and finish() tries to write again
  virtual Result<Added> add(std::uint32_t index, BytesView packed, TimePoint now) = 0;

  // Writes what an earlier error left unwritten. Cheap when there is nothing to do.
  virtual Status finish() = 0;

  virtual bool is_complete() const = 0;             // every frame is merged and written
  virtual bool has(std::uint32_t index) const = 0;  // this task was merged
  virtual std::uint64_t tasks_merged() const = 0;
  virtual std::uint64_t tasks_total() const = 0;
  // Frames in the order they were finished.
  virtual const std::vector<FinishedFrame>& finished() const = 0;
  // Sentences for people: a preview that can not be written (it is given up; the job goes on).
  virtual const std::vector<std::string>& warnings() const = 0;
};

// `job` as in the step's params. invalid_argument when its plan or outputs are impossible.
Result<std::unique_ptr<Collector>> make_collector(render::RenderJob job, CollectorOptions options);

// Where an output file of this frame goes: the pattern filled in, made absolute.
std::filesystem::path output_path(const render::OutputSettings& output, std::int32_t frame,
                                  const std::filesystem::path& directory, OutputRule rule);
// "helmet.preview.png" beside the first output; empty when the job has none.
std::filesystem::path preview_path(const render::RenderJob& job,
                                   const std::filesystem::path& directory, OutputRule rule);

// "####" or "%04d" (at most one of them) replaced by the frame number. `pattern` was checked
// before.
std::string fill_pattern(std::string_view pattern, std::int32_t frame);
// Whether the pattern has a place for the frame number; invalid_argument when it has more than one,
// or a '%' that is not %d or %0Nd.
Result<bool> check_pattern(std::string_view pattern);

}  // namespace framebus::client
