// The list of files that are printed from tables in the code, with their texts.
#pragma once

#include <string>
#include <vector>

namespace framebus {

struct PrintedFile {
  std::string path;  // relative to the root of the sources
  std::string text;
};

std::vector<PrintedFile> printed_files();

}  // namespace framebus
