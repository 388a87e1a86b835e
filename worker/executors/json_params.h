// Parameters of a built-in task type: the step's JSON object with the task's own laid over it.
//
// What is read has been checked against the type's list (libmsg/schema/task_params.h), so single
// values need no more checks. All errors are invalid_argument and name the key, what was found and
// what is allowed; retrying can not help.
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
  // Empty bytes count as {}. At most limits::task_spec_bytes_max each. `type` has a list.
  static Result<JsonParams> read(const TaskInput& input, std::string_view type);
  JsonParams(JsonParams&&) noexcept;
  JsonParams& operator=(JsonParams&&) noexcept;
  ~JsonParams();

  // Each key is one of the type's list, of that kind.
  bool has(std::string_view key) const;
  std::int64_t integer(std::string_view key, std::int64_t fallback) const;
  bool boolean(std::string_view key, bool fallback) const;
  std::string text(std::string_view key, std::string_view fallback) const;  // or a choice
  Duration duration(std::string_view key, Duration fallback) const;

 private:
  struct Data;
  explicit JsonParams(std::unique_ptr<Data> data);
  std::unique_ptr<Data> data_;
};

// An error that no retry can help.
tl::unexpected<TaskError> permanent_error(Error error);

}  // namespace framebus::worker
