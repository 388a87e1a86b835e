// See durable_start.h.
#include "broker/shell/durable_start.h"

#include <sys/random.h>

#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>

#include "libmsg/disk/small_file.h"

namespace framebus::broker {
namespace {

constexpr std::size_t token_key_bytes = 16;
constexpr std::size_t epoch_file_bytes_max = 32;

constexpr const char* write_a_larger_number =
    " Restore it from a copy, or write a number into it that is larger than any epoch this broker "
    "ever had. Nothing was changed";

Status make_with_parents(Disk& disk, const std::filesystem::path& path) {
  const std::filesystem::path parent = path.parent_path();
  if (!parent.empty() && parent != path && !disk.facts(parent))
    FRAMEBUS_TRY(make_with_parents(disk, parent));
  FRAMEBUS_ASSIGN(const bool is_new, disk.make_directory(path));
  return is_new ? disk.sync_directory(parent) : Status();
}

// not_found: there is none. data_loss: it is no key.
Result<Bytes> read_token_key(Disk& disk, const std::filesystem::path& file) {
  auto content = read_small_file(disk, file, token_key_bytes);
  if (content && content->size() == token_key_bytes) return content;
  if (!content && content.error().code != Code::resource_exhausted) return content;
  return fail(Code::data_loss,
              file.string() + " does not hold a key of " + std::to_string(token_key_bytes) +
                  " bytes. Restore it from a copy, or move it away: a new one is made then, and "
                  "what workers hold of earlier starts is run again. Nothing was changed");
}

// Whether it says nothing about the disk: what is not ours to open, or can be synced by nobody, was
// not made by us.
bool is_not_ours(const Error& error) {
  return error.code == Code::permission_denied || error.code == Code::failed_precondition ||
         error.code == Code::not_found;
}

// The names of what a start may have made lately above `path`; on its file system, since none of
// another is ever made by us.
Status sync_parents(Disk& disk, const std::filesystem::path& path) {
  auto here = disk.facts(path);
  for (std::filesystem::path at = path; here && at != at.parent_path(); at = at.parent_path()) {
    auto above = disk.facts(at.parent_path());
    if (!above || above->since_changed >= written_back_after) break;
    if (above->device != here->device) break;
    const Status synced = disk.sync_directory(at.parent_path());
    if (!synced && !is_not_ours(synced.error())) return synced;
    if (!synced) break;
    here = std::move(above);
  }
  return {};
}

// Whether there is such a path; an error when the disk does not say.
Result<bool> exists(const Disk& disk, const std::filesystem::path& path) {
  const auto found = disk.facts(path);
  if (!found && found.error().code != Code::not_found) return fail(found.error());
  return found.has_value();
}

}  // namespace

Status make_durable_directory(Disk& disk, const std::filesystem::path& data) {
  FRAMEBUS_TRY(make_with_parents(disk, data));
  // A start that was cut short may have made directories and not lived to sync them. One that came
  // as far as an epoch has synced them all.
  return disk.facts(data / "epoch") ? Status() : sync_parents(disk, data);
}

Result<std::uint64_t> raise_epoch(Disk& disk, const std::filesystem::path& data,
                                  const EpochRule& rule) {
  const std::filesystem::path file = data / "epoch";
  std::uint64_t last = rule.base;
  const auto content = read_small_file(disk, file, epoch_file_bytes_max);
  if (content) {
    const auto* const begin = reinterpret_cast<const char*>(content->data());
    const auto [stop, error] = std::from_chars(begin, begin + content->size(), last);
    if (error != std::errc{} ||
        std::string_view(stop, static_cast<std::size_t>(begin + content->size() - stop)) != "\n") {
      return fail(Code::data_loss,
                  file.string() + " does not hold a number." + write_a_larger_number);
    }
  } else if (content.error().code != Code::not_found) {
    return fail(content.error());
  } else if (!rule.forbidden.empty()) {
    FRAMEBUS_ASSIGN(const bool is_there, exists(disk, rule.forbidden));
    // Counting from 1 again would give out tokens that workers may still hold.
    if (is_there)
      return fail(Code::data_loss, file.string() + " is missing beside " + rule.forbidden.string() +
                                       "." + write_a_larger_number);
  }
  const std::uint64_t epoch = last + 1;
  FRAMEBUS_TRY(replace_file(disk, file, bytes_of(std::to_string(epoch) + "\n")));
  return epoch;
}

Result<Bytes> make_token_key() {
  Bytes key(token_key_bytes);
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    return fail(Code::unavailable,
                "random bytes for token.key: " + std::generic_category().message(errno));
  }
  return key;
}

Status check_token_key(Disk& disk, const std::filesystem::path& data) {
  const auto key = read_token_key(disk, data / "token.key");
  if (key || key.error().code == Code::not_found) return {};
  return fail(key.error());
}

Result<Bytes> load_token_key(Disk& disk, const std::filesystem::path& data) {
  const std::filesystem::path file = data / "token.key";
  auto found = read_token_key(disk, file);
  if (found || found.error().code != Code::not_found) return found;
  FRAMEBUS_ASSIGN(Bytes key, make_token_key());
  FRAMEBUS_TRY(replace_file(disk, file, key));
  return key;
}

}  // namespace framebus::broker
