// URIs inside a scene file: data: URIs to bytes, relative references to safe names.
#pragma once

#include <string>
#include <string_view>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"

namespace framebus::render {

bool is_data_uri(std::string_view uri);
// The bytes of a base64 data: URI. The error says what is wrong, without a place.
Result<Bytes> decode_data_uri(std::string_view uri);
// "tex%20a/b.png" -> "tex a/b.png". Refuses schemes, absolute paths, "..", control characters, more
// than 4 KiB.
Result<std::string> file_name_of_uri(std::string_view uri);

}  // namespace framebus::render
