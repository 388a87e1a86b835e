#include "tests/tidy/source_tree.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace framebus::tidy {
namespace {

constexpr std::string_view folders[] = {"libmsg", "broker", "worker",  "client",
                                        "tests",  "bench",  "examples"};
constexpr std::string_view endings[] = {".h", ".cpp", ".cu", ".cuh"};

bool is_identifier_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string include_of(const std::string& line) {
  const auto hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line[hash] != '#' ||
      line.find("include", hash) == std::string::npos)
    return {};
  const auto open = line.find_first_of("<\"", hash);
  if (open == std::string::npos) return {};
  const auto close = line.find(line[open] == '<' ? '>' : '"', open + 1);
  return close == std::string::npos ? std::string{} : line.substr(open + 1, close - open - 1);
}

SourceFile read(const std::filesystem::path& root, const std::filesystem::path& path) {
  SourceFile file;
  file.path = std::filesystem::relative(path, root).generic_string();
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) {
    file.text += line + "\n";
    if (auto include = include_of(line); !include.empty())
      file.includes.push_back(std::move(include));
    file.lines.push_back(std::move(line));
  }
  return file;
}

std::vector<SourceFile> read_all() {
  const std::filesystem::path root = FRAMEBUS_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const auto folder : folders) {
    if (!std::filesystem::is_directory(root / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const std::string ending = entry.path().extension().string();
      if (entry.is_regular_file() &&
          std::find(std::begin(endings), std::end(endings), ending) != std::end(endings)) {
        files.push_back(read(root, entry.path()));
      }
    }
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

}  // namespace

const std::vector<SourceFile>& source_files() {
  static const std::vector<SourceFile> files = read_all();
  return files;
}

std::vector<const SourceFile*> product_files() {
  std::vector<const SourceFile*> files;
  for (const SourceFile& file : source_files()) {
    if (file.is_in("libmsg/") || file.is_in("broker/") || file.is_in("worker/") ||
        file.is_in("client/"))
      files.push_back(&file);
  }
  return files;
}

std::string code_of(const std::string& line) {
  std::string code;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == '\\')
        ++i;
      else if (c == quote)
        quote = 0;
      continue;
    }
    if (c == '/' && i + 1 < line.size() && line[i + 1] == '/') break;
    // 1'000'000: an apostrophe between digits is no character literal.
    const bool in_number =
        c == '\'' && i > 0 && std::isxdigit(static_cast<unsigned char>(line[i - 1])) != 0;
    if ((c == '"' || c == '\'') && !in_number) {
      quote = c;
      continue;
    }
    code += c;
  }
  return code;
}

bool names(std::string_view code, std::string_view name) {
  for (auto at = code.find(name); at != std::string_view::npos; at = code.find(name, at + 1)) {
    const bool starts = at == 0 || !is_identifier_character(code[at - 1]);
    const auto end = at + name.size();
    const bool ends = end == code.size() || !is_identifier_character(code[end]);
    if (starts && ends) return true;
  }
  return false;
}

}  // namespace framebus::tidy
