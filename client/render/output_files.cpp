// Names of output files: patterns, and where they lead.
#include <algorithm>
#include <cstdio>

#include "client/render/collector.h"

namespace framebus::client {
namespace {

struct Place {
  std::size_t begin = 0, size = 0;  // of the pattern's characters
  int width = 0;                    // digits at least
};

constexpr int digits_max = 12;

// The places for a frame number, left to right.
Result<std::vector<Place>> places(std::string_view pattern) {
  std::vector<Place> found;
  for (std::size_t i = 0; i < pattern.size();) {
    const std::size_t begin = i;
    if (pattern[i] == '#') {
      while (i < pattern.size() && pattern[i] == '#') ++i;
      found.push_back(
          {begin, i - begin, static_cast<int>(std::min<std::size_t>(i - begin, digits_max))});
    } else if (pattern[i] == '%') {
      ++i;
      int width = 0;
      if (i < pattern.size() && pattern[i] == '0') {
        ++i;
        while (i < pattern.size() && pattern[i] >= '0' && pattern[i] <= '9' && width <= digits_max)
          width = width * 10 + (pattern[i++] - '0');
      }
      if (i >= pattern.size() || pattern[i] != 'd' || width > digits_max)
        return fail(Code::invalid_argument,
                    "'" + std::string(pattern) + "': after '%' only %d or %04d is understood");
      ++i;
      found.push_back({begin, i - begin, width});
    } else {
      ++i;
    }
  }
  return found;
}

}  // namespace

Result<bool> check_pattern(std::string_view pattern) {
  FRAMEBUS_ASSIGN(const std::vector<Place> found, places(pattern));
  if (found.size() > 1)
    return fail(Code::invalid_argument,
                "'" + std::string(pattern) + "': more than one place for the frame number");
  return !found.empty();
}

std::string fill_pattern(std::string_view pattern, std::int32_t frame) {
  const auto found = places(pattern);
  if (!found || found->empty()) return std::string(pattern);
  char number[32];
  // The sign stands before the digits and does not count: frame -5 of "####" is "-0005".
  const int width = found->front().width + (frame < 0 ? 1 : 0);
  std::snprintf(number, sizeof number, "%0*d", width, frame);
  std::string out(pattern);
  return out.replace(found->front().begin, found->front().size, number);
}

std::filesystem::path output_path(const render::OutputSettings& output, std::int32_t frame,
                                  const std::filesystem::path& directory, OutputRule rule) {
  const std::filesystem::path file = fill_pattern(output.file, frame);
  const bool leaves = file.is_absolute() || std::find(file.begin(), file.end(), "..") != file.end();
  if (rule == OutputRule::confined && leaves) return directory / file.filename();
  return (directory / file).lexically_normal();
}

std::filesystem::path preview_path(const render::RenderJob& job,
                                   const std::filesystem::path& directory, OutputRule rule) {
  if (job.outputs.empty()) return {};
  // "out/helmet.####.png" becomes "out/helmet.preview.png".
  render::OutputSettings preview = job.outputs.front();
  std::string stem = std::filesystem::path(preview.file).stem().string();
  if (const auto found = places(stem); found && !found->empty())
    stem.erase(found->front().begin, found->front().size);
  while (!stem.empty() && (stem.back() == '.' || stem.back() == '_' || stem.back() == '-'))
    stem.pop_back();
  preview.file = (std::filesystem::path(preview.file).parent_path() /
                  ((stem.empty() ? "frame" : stem) + ".preview.png"))
                     .string();
  return output_path(preview, job.frames.front(), directory, rule);
}

}  // namespace framebus::client
