// Checked access to a glTF file's JSON: every value by key, kind and range.
//
// Errors are invalid_argument and say "file:line:column: /pointer: found ..., allowed ...". A
// missing key gives the default; a key of the wrong kind is an error. Reads only; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmsg/base/json_text.h"
#include "libmsg/base/result.h"

namespace framebus::render {

// The error of a value: `found` and `allowed` are phrases.
tl::unexpected<Error> bad_value(const JsonDocument& json, JsonValue at, std::string_view found,
                                std::string_view allowed);

// An object or array and the document it lies in.
struct GltfValue {
  const JsonDocument* json;
  JsonValue value;

  Result<std::optional<GltfValue>> member(std::string_view key, JsonKind kind) const;
  Result<GltfValue> required(std::string_view key, JsonKind kind) const;
  // Elements of the array under `key`, all of `kind`; none when the key is missing.
  Result<std::vector<GltfValue>> elements(std::string_view key, JsonKind kind) const;

  Result<double> number(std::string_view key, double missing, double min, double max) const;
  Result<std::uint64_t> integer(std::string_view key, std::uint64_t missing,
                                std::uint64_t max) const;
  Result<bool> boolean(std::string_view key, bool missing) const;
  Result<std::string> string(std::string_view key, std::string_view missing) const;
  // An index into an array of `count` things called `what` ("accessors").
  Result<std::optional<std::uint32_t>> index(std::string_view key, std::size_t count,
                                             std::string_view what) const;
  Result<std::uint32_t> required_index(std::string_view key, std::size_t count,
                                       std::string_view what) const;
  // An array of exactly missing.size() numbers within +-1e30.
  Result<std::vector<double>> numbers(std::string_view key, std::vector<double> missing) const;
  // The object extensions.NAME, if there is one.
  Result<std::optional<GltfValue>> extension(std::string_view name) const;

  tl::unexpected<Error> error(std::string_view found, std::string_view allowed) const {
    return bad_value(*json, value, found, allowed);
  }
  // "scene.gltf:3:14: /meshes/0", for errors about what the value refers to.
  std::string where() const { return json->where(value); }
};

}  // namespace framebus::render
