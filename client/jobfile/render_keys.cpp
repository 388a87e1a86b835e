// Keys of render steps.
#include "client/jobfile/draft.h"
#include "client/jobfile/jobfile.h"
#include "client/jobfile/rows.h"

namespace framebus::client {
namespace {

using namespace render;

constexpr Allowed coordinates{-1e9, 1e9};
constexpr Allowed angles{-36000, 36000};
constexpr std::size_t name_bytes = limits::name_bytes_max;
constexpr std::size_t path_bytes = 4096;

Section<FilmDraft> make_film() {
  Section<FilmDraft> section{{"film", "The picture."}};
  add_whole(section, "width", &FilmDraft::width, {1, film_side_max}, "Pixels.");
  add_whole(section, "height", &FilmDraft::height, {1, film_side_max}, "Pixels.");
  add_choice(section, "filter", &FilmDraft::filter,
             {"box", "triangle", "gaussian", "blackman_harris"}, "Pixel reconstruction filter.");
  return section;
}

Section<CameraKey> make_camera_key() {
  Section<CameraKey> section{
      {"camera key", "Where the camera is at a frame; between keys it moves in straight lines."}};
  section.add(required({"frame", "number", "\"type\": \"number\"",
                        "Frame number, may have a fraction; ascending from key to key."}),
              [](const JsonDocument& document, JsonValue value, CameraKey& to) -> Status {
                FRAMEBUS_ASSIGN(
                    to.frame, read_number(document, value, {-frame_number_max, frame_number_max}));
                return {};
              });
  add_three(section, "pos", &CameraKey::position, coordinates,
            "Position in the scene, metres, y up.", true);
  add_three(section, "look_at", &CameraKey::look_at, coordinates, "The point it looks at.", true);
  return section;
}

Section<CameraOverride> make_camera_override() {
  Section<CameraOverride> section{
      {"camera override", "What is taken from here instead of from the scene's camera."}};
  section.add({"yfov", "number, 1 to 170", "\"type\": \"number\", \"minimum\": 1, \"maximum\": 170",
               "Vertical field of view, degrees."},
              [](const JsonDocument& document, JsonValue value, CameraOverride& to) -> Status {
                FRAMEBUS_ASSIGN(to.yfov_degrees, read_number(document, value, {1, 170}));
                return {};
              });
  return section;
}

Section<CameraDraft> make_camera() {
  static const Section<CameraOverride> override = make_camera_override();
  static const Section<CameraKey> key = make_camera_key();
  Section<CameraDraft> section{
      {"camera",
       "Without it: the scene's first camera, or one that sees everything when it has none."}};
  add_text(section, "from_gltf", &CameraDraft::from_gltf, name_bytes,
           "Name of the scene's camera, or of the node that has it.");
  add_object(section, "override", &CameraDraft::override, override, "Changes to that camera.");
  add_list(section, "keys", &CameraDraft::keys, key, render_list_max,
           "A path of the camera, by frame.");
  return section;
}

Section<EnvironmentSettings> make_environment() {
  Section<EnvironmentSettings> section{
      {"environment", "Light from all around. Without it the surroundings are black."}};
  add_text(section, "file", &EnvironmentSettings::file, path_bytes,
           "A latitude-longitude picture, .hdr or .exr.");
  add_three(section, "color", &EnvironmentSettings::color, {0, 1e9},
            "Constant radiance, linear RGB, when there is no file.");
  add_number(section, "scale", &EnvironmentSettings::scale, {0, 1e9}, "Factor of the radiance.");
  add_number(section, "rotate_y", &EnvironmentSettings::rotate_y, angles,
             "Degrees, counter-clockwise seen from above.");
  return section;
}

Section<LightSettings> make_light() {
  Section<LightSettings> section{{"light", "A light added to those of the scene."}};
  section.add(required({"kind", choices_text({"point", "spot", "directional"}),
                        choices_schema({"point", "spot", "directional"}), "Shape of the light."}),
              [](const JsonDocument& document, JsonValue value, LightSettings& to) -> Status {
                FRAMEBUS_TRY(read_choice(document, value, {"point", "spot", "directional"}));
                to.kind = value.string();
                return {};
              });
  add_three(section, "position", &LightSettings::position, coordinates, "Of point and spot.");
  add_three(section, "direction", &LightSettings::direction, coordinates,
            "Where spot and directional shine to.");
  add_three(section, "color", &LightSettings::color, {0, 1e9},
            "Linear RGB, multiplied with the intensity.");
  add_number(section, "intensity", &LightSettings::intensity, {0, 1e12},
             "W/sr (point, spot) or W/m2 (directional).");
  add_number(section, "inner_angle", &LightSettings::inner_angle, {0, 90},
             "Spot: degrees from the axis with full light.");
  add_number(section, "outer_angle", &LightSettings::outer_angle, {0, 90},
             "Spot: degrees from the axis where the light ends.");
  return section;
}

Section<InstanceSettings> make_instance() {
  Section<InstanceSettings> section{
      {"instance", "Shows a node of the scene once more, somewhere else."}};
  add_text(section, "node", &InstanceSettings::node, name_bytes, "Name of the node.", true);
  add_three(section, "translate", &InstanceSettings::translate, coordinates, "Metres.");
  add_three(section, "rotate", &InstanceSettings::rotate, angles,
            "Degrees about x, then y, then z.");
  add_three(section, "scale", &InstanceSettings::scale, coordinates, "Factors along x, y and z.");
  return section;
}

Section<Sampling> make_sampling() {
  Section<Sampling> section{{"sampling", "How many paths of light are traced, and how."}};
  add_whole(section, "spp", &Sampling::samples_per_pixel, {1, samples_per_pixel_max},
            "Samples per pixel.");
  add_whole(section, "seed", &Sampling::seed, {0, 4294967295.0}, "Another seed gives other noise.");
  add_choice(section, "sampler", &Sampling::sampler, {"sobol_owen", "philox"},
             "Where random numbers come from.");
  add_whole(section, "max_depth", &Sampling::max_depth, {1, path_depth_max},
            "Vertices of a path after the camera.");
  add_number(section, "clamp", &Sampling::clamp, {0, color_clamp},
             "Largest indirect radiance of one sample; 0: none (unbiased).");
  return section;
}

bool is_auto(JsonValue value) {
  return value.is(JsonKind::string) && value.string() == "auto";
}

Section<SplitSettings> make_split() {
  Section<SplitSettings> section{
      {"split", "How a frame is cut into tasks. The picture does not depend on it."}};
  section.add({"tile", "\"auto\" or [width, height]",
               "\"oneOf\": [{\"const\": \"auto\"}, {\"type\": \"array\", \"minItems\": 2, "
               "\"maxItems\": 2, \"items\": {\"type\": \"integer\", " +
                   bounds_schema({1, film_side_max}) + "}}]",
               "Pixels of a task.", "\"auto\""},
              [](const JsonDocument& document, JsonValue value, SplitSettings& to) -> Status {
                to.tile.reset();
                if (is_auto(value)) return {};
                if (!value.is(JsonKind::array) || value.size() != 2)
                  return wrong_kind(document, value, "\"auto\" or [width, height] in pixels");
                const auto items = value.items();
                FRAMEBUS_ASSIGN(const std::int64_t width,
                                read_whole(document, items[0], {1, film_side_max}));
                FRAMEBUS_ASSIGN(const std::int64_t height,
                                read_whole(document, items[1], {1, film_side_max}));
                if (width * height > task_pixels_max)
                  return wrong(document, value,
                               std::to_string(width * height) + " pixels; at most " +
                                   std::to_string(task_pixels_max) + " fit a task");
                to.tile = {static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height)};
                return {};
              });
  section.add(
      {"spp_per_task", "\"auto\" or whole number, " + allowed_text({1, samples_per_pixel_max}),
       "\"oneOf\": [{\"const\": \"auto\"}, {\"type\": \"integer\", " +
           bounds_schema({1, samples_per_pixel_max}) + "}]",
       "Samples of each pixel in a task.", "\"auto\""},
      [](const JsonDocument& document, JsonValue value, SplitSettings& to) -> Status {
        to.samples_per_task.reset();
        if (is_auto(value)) return {};
        if (!value.is(JsonKind::number))
          return wrong_kind(document, value, "\"auto\" or a number of samples");
        FRAMEBUS_ASSIGN(const std::int64_t samples,
                        read_whole(document, value, {1, samples_per_pixel_max}));
        to.samples_per_task = static_cast<std::uint32_t>(samples);
        return {};
      });
  add_number(section, "target_task_s", &SplitSettings::target_task_s, {0.01, 3600},
             "Run time of a task that \"auto\" aims at, seconds.");
  return section;
}

Section<OutputDraft> make_output() {
  Section<OutputDraft> section{{"output", "A picture file, written when a frame is complete."}};
  section.add(
      required({"file", "path ending in .png or .exr",
                "\"type\": \"string\", \"pattern\": \"\\\\.([pP][nN][gG]|[eE][xX][rR])$\"",
                "\"####\" or \"%04d\" is the frame number; needed when there are several frames."}),
      [](const JsonDocument& document, JsonValue value, OutputDraft& to) -> Status {
        FRAMEBUS_ASSIGN(to.settings.file, read_text(document, value, path_bytes));
        to.where = document.where(value);
        return {};
      });
  const std::string names = choices_schema({"rgb", "albedo", "normal", "depth"});
  section.add({"layers", "\"rgb\", \"albedo\", \"normal\", \"depth\", or a list of them",
               "\"oneOf\": [{" + names +
                   "}, {\"type\": \"array\", \"minItems\": 1, \"uniqueItems\": true, \"items\": {" +
                   names + "}}]",
               "What the file holds; a .png holds one.", "\"rgb\""},
              [](const JsonDocument& document, JsonValue value, OutputDraft& to) -> Status {
                to.settings.layers = 0;
                if (value.is(JsonKind::array) && value.size() == 0)
                  return wrong(document, value, "expected at least one layer, found an empty list");
                for (const JsonValue& item :
                     value.is(JsonKind::array) ? value.items() : std::vector<JsonValue>{value}) {
                  FRAMEBUS_ASSIGN(
                      const std::size_t index,
                      read_choice(document, item, {"rgb", "albedo", "normal", "depth"}));
                  to.settings.layers |= 1u << index;
                }
                return {};
              });
  section.add({"half", "true or false", "\"type\": \"boolean\"",
               ".exr: 16-bit floats for colours; depth has always 32.", "true"},
              [](const JsonDocument& document, JsonValue value, OutputDraft& to) -> Status {
                if (!value.is(JsonKind::boolean))
                  return wrong_kind(document, value, "true or false");
                to.settings.half = value.boolean();
                return {};
              });
  section.add(
      {"tonemap", choices_text({"none", "aces"}), choices_schema({"none", "aces"}),
       ".png: how bright colours are brought into range.", "\"none\""},
      [](const JsonDocument& document, JsonValue value, OutputDraft& to) -> Status {
        FRAMEBUS_ASSIGN(const std::size_t index, read_choice(document, value, {"none", "aces"}));
        to.settings.aces = index == 1;
        return {};
      });
  section.add({"exposure", "number, -100 to 100",
               "\"type\": \"number\", \"minimum\": -100, \"maximum\": 100", ".png: stops.", "0"},
              [](const JsonDocument& document, JsonValue value, OutputDraft& to) -> Status {
                FRAMEBUS_ASSIGN(to.settings.exposure, read_number(document, value, {-100, 100}));
                return {};
              });
  return section;
}

Status read_frames(const JsonDocument& document, JsonValue value, RenderDraft& to) {
  to.job.frames.clear();
  if (value.is(JsonKind::number)) {
    FRAMEBUS_ASSIGN(const std::int64_t frame,
                    read_whole(document, value, {-frame_number_max, frame_number_max}));
    to.job.frames.push_back(static_cast<std::int32_t>(frame));
    return {};
  }
  if (!value.is(JsonKind::string))
    return wrong_kind(
        document, value,
        "frames in a string, like \"1-48\", \"1-100:2\" or \"1,5,9-12\", or one number");
  auto frames = parse_ranges(value.string(), limits::tasks_per_job_max, frame_number_max);
  if (!frames) return wrong(document, value, frames.error().message);
  to.job.frames = std::move(*frames);
  return {};
}

Section<RenderDraft> make_render() {
  static const Section<FilmDraft> film = make_film();
  static const Section<CameraDraft> camera = make_camera();
  static const Section<EnvironmentSettings> environment = make_environment();
  static const Section<LightSettings> light = make_light();
  static const Section<InstanceSettings> instance = make_instance();
  static const Section<Sampling> sampling = make_sampling();
  static const Section<SplitSettings> split = make_split();
  static const Section<OutputDraft> output = make_output();
  Section<RenderDraft> section{
      {"render",
       "Keys of steps of type \"render\": a physically based picture, or many, of a glTF scene."}};
  section.add(required({"scene", "path ending in .gltf or .glb", "\"type\": \"string\"",
                        "The scene, relative to the job file."}),
              [](const JsonDocument& document, JsonValue value, RenderDraft& to) -> Status {
                FRAMEBUS_ASSIGN(to.scene, read_text(document, value, path_bytes));
                to.scene_where = document.where(value);
                return {};
              });
  section.add({"frames", "ranges like \"1-48\", \"1-100:2\" or \"1,5,9-12\"",
               "\"type\": [\"string\", \"integer\"]", "Which pictures.", "\"1\""},
              read_frames);
  section.add(
      {"fps", "number, 0.001 to 1000000",
       "\"type\": \"number\", \"minimum\": 0.001, \"maximum\": 1000000",
       "Frames per second: frame f shows the scene's animation at (f - 1) / fps seconds.", "24"},
      [](const JsonDocument& document, JsonValue value, RenderDraft& to) -> Status {
        FRAMEBUS_ASSIGN(to.job.frames_per_second, read_number(document, value, {1e-3, 1e6}));
        return {};
      });
  add_object(section, "film", &RenderDraft::film, film, "Size and filter of the picture.");
  add_object(section, "camera", &RenderDraft::camera, camera, "Where from.");
  const auto add_inner = [&section](const std::string& name, const auto& inner,
                                    const std::string& doc, auto reach) {
    KeyInfo key{name, "object, see " + inner.info.title, "", doc};
    key.section = &inner.info;
    section.add(std::move(key),
                [&inner, reach](const JsonDocument& document, JsonValue value, RenderDraft& to) {
                  return read_section(document, value, inner, reach(to));
                });
  };
  const auto add_inner_list = [&section](const std::string& name, const auto& inner,
                                         const std::string& doc, auto reach) {
    KeyInfo key{name, "list of " + inner.info.title,
                "\"type\": \"array\", \"maxItems\": " + std::to_string(render_list_max), doc};
    key.section = &inner.info;
    section.add(
        std::move(key),
        [&inner, reach](const JsonDocument& document, JsonValue value, RenderDraft& to) -> Status {
          if (!value.is(JsonKind::array)) return wrong_kind(document, value, "a list of objects");
          if (value.size() > render_list_max)
            return wrong(document, value,
                         "more than " + std::to_string(render_list_max) + " entries");
          for (const JsonValue& item : value.items())
            FRAMEBUS_TRY(read_section(document, item, inner, reach(to).emplace_back()));
          return {};
        });
  };
  KeyInfo environment_key{"environment", "object, see environment", "", "Light from all around."};
  environment_key.section = &environment.info;
  section.add(std::move(environment_key),
              [](const JsonDocument& document, JsonValue value, RenderDraft& to) -> Status {
                FRAMEBUS_TRY(read_section(document, value, environment, to.job.environment));
                if (const auto file = value.find("file"))
                  to.environment_where = document.where(*file);
                return {};
              });
  add_inner_list(
      "lights", light, "Lights added to the scene.",
      [](RenderDraft & d) -> auto& { return d.job.lights; });
  add_inner_list(
      "instances", instance, "Parts of the scene shown again.",
      [](RenderDraft & d) -> auto& { return d.job.instances; });
  add_inner(
      "sampling", sampling, "Quality.", [](RenderDraft & d) -> auto& { return d.job.sampling; });
  add_inner(
      "split", split, "How the work is cut.", [](RenderDraft & d) -> auto& { return d.split; });
  add_list(section, "outputs", &RenderDraft::outputs, output, render_list_max,
           "Files to write. Without any, only hashes of the pictures are known.");
  return section;
}

}  // namespace

const Section<RenderDraft>& render_section() {
  static const Section<RenderDraft> section = make_render();
  return section;
}

}  // namespace framebus::client
