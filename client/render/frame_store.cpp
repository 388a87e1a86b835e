#include "client/render/frame_store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace framebus::client {
namespace {

// Calls visit(data, bytes) for each plane; reading and writing are the same walk.
template <class Visit>
bool each_plane(render::Sums& sums, Visit visit) {
  const auto plane = [&](auto& values) {
    return values.empty() || visit(values.data(), values.size() * sizeof values[0]);
  };
  return plane(sums.rgb) && plane(sums.albedo) && plane(sums.normal) && plane(sums.depth) &&
         plane(sums.depth_hits) && plane(sums.samples) &&
         visit(&sums.nan_count, sizeof sums.nan_count) &&
         visit(&sums.clamp_count, sizeof sums.clamp_count);
}

tl::unexpected<Error> file_error(const char* what) {
  return fail(Code::unavailable,
              std::string("temporary file for unfinished frames: ") + what + ": " +
                  std::strerror(errno) +
                  "; free some space in the folder for temporary files (TMPDIR)");
}

}  // namespace

std::uint64_t bytes_of_sums(std::uint32_t width, std::uint32_t height, std::uint32_t layers) {
  std::uint64_t bytes_per_pixel = sizeof(std::uint32_t);
  for (const render::Layer layer : {render::layer_rgb, render::layer_albedo, render::layer_normal})
    if (layers & layer) bytes_per_pixel += 3 * sizeof(std::int64_t);
  if (layers & render::layer_depth) bytes_per_pixel += sizeof(std::int64_t) + sizeof(std::uint32_t);
  return bytes_per_pixel * width * height;
}

FrameStore::FrameStore(std::uint32_t width, std::uint32_t height, std::uint32_t layers,
                       std::uint64_t memory_bytes_max)
    : width_(width), height_(height), layers_(layers), file_(nullptr, std::fclose) {
  frames_max_ = static_cast<std::size_t>(
      std::max<std::uint64_t>(1, memory_bytes_max / bytes_of_sums(width, height, layers)));
}

Result<render::Sums*> FrameStore::open(std::uint32_t frame) {
  const auto found = frames_.find(frame);
  if (found == frames_.end() || !found->second.sums) {
    FRAMEBUS_TRY(make_room());
    Held& held = frames_[frame];
    const bool is_new = found == frames_.end();
    held.sums = std::make_unique<render::Sums>(render::Sums::zero(width_, height_, layers_));
    if (!is_new) {
      if (const Status status = read(held); !status) {
        held.sums.reset();
        return fail(status.error());
      }
    }
  }
  Held& held = frames_[frame];
  held.used = ++uses_;
  return held.sums.get();
}

void FrameStore::close(std::uint32_t frame) {
  const auto found = frames_.find(frame);
  if (found == frames_.end()) return;
  if (!found->second.sums) free_places_.push_back(found->second.place);
  frames_.erase(found);
}

std::size_t FrameStore::frames_in_memory() const {
  return static_cast<std::size_t>(
      std::count_if(frames_.begin(), frames_.end(),
                    [](const auto& each) { return each.second.sums != nullptr; }));
}
std::size_t FrameStore::frames_on_disk() const {
  return frames_.size() - frames_in_memory();
}

Status FrameStore::make_room() {
  while (frames_in_memory() >= frames_max_) {
    Held* oldest = nullptr;
    for (auto& [frame, held] : frames_)
      if (held.sums && (!oldest || held.used < oldest->used)) oldest = &held;
    FRAMEBUS_TRY(write(*oldest));
  }
  return {};
}

Status FrameStore::write(Held& held) {
  if (!file_) file_.reset(std::tmpfile());
  if (!file_) return file_error("create");
  const std::uint32_t place = free_places_.empty() ? places_ : free_places_.back();
  // Two counts follow the planes.
  const std::uint64_t stride = bytes_of_sums(width_, height_, layers_) + 2 * sizeof(std::uint64_t);
  if (fseeko(file_.get(), static_cast<off_t>(stride * place), SEEK_SET) != 0)
    return file_error("seek");
  const bool written = each_plane(*held.sums, [&](const void* data, std::size_t size) {
    return std::fwrite(data, 1, size, file_.get()) == size;
  });
  if (!written || std::fflush(file_.get()) != 0) return file_error("write");
  if (free_places_.empty())
    ++places_;
  else
    free_places_.pop_back();
  held.place = place;
  held.sums.reset();
  return {};
}

Status FrameStore::read(Held& held) {
  const std::uint64_t stride = bytes_of_sums(width_, height_, layers_) + 2 * sizeof(std::uint64_t);
  if (fseeko(file_.get(), static_cast<off_t>(stride * held.place), SEEK_SET) != 0)
    return file_error("seek");
  if (!each_plane(*held.sums, [&](void* data, std::size_t size) {
        return std::fread(data, 1, size, file_.get()) == size;
      }))
    return file_error("read");
  free_places_.push_back(held.place);
  return {};
}

}  // namespace framebus::client
