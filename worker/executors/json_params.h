// Parameters of a built-in task type: the step's JSON object with the task's own laid over it.
//
// Reads single keys with their bounds and knows afterwards which keys nobody asked for. All errors
// are invalid_argument and name the key, what was found and what is allowed; retrying can not help.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libmsg/base/result.h"
#include "libmsg/base/time.h"
#include "worker/executors/executor.h"

namespace framebus::worker {

class JsonParams {
 public:
  // Empty bytes count as {}. At most limits::task_spec_bytes_max each.
  static Result<JsonParams> read(const TaskInput& input);
  JsonParams(JsonParams&&) noexcept;
  JsonParams& operator=(JsonParams&&) noexcept;
  ~JsonParams();

  bool has(std::string_view key) const;
  Result<std::int64_t> integer(std::string_view key, std::int64_t fallback, std::int64_t min,
                               std::int64_t max);
  Result<bool> boolean(std::string_view key, bool fallback);
  Result<std::string> text(std::string_view key, std::string_view fallback);
  // A text like "1m30s".
  Result<Duration> duration(std::string_view key, Duration fallback, Duration max);
  // Call last: a key that was never asked for is an error that names the nearest one.
  Status refuse_others() const;

 private:
  struct Data;
  explicit JsonParams(std::unique_ptr<Data> data);
  std::unique_ptr<Data> data_;
};

// An error that no retry can help.
tl::unexpected<TaskError> permanent_error(Error error);

}  // namespace framebus::worker
