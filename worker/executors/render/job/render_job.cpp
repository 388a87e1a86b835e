// A render job to canonical JSON and back. The bytes of a parse come from the bus: everything is
// bounded before it is kept, unknown keys are refused, nothing throws.
#include "worker/executors/render/job/render_job.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "libmsg/base/json_text.h"
#include "worker/executors/render/job/render_fields.h"

namespace framebus::render {
namespace {

class Writer {
 public:
  void operator()(std::string_view key, bool value) { put(key, value ? "true" : "false"); }
  void operator()(std::string_view key, double value, ValueRange) { put(key, json_number(value)); }
  void operator()(std::string_view key, std::uint32_t value, ValueRange) {
    put(key, std::to_string(value));
  }
  void operator()(std::string_view key, const std::string& value, std::size_t) {
    put(key, json_quote(value));
  }
  void operator()(std::string_view key, const std::array<double, 3>& value, ValueRange) {
    put(key, "[" + json_number(value[0]) + "," + json_number(value[1]) + "," +
                 json_number(value[2]) + "]");
  }
  void operator()(std::string_view key, const std::optional<double>& value, ValueRange) {
    if (value) put(key, json_number(*value));
  }
  template <class E>
  void choice(std::string_view key, E value, std::span<const std::string_view> names) {
    put(key, json_quote(names[static_cast<std::size_t>(value)]));
  }
  template <class S, class Describe>
  void object(std::string_view key, const S& value, Describe describe) {
    put(key, text_of(value, describe));
  }
  template <class S, class Describe>
  void list(std::string_view key, const std::vector<S>& values, Describe describe) {
    std::string text = "[";
    for (const S& each : values) text += (text.size() > 1 ? "," : "") + text_of(each, describe);
    put(key, text + "]");
  }
  void files(std::string_view key, const std::vector<BlobRef>& values) {
    std::string text = "[";
    for (const BlobRef& blob : values)
      text += std::string(text.size() > 1 ? "," : "") + "{\"hash\":\"" + to_string(blob.hash) +
              "\",\"name\":" + json_quote(blob.name) + ",\"size\":" + std::to_string(blob.size) +
              "}";
    put(key, text + "]");
  }
  // Runs of equal distance as [first, last, step], so that a long animation costs a few bytes.
  void frames(std::string_view key, const std::vector<std::int32_t>& values) {
    std::string text = "[";
    for (std::size_t i = 0; i < values.size();) {
      std::size_t last = i;
      std::int64_t step = 1;
      if (i + 1 < values.size()) step = std::int64_t{values[i + 1]} - values[i];
      while (last + 1 < values.size() && std::int64_t{values[last + 1]} - values[last] == step &&
             step != 0)
        ++last;
      if (last == i) step = 1;
      text += std::string(text.size() > 1 ? "," : "") + "[" + std::to_string(values[i]) + "," +
              std::to_string(values[last]) + "," + std::to_string(step) + "]";
      i = last + 1;
    }
    put(key, text + "]");
  }
  std::string text() const { return text_ + "}"; }

 private:
  template <class S, class Describe>
  static std::string text_of(const S& value, Describe describe) {
    Writer inner;
    describe(inner, value);
    return inner.text();
  }
  void put(std::string_view key, const std::string& value) {
    if (text_.size() > 1) text_ += ',';
    text_ += json_quote(key) + ':' + value;
  }
  std::string text_ = "{";
};

// Reads the members of one object. Stops at the first error, which `problem` then holds.
class Reader {
 public:
  Reader(const JsonDocument& document, JsonValue object, Status& problem)
      : document_(document), problem_(problem) {
    if (object.is(JsonKind::object))
      members_ = object.members();
    else
      refuse(object, "expected an object");
    taken_.resize(members_.size());
  }
  ~Reader() {
    for (std::size_t i = 0; i < members_.size(); ++i)
      if (!taken_[i]) refuse(members_[i].second, "unknown key");
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void operator()(std::string_view key, bool& to) {
    if (const JsonValue* value = take(key, JsonKind::boolean)) to = value->boolean();
  }
  void operator()(std::string_view key, double& to, ValueRange bounds) {
    if (const JsonValue* value = take(key, JsonKind::number)) read_number(*value, bounds, to);
  }
  void operator()(std::string_view key, std::uint32_t& to, ValueRange bounds) {
    const JsonValue* value = take(key, JsonKind::number);
    double number = 0;
    if (!value || !read_number(*value, bounds, number)) return;
    if (!value->integer()) return refuse(*value, "expected a whole number");
    to = static_cast<std::uint32_t>(*value->integer());
  }
  void operator()(std::string_view key, std::string& to, std::size_t bytes_max) {
    if (const JsonValue* value = take(key, JsonKind::string)) read_text(*value, bytes_max, to);
  }
  void operator()(std::string_view key, std::array<double, 3>& to, ValueRange bounds) {
    const JsonValue* value = take(key, JsonKind::array);
    if (!value) return;
    if (value->size() != 3) return refuse(*value, "expected three numbers");
    const auto items = value->items();
    for (std::size_t i = 0; i < 3; ++i) {
      if (!items[i].is(JsonKind::number)) return refuse(items[i], "expected a number");
      read_number(items[i], bounds, to[i]);
    }
  }
  void operator()(std::string_view key, std::optional<double>& to, ValueRange bounds) {
    const JsonValue* value = take(key, JsonKind::number);
    double number = 0;
    if (value && read_number(*value, bounds, number)) to = number;
  }
  template <class E>
  void choice(std::string_view key, E& to, std::span<const std::string_view> names) {
    const JsonValue* value = take(key, JsonKind::string);
    if (!value) return;
    const auto found = std::find(names.begin(), names.end(), value->string());
    if (found == names.end()) return refuse(*value, "unknown name");
    to = static_cast<E>(found - names.begin());
  }
  template <class S, class Describe>
  void object(std::string_view key, S& to, Describe describe) {
    const JsonValue* value = take(key, JsonKind::object);
    if (!value) return;
    Reader inner(document_, *value, problem_);
    describe(inner, to);
  }
  template <class S, class Describe>
  void list(std::string_view key, std::vector<S>& to, Describe describe) {
    const JsonValue* value = take(key, JsonKind::array);
    if (!value) return;
    if (value->size() > render_list_max)
      return refuse(*value, "more than " + std::to_string(render_list_max) + " entries");
    to.clear();
    for (const JsonValue& item : value->items()) {
      Reader inner(document_, item, problem_);
      describe(inner, to.emplace_back());
      if (!problem_) return;
    }
  }
  void files(std::string_view key, std::vector<BlobRef>& to) {
    const JsonValue* value = take(key, JsonKind::array);
    if (!value) return;
    if (value->size() > limits::inputs_per_step_max) return refuse(*value, "too many files");
    to.clear();
    for (const JsonValue& item : value->items()) {
      Reader inner(document_, item, problem_);
      inner.file(to.emplace_back());
      if (!problem_) return;
    }
  }
  void frames(std::string_view key, std::vector<std::int32_t>& to) {
    const JsonValue* value = take(key, JsonKind::array);
    if (!value) return;
    to.clear();
    for (const JsonValue& item : value->items())
      if (!append_run(item, to)) return;
  }

 private:
  void refuse(JsonValue value, const std::string& what) {
    if (problem_)
      problem_ = fail(Code::invalid_argument,
                      document_.where(value) + ": " + what + ", found " + value.excerpt());
  }

  const JsonValue* take(std::string_view key, JsonKind kind) {
    if (!problem_) return nullptr;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (members_[i].first != key) continue;
      taken_[i] = true;
      const JsonValue& value = members_[i].second;
      if (value.is(kind)) return &value;
      refuse(value, "expected " + std::string(name_of(kind)));
    }
    return nullptr;
  }

  bool read_number(JsonValue value, ValueRange bounds, double& to) {
    const double number = value.number();
    if (!(number >= bounds.min && number <= bounds.max)) {
      refuse(value, "allowed is " + json_number(bounds.min) + " to " + json_number(bounds.max));
      return false;
    }
    to = number;
    return true;
  }

  bool read_text(JsonValue value, std::size_t bytes_max, std::string& to) {
    std::string text = value.string();
    if (text.size() > bytes_max || text.find('\0') != std::string::npos) {
      refuse(value, "expected at most " + std::to_string(bytes_max) + " bytes without a zero byte");
      return false;
    }
    to = std::move(text);
    return true;
  }

  void file(BlobRef& blob) {
    if (const JsonValue* value = take("hash", JsonKind::string))
      if (!from_hex(value->string(), blob.hash.bytes.data(), blob.hash.bytes.size()))
        refuse(*value, "expected 64 hex digits");
    (*this)("name", blob.name, limits::name_bytes_max);
    const JsonValue* value = take("size", JsonKind::number);
    double size = 0;
    if (!value || !read_number(*value, {0, static_cast<double>(limits::blob_bytes_max)}, size))
      return;
    if (!value->integer()) return refuse(*value, "expected a whole number");
    blob.size = static_cast<std::uint64_t>(*value->integer());
  }

  // Not std::abs: the smallest number has no positive counterpart.
  static bool is_within(std::int64_t number, std::int64_t most) {
    return number >= -most && number <= most;
  }

  bool append_run(JsonValue item, std::vector<std::int32_t>& to) {
    std::array<std::int64_t, 3> run{};
    const bool three = item.is(JsonKind::array) && item.size() == 3;
    if (three) {
      const auto items = item.items();
      for (std::size_t i = 0; i < 3; ++i) {
        const auto number = items[i].is(JsonKind::number) ? items[i].integer() : std::nullopt;
        if (!number || !is_within(*number, 2 * std::int64_t{frame_number_max}))
          return refuse(items[i], "expected a frame number"), false;
        run[i] = *number;
      }
    }
    const auto [first, last, step] = run;
    const bool in_range = is_within(first, frame_number_max) && is_within(last, frame_number_max);
    if (!three || !in_range || step == 0 || (last - first) / step < 0 || (last - first) % step != 0)
      return refuse(item, "expected a run of frames [first, last, step]"), false;
    if (static_cast<std::uint64_t>((last - first) / step) + 1 + to.size() >
        limits::tasks_per_job_max)
      return refuse(item, "more than " + std::to_string(limits::tasks_per_job_max) + " frames"),
             false;
    for (std::int64_t frame = first; frame != last + step; frame += step)
      to.push_back(static_cast<std::int32_t>(frame));
    return true;
  }

  const JsonDocument& document_;
  Status& problem_;
  std::vector<std::pair<std::string, JsonValue>> members_;
  std::vector<bool> taken_;
};

tl::unexpected<Error> wrong(const std::string& what) {
  return fail(Code::invalid_argument, "render job: " + what);
}

// A name that can be joined to a directory without leaving it.
bool is_plain_relative(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string_view::npos)
    return false;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, end);
    if (part.empty() || part == "." || part == "..") return false;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return true;
}

// What no single field says.
Status check_whole(const RenderJob& job) {
  if (!is_plain_relative(job.scene))
    return wrong("scene '" + job.scene + "' is not a relative file name");
  for (const BlobRef& file : job.files)
    if (!is_plain_relative(file.name))
      return wrong("file '" + file.name + "' is not a relative file name");
  if (!job.environment.file.empty() && !is_plain_relative(job.environment.file))
    return wrong("environment '" + job.environment.file + "' is not a relative file name");
  if (job.frames.empty()) return wrong("no frames");
  if (std::uint64_t{job.tile_width} * job.tile_height > task_pixels_max)
    return wrong("a tile of " + std::to_string(job.tile_width) + "x" +
                 std::to_string(job.tile_height) + " pixels; at most " +
                 std::to_string(task_pixels_max) + " pixels are allowed");
  if (task_count(job) > limits::tasks_per_job_max)
    return wrong(std::to_string(task_count(job)) + " tasks; at most " +
                 std::to_string(limits::tasks_per_job_max));
  for (std::size_t i = 1; i < job.camera.keys.size(); ++i)
    if (!(job.camera.keys[i - 1].frame < job.camera.keys[i].frame))
      return wrong("camera keys are not in ascending order of frames");
  for (const LightSettings& light : job.lights) {
    if (light.kind != "point" && light.kind != "spot" && light.kind != "directional")
      return wrong("light kind '" + light.kind + "'; allowed are point, spot and directional");
    if (light.inner_angle > light.outer_angle)
      return wrong("a spot light's inner_angle is larger than its outer_angle");
  }
  return {};
}

}  // namespace

std::string to_json(const RenderJob& job) {
  Writer writer;
  describe_job(writer, job);
  return writer.text();
}

Result<RenderJob> parse_render_job(BytesView json) {
  JsonLimits json_limits;
  json_limits.bytes_max = limits::task_spec_bytes_max;
  json_limits.depth_max = 8;
  json_limits.comments = false;
  FRAMEBUS_ASSIGN(const JsonDocument document,
                  JsonDocument::parse(std::string(text_of(json)), "render job", json_limits));
  RenderJob job;
  Status problem;
  {
    Reader reader(document, document.root(), problem);
    describe_job(reader, job);
  }
  FRAMEBUS_TRY(std::move(problem));
  FRAMEBUS_TRY(check_whole(job));
  return job;
}

}  // namespace framebus::render
