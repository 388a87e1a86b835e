// See record_keys.h. The small structs are windows on records: equal field numbers, fewer fields;
// the codec steps over the rest. A test compares both readings for every record.
#include "broker/store/record_keys.h"

#include <tuple>

#include "broker/store/record_codec.h"
#include "libmsg/codec/struct_codec.h"

namespace framebus::broker {
namespace {

#define FB_F FRAMEBUS_FIELD

struct AcceptedWindow {
  static constexpr const char* name = "JobAccepted";
  JobId job;
  SubmitId submit_id;
  bool uploaded = false;
  static constexpr auto fields() {
    using S = AcceptedWindow;
    return std::tuple{FB_F(1, job, ""), FB_F(2, submit_id, ""), FB_F(5, uploaded, "")};
  }
};

struct TaskWindow {
  static constexpr const char* name = "task record";
  TaskRef task;
  static constexpr auto fields() {
    using S = TaskWindow;
    return std::tuple{FB_F(1, task, "")};
  }
};

struct JobWindow {
  static constexpr const char* name = "job record";
  JobId job;
  static constexpr auto fields() {
    using S = JobWindow;
    return std::tuple{FB_F(1, job, "")};
  }
};

struct UploadWindow {
  static constexpr const char* name = "upload record";
  SubmitId submit_id;
  static constexpr auto fields() {
    using S = UploadWindow;
    return std::tuple{FB_F(1, submit_id, "")};
  }
};

struct ImageWindow {
  static constexpr const char* name = "JobImage";
  JobId job;
  std::uint32_t first_task = 0;
  bool last = false;
  static constexpr auto fields() {
    using S = ImageWindow;
    return std::tuple{FB_F(1, job, ""), FB_F(14, first_task, ""), FB_F(16, last, "")};
  }
};

struct RevivedWindow {
  static constexpr const char* name = "JobRevived";
  ImageWindow image;
  static constexpr auto fields() {
    using S = RevivedWindow;
    return std::tuple{FB_F(1, image, "")};
  }
};

struct StickyWindow {
  static constexpr const char* name = "StickySet";
  std::string command;
  static constexpr auto fields() {
    using S = StickyWindow;
    return std::tuple{FB_F(2, command, "")};
  }
};

#undef FB_F

// One overload per family: from a record, or from a window on it.
template <class S>
void note_task(RecordKeys& keys, const S& value) {
  keys.job = value.task.job;
}
template <class S>
void note_revived(RecordKeys& keys, const S& value) {
  keys.job = value.image.job;
  keys.begins_revival = value.image.first_task == 0;
  keys.ends_revival = value.image.last;
}
template <class S>
void note_accepted(RecordKeys& keys, const S& value) {
  keys.job = value.job;
  keys.submit_id = value.submit_id;
  keys.uploaded = value.uploaded;
}

struct Noting {
  RecordKeys& keys;
  void operator()(const JobAccepted& value) const { note_accepted(keys, value); }
  void operator()(const AcceptedWindow& value) const { note_accepted(keys, value); }
  void operator()(const TaskGranted& value) const { note_task(keys, value); }
  void operator()(const TaskStarted& value) const { note_task(keys, value); }
  void operator()(const AttemptEnded& value) const { note_task(keys, value); }
  void operator()(const TaskEnded& value) const { note_task(keys, value); }
  void operator()(const TaskCancelling& value) const { note_task(keys, value); }
  void operator()(const GrantAdopted& value) const { note_task(keys, value); }
  void operator()(const RetryDue& value) const { note_task(keys, value); }
  void operator()(const TaskWindow& value) const { note_task(keys, value); }
  void operator()(const JobActed& value) const { keys.job = value.job; }
  void operator()(const JobForgotten& value) const { keys.job = value.job; }
  void operator()(const JobWindow& value) const { keys.job = value.job; }
  void operator()(const UploadOpened& value) const { keys.submit_id = value.submit_id; }
  void operator()(const UploadPart& value) const { keys.submit_id = value.submit_id; }
  void operator()(const UploadDropped& value) const { keys.submit_id = value.submit_id; }
  void operator()(const UploadWindow& value) const { keys.submit_id = value.submit_id; }
  void operator()(const JobRevived& value) const { note_revived(keys, value); }
  void operator()(const RevivedWindow& value) const { note_revived(keys, value); }
  void operator()(const StickySet& value) const { keys.sticky = value.command; }
  void operator()(const StickyWindow& value) const { keys.sticky = value.command; }
};

template <class Window>
Result<RecordKeys> read_through(std::uint16_t number, BytesView payload) {
  const auto window = decode_struct<Window>(payload);
  if (!window) {
    return fail(Code::data_loss, record_name(number) + ": " + window.error().message);
  }
  RecordKeys keys;
  keys.number = number;
  Noting{keys}(*window);
  return keys;
}

}  // namespace

RecordKeys keys_of(const Record& record) {
  RecordKeys keys;
  keys.number = number_of(record);
  std::visit(Noting{keys}, record);
  return keys;
}

Result<RecordKeys> read_keys(std::uint16_t number, BytesView payload) {
  switch (number) {
    case JobAccepted::number:
      return read_through<AcceptedWindow>(number, payload);
    case TaskGranted::number:
    case TaskStarted::number:
    case AttemptEnded::number:
    case TaskEnded::number:
    case TaskCancelling::number:
    case GrantAdopted::number:
    case RetryDue::number:
      return read_through<TaskWindow>(number, payload);
    case JobActed::number:
    case JobForgotten::number:
      return read_through<JobWindow>(number, payload);
    case UploadOpened::number:
    case UploadPart::number:
    case UploadDropped::number:
      return read_through<UploadWindow>(number, payload);
    case JobRevived::number:
      return read_through<RevivedWindow>(number, payload);
    case StickySet::number:
      return read_through<StickyWindow>(number, payload);
    default:
      return fail(Code::unsupported_version, "record " + std::to_string(number) +
                                                 " is of a newer framebus-broker; start that one");
  }
}

}  // namespace framebus::broker
