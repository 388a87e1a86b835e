#include "libmsg/schema/sweep.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "libmsg/base/check.h"
#include "libmsg/base/limits.h"

namespace framebus {
namespace {

// As a JSON string. Bytes from 0x20 on stay as they are: keys are UTF-8 already.
void append_quoted(Bytes& out, const std::string& text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  const auto put = [&](std::string_view part) { out.insert(out.end(), part.begin(), part.end()); };
  put("\"");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(byte);
    } else if (byte >= 0x20) {
      out.push_back(byte);
    } else if (c == '\n') {
      put("\\n");
    } else if (c == '\t') {
      put("\\t");
    } else if (c == '\r') {
      put("\\r");
    } else {
      put("\\u00");
      out.push_back(static_cast<std::uint8_t>(digits[byte >> 4]));
      out.push_back(static_cast<std::uint8_t>(digits[byte & 15]));
    }
  }
  put("\"");
}

void append_value(Bytes& out, const SweepAxis& axis, std::uint64_t place) {
  if (!axis.values.empty()) {
    const Bytes& value = axis.values[place];
    out.insert(out.end(), value.begin(), value.end());
    return;
  }
  // Checked by sweep_size(): it does not overflow.
  const std::string number =
      std::to_string(axis.first + axis.stride * static_cast<std::int64_t>(place));
  out.insert(out.end(), number.begin(), number.end());
}

bool range_overflows(const SweepAxis& axis) {
  std::int64_t span = 0;
  std::int64_t last = 0;
  return __builtin_mul_overflow(axis.stride, static_cast<std::int64_t>(axis.count) - 1, &span) ||
         __builtin_add_overflow(axis.first, span, &last);
}

Status check_axis(const SweepAxis& axis, const std::string& at) {
  const auto wrong = [&](const std::string& what) {
    return fail(Code::invalid_argument, at + what);
  };
  if (axis.key.empty()) return wrong("key: is empty, a name is needed");
  if (axis.key.size() > limits::name_bytes_max) {
    return wrong("key: has " + std::to_string(axis.key.size()) + " bytes, allowed are " +
                 std::to_string(limits::name_bytes_max));
  }
  if (!axis.values.empty() && axis.count != 0) {
    return wrong("count: is " + std::to_string(axis.count) + ", an axis with values has none");
  }
  for (const Bytes& value : axis.values) {
    if (value.empty()) return wrong("values: one of them is empty, each is a JSON value");
  }
  if (value_count(axis) == 0) return wrong("has no values and no range");
  if (axis.values.empty() && range_overflows(axis)) {
    return wrong("the range " + std::to_string(axis.first) + " + " + std::to_string(axis.stride) +
                 " * " + std::to_string(axis.count - 1) + " leaves 64 bits");
  }
  return {};
}

}  // namespace

std::uint64_t value_count(const SweepAxis& axis) {
  return axis.values.empty() ? axis.count : axis.values.size();
}

Result<std::uint32_t> sweep_size(const std::vector<SweepAxis>& axes) {
  if (axes.empty() || axes.size() > limits::sweep_axes_max) {
    return fail(Code::invalid_argument, "found " + std::to_string(axes.size()) +
                                            " axes, allowed are 1 to " +
                                            std::to_string(limits::sweep_axes_max));
  }
  std::set<std::string_view> keys;
  std::uint64_t size = 1;
  for (std::size_t index = 0; index < axes.size(); ++index) {
    const std::string at = "[" + std::to_string(index) + "].";
    FRAMEBUS_TRY(check_axis(axes[index], at));
    if (!keys.insert(axes[index].key).second) {
      return fail(Code::invalid_argument, at + "key: '" + axes[index].key + "' is used twice");
    }
    const std::uint64_t count = value_count(axes[index]);  // at most 2^32: no overflow below
    size *= count;
    if (size > limits::tasks_per_job_max) {
      return fail(Code::invalid_argument, "the product of the first " + std::to_string(index + 1) +
                                              " axes is " + std::to_string(size) +
                                              " tasks, allowed are " +
                                              std::to_string(limits::tasks_per_job_max));
    }
  }
  return static_cast<std::uint32_t>(size);
}

Bytes sweep_params(const std::vector<SweepAxis>& axes, std::uint32_t index) {
  FRAMEBUS_CHECK(axes.size() <= limits::sweep_axes_max, "more axes than sweep_size() allows");
  std::array<std::uint64_t, limits::sweep_axes_max> places{};
  std::array<std::uint32_t, limits::sweep_axes_max> order{};
  std::uint64_t rest = index;
  for (std::size_t axis = axes.size(); axis-- > 0;) {
    const std::uint64_t count = value_count(axes[axis]);
    places[axis] = rest % count;
    rest /= count;
    order[axis] = static_cast<std::uint32_t>(axis);
  }
  FRAMEBUS_CHECK(rest == 0, "index beyond the sweep");
  std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(axes.size()),
            [&](std::uint32_t a, std::uint32_t b) { return axes[a].key < axes[b].key; });
  Bytes out{'{'};
  for (std::size_t each = 0; each < axes.size(); ++each) {
    const SweepAxis& axis = axes[order[each]];
    if (each > 0) out.push_back(',');
    append_quoted(out, axis.key);
    out.push_back(':');
    append_value(out, axis, places[order[each]]);
  }
  out.push_back('}');
  return out;
}

}  // namespace framebus
