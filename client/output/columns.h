// Lays out rows of cells in columns that fit a width.
//
// When the table is too wide, columns are left out, least important first, and then the flexible
// ones are clipped to what fits. Cells are measured without their colours. Without a width (0)
// nothing is cut.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "client/output/style.h"

namespace framebus::client {

struct Column {
  std::string title;
  bool align_right = false;
  bool is_flexible = false;  // may be clipped, below 16 columns only when nothing else can go
  unsigned importance = 9;   // smaller is left out first; 9: never
};

struct Cell {
  std::string text;  // safe text, no escape sequences (text.h)
  Style style = Style::plain;
  std::string painted = {};  // the same text with colours of its own; empty: `text` in `style`
};

struct Columns {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  // each as long as `columns`
};

// Lines ending in '\n', no blanks at their ends. `indent`: columns before each line.
std::string laid_out(const Columns& table, std::size_t width, bool has_colour,
                     std::size_t indent = 0);

}  // namespace framebus::client
