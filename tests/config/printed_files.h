// The list of files that are printed from tables in the code, with their texts.
#pragma once

#include <string>
#include <vector>

namespace framebus {

struct PrintedFile {
  std::string path;  // relative to the root of the sources
  std::string text;
};

struct PrintedPart {
  std::string path;  // of the page, relative to the root of the sources
  std::string name;  // in the markers
  std::string text;
};

std::vector<PrintedFile> printed_files();

// Tables that stand inside a page written by hand, each between the lines
// "<!-- begin NAME -->" and "<!-- end NAME -->".
std::vector<PrintedPart> printed_parts();

// `page` with what stands between the markers of `part` replaced; empty when a marker is missing.
std::string with_part(const std::string& page, const PrintedPart& part);

}  // namespace framebus
