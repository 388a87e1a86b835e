// A result blob into a file, without ever holding more than a few MiB of it or showing half of it.
#pragma once

#include <atomic>
#include <filesystem>

#include "libmsg/blob/blob_client.h"

namespace framebus::client {

// Makes the folders of `destination`; replaces an existing file in one step. Errors name the path.
Result<std::filesystem::path> fetch_to_file(BlobClient& client, const BlobRef& blob,
                                            const std::filesystem::path& destination,
                                            const std::atomic<bool>* cancelled);

// Writes bytes beside `destination` and renames.
Status write_file(const std::filesystem::path& destination, BytesView bytes);

}  // namespace framebus::client
