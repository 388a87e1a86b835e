#include "client/jobfile/output_check.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <system_error>

#include "client/render/collector.h"

namespace framebus::client {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> wrong_at(const std::string& where, const std::string& what) {
  return fail(Code::invalid_argument, where + ": " + what);
}

// Makes the folder and a file in it: the only test that also sees full disks and read-only mounts.
Status try_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem)
    return fail(Code::invalid_argument,
                "the folder " + folder.string() + " can not be made: " + problem.message());
  std::string probe = (folder / ".framebus-XXXXXX").string();
  const int descriptor = mkstemp(probe.data());
  if (descriptor < 0)
    return fail(Code::invalid_argument,
                "no file can be written in " + folder.string() + ": " + std::strerror(errno));
  close(descriptor);
  unlink(probe.c_str());
  return {};
}

// The nearest folder above that exists must let us in and write.
Status look_at_folder(fs::path folder) {
  std::error_code problem;
  while (!fs::exists(folder, problem) && folder.has_relative_path()) folder = folder.parent_path();
  if (!fs::is_directory(folder, problem))
    return fail(Code::invalid_argument, folder.string() + " is not a folder");
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    return fail(Code::invalid_argument,
                "no file can be written in " + folder.string() + ": " + std::strerror(errno));
  return {};
}

Status check_one(const OutputDraft& output, const render::RenderJob& job) {
  const auto has_number = check_pattern(output.settings.file);
  if (!has_number) return wrong_at(output.where, has_number.error().message);
  if (!*has_number && job.frames.size() > 1)
    return wrong_at(output.where,
                    "'" + output.settings.file + "': " + std::to_string(job.frames.size()) +
                        " frames would overwrite each other; put #### where the frame number goes");
  std::string extension = fs::path(output.settings.file).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (extension != ".png" && extension != ".exr")
    return wrong_at(output.where,
                    "'" + output.settings.file + "': the name must end in .png or .exr");
  const std::uint32_t layers = output.settings.layers;
  if (extension == ".png" && (layers & (layers - 1)) != 0)
    return wrong_at(output.where,
                    "'" + output.settings.file +
                        "': a .png holds one layer; write an .exr, or one .png for each layer");
  return {};
}

}  // namespace

Status check_outputs(const std::vector<OutputDraft>& outputs, const render::RenderJob& job,
                     const fs::path& directory, bool prepare) {
  std::set<fs::path> files, folders;
  for (const OutputDraft& output : outputs) {
    FRAMEBUS_TRY(check_one(output, job));
    const fs::path path =
        output_path(output.settings, job.frames.front(), directory, OutputRule::as_written);
    if (!files.insert(path).second)
      return wrong_at(output.where,
                      "'" + output.settings.file + "': two outputs have the same name");
    std::error_code problem;
    if (fs::is_directory(path, problem))
      return wrong_at(output.where, path.string() + ": is a folder, not a file");
    if (!folders.insert(path.parent_path()).second) continue;
    const Status usable =
        prepare ? try_folder(path.parent_path()) : look_at_folder(path.parent_path());
    if (!usable) return wrong_at(output.where, usable.error().message);
  }
  return {};
}

}  // namespace framebus::client
