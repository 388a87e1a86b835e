// print_config DIR: writes the files that are printed from the code below DIR, and the tables of
// docs/OPERATING.md into it. print_config --tables: prints those tables.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "libmsg/base/json_text.h"
#include "tests/config/printed_files.h"

using namespace framebus;

namespace {

bool write(const std::filesystem::path& path, const std::string& text) {
  std::error_code problem;
  std::filesystem::create_directories(path.parent_path(), problem);
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) std::fprintf(stderr, "print_config: %s can not be written\n", path.c_str());
  if (out) std::printf("%s\n", path.c_str());
  return static_cast<bool>(out);
}

// Puts the table between its markers in a page that is otherwise written by hand.
bool put(const std::filesystem::path& path, const PrintedPart& part) {
  const auto page = read_text_file(path, 16u << 20);
  const std::string changed = page ? with_part(*page, part) : std::string();
  if (!changed.empty()) return write(path, changed);
  std::fprintf(stderr, "print_config: %s: %s\n", path.c_str(),
               page ? ("no markers \"" + part.name + "\"").c_str() : page.error().message.c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: print_config DIR | --tables\n");
    return 2;
  }
  if (std::string_view(argv[1]) == "--tables") {
    for (const PrintedPart& part : printed_parts())
      std::printf("%s\n\n%s\n", part.name.c_str(), part.text.c_str());
    return 0;
  }
  const std::filesystem::path root = argv[1];
  bool is_done = true;
  for (const PrintedFile& file : printed_files())
    is_done = write(root / file.path, file.text) && is_done;
  for (const PrintedPart& part : printed_parts()) is_done = put(root / part.path, part) && is_done;
  return is_done ? 0 : 1;
}
