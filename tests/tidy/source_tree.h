// The project's own source files, as text, for the tests that keep the tree tidy.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace framebus::tidy {

struct SourceFile {
  std::string path;  // from the project's root, '/' separated
  std::string text;
  std::vector<std::string> lines;
  std::vector<std::string> includes;  // what stands between the quotes or brackets of each #include

  bool is_in(std::string_view folder) const { return path.starts_with(folder); }
};

// Every hand-written C++ and CUDA file below libmsg, broker, worker, client, tests, bench and
// examples, sorted by path.
const std::vector<SourceFile>& source_files();

// Product code only: libmsg, broker, worker, client.
std::vector<const SourceFile*> product_files();

// `line` without comments and string literals, good enough for finding names (no raw strings, no
// comments over several lines).
std::string code_of(const std::string& line);

// True when `name` stands in `code` with no identifier character before or behind it.
bool names(std::string_view code, std::string_view name);

}  // namespace framebus::tidy
