#include "client/output/columns.h"

#include <algorithm>
#include <numeric>

#include "client/output/text.h"

namespace framebus::client {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t flexible_min = 8;           // as a last resort
constexpr std::size_t flexible_comfortable = 16;  // worth more than an unimportant column
constexpr unsigned never_left_out = 9;

std::size_t total_of(const std::vector<std::size_t>& widths, const std::vector<bool>& is_shown) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < widths.size(); ++i)
    if (is_shown[i]) total += widths[i] + (total > 0 ? gap : 0);
  return total;
}

std::size_t least_important(const Columns& table, const std::vector<bool>& is_shown) {
  std::size_t least = table.columns.size();
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!is_shown[i] || table.columns[i].importance >= never_left_out) continue;
    if (least == table.columns.size() ||
        table.columns[i].importance < table.columns[least].importance)
      least = i;
  }
  return least;
}

// The narrowest the table can be while these columns are shown.
std::size_t least_total(const Columns& table, std::vector<std::size_t> widths,
                        const std::vector<bool>& is_shown) {
  for (std::size_t i = 0; i < widths.size(); ++i)
    if (table.columns[i].is_flexible) widths[i] = std::min(widths[i], flexible_comfortable);
  return total_of(widths, is_shown);
}

void fit(const Columns& table, std::size_t width, std::vector<std::size_t>& widths,
         std::vector<bool>& is_shown) {
  while (least_total(table, widths, is_shown) > width) {
    const std::size_t least = least_important(table, is_shown);
    if (least == table.columns.size()) break;
    is_shown[least] = false;
  }
  // Of several flexible columns the widest gives first, so that a short name is not cut for a long
  // one.
  while (total_of(widths, is_shown) > width) {
    std::size_t widest = table.columns.size();
    for (std::size_t i = 0; i < widths.size(); ++i)
      if (is_shown[i] && table.columns[i].is_flexible && widths[i] > flexible_min &&
          (widest == table.columns.size() || widths[i] > widths[widest]))
        widest = i;
    if (widest == table.columns.size()) break;
    --widths[widest];
  }
}

}  // namespace

std::string laid_out(const Columns& table, std::size_t width, bool has_colour, std::size_t indent) {
  std::vector<std::size_t> widths;
  for (const Column& column : table.columns) widths.push_back(column_count(column.title));
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], column_count(row[i].text));
  std::vector<bool> is_shown(table.columns.size(), true);
  if (width > 0) fit(table, width > indent ? width - indent : 1, widths, is_shown);

  std::string out;
  const auto add_line = [&](const std::vector<Cell>& cells) {
    std::string line(indent, ' ');
    std::size_t pending = 0;  // blanks that only matter if something follows
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!is_shown[i]) continue;
      const std::string text = clipped(cells[i].text, widths[i]);
      const std::size_t blanks = widths[i] - std::min(widths[i], column_count(text));
      const bool is_whole = text.size() == cells[i].text.size();
      if (table.columns[i].align_right) pending += blanks;
      if (!text.empty()) {
        line.append(pending, ' ');
        pending = 0;
        line += is_whole && has_colour && !cells[i].painted.empty()
                    ? cells[i].painted
                    : painted(text, cells[i].style, has_colour);
      }
      if (!table.columns[i].align_right) pending += blanks;
      pending += gap;
    }
    out += line + "\n";
  };
  std::vector<Cell> titles;
  bool has_titles = false;
  for (const Column& column : table.columns) {
    titles.push_back({column.title, Style::dim});
    has_titles = has_titles || !column.title.empty();
  }
  if (has_titles) add_line(titles);
  for (const auto& row : table.rows) add_line(row);
  return out;
}

}  // namespace framebus::client
