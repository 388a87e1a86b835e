// A checked JSON reader for files written by people and for bytes that came from a peer.
//
// Why not the packaged parser: errors of meaning must name line, column and JSON pointer of a
// value, repeated keys must be refused, and a hostile text must cost neither stack nor memory out
// of proportion. The whole document is one flat array of 20-byte nodes over the text; nothing is
// decoded until it is asked for. It does not write JSON, but for canonical_json() of a value that
// was read. Thread rule: a JsonDocument is immutable; handles may be used from any thread while it
// lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmsg/base/limits.h"
#include "libmsg/base/result.h"

namespace framebus {

enum class JsonKind : std::uint8_t { null, boolean, number, string, array, object };

// "null", "a boolean", "a number", ... as error messages say it.
std::string_view name_of(JsonKind kind);

struct JsonLimits {
  std::size_t bytes_max = limits::json_file_bytes_max;
  std::size_t depth_max = limits::json_depth_max;  // at most 256
  std::size_t values_max = 8'000'000;              // keys count too; 20 bytes of memory each
  bool comments = true;                            // // to the end of the line, and /* ... */
};

struct TextPosition {
  std::uint32_t line = 1, column = 1;  // counted from 1; columns in characters, not bytes
};

struct JsonData;

// A value of a document: a handle of two words, valid while its JsonDocument lives.
class JsonValue {
 public:
  JsonKind kind() const;
  bool is(JsonKind wanted) const { return kind() == wanted; }

  // The caller has looked at kind() before; a wrong kind is a programmer's error.
  bool boolean() const;
  double number() const;  // always finite
  std::optional<std::int64_t> integer()
      const;                   // none: a fraction, or beyond 64 bits. 16.0 and 1e3 are integers
  std::string string() const;  // escapes decoded, valid UTF-8
  std::vector<JsonValue> items() const;                            // of an array
  std::vector<std::pair<std::string, JsonValue>> members() const;  // of an object, in file order
  std::optional<JsonValue> find(
      std::string_view key) const;  // of an object; walks over its members

  std::size_t size() const;       // elements or members; 0 for the other kinds
  std::string_view text() const;  // as written in the file
  std::string excerpt() const;    // as written, cut to about 40 characters: for error messages

 private:
  friend class JsonDocument;
  JsonValue(const JsonData* data, std::uint32_t node) : data_(data), node_(node) {}
  const JsonData* data_;
  std::uint32_t node_;
};

class JsonDocument {
 public:
  // `name` stands for the file in errors. invalid_argument: "job.json:3:14: ...", what was found
  // and what is allowed; resource_exhausted never: a text beyond the limits is as wrong as one with
  // a typo.
  static Result<JsonDocument> parse(std::string text, std::string name,
                                    const JsonLimits& limits = {});

  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  JsonValue root() const;
  const std::string& name() const;
  std::string_view text() const;  // the whole file; JsonValue::text() is a part of it
  TextPosition position_of(JsonValue value) const;  // O(offset of the value)
  std::string pointer_to(JsonValue value) const;    // RFC 6901: "/film/width"; "" for the root
  // "job.json:3:14: /film/width", the head of every error of meaning.
  std::string where(JsonValue value) const;

 private:
  explicit JsonDocument(std::unique_ptr<const JsonData> data);
  std::unique_ptr<const JsonData> data_;
};

// Reads a regular file of at most limits.bytes_max and parses it. All errors are invalid_argument
// (no such file, a directory, no permission, too large, not JSON) and name the path.
Result<JsonDocument> read_json_file(const std::filesystem::path& path,
                                    const JsonLimits& limits = {});
// The same without parsing.
Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t bytes_max);

// The text as a JSON string, with its quotes.
std::string json_quote(std::string_view text);
// The shortest decimal text that reads back as the same double. The number is finite.
std::string json_number(double number);
// The value without white space and comments, keys in byte order, numbers as they were written.
std::string canonical_json(JsonValue value);

}  // namespace framebus
