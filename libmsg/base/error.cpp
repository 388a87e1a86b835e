// The rows behind error_info(); see error.h for the table itself.
#include "libmsg/base/error.h"

#include <array>

namespace framebus {
namespace {

constexpr std::array rows = {
#define FRAMEBUS_X(name, number, retry, exit_code, sentence) \
  ErrorInfo{Code::name, #name, RetryRule::retry, exit_code, sentence},
    FRAMEBUS_ERRORS(FRAMEBUS_X)
#undef FRAMEBUS_X
};

constexpr bool numbers_are_indices() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<std::size_t>(rows[i].code) != i) return false;
  }
  return true;
}
static_assert(numbers_are_indices(),
              "error numbers must be dense: the lookup below indexes by number");

}  // namespace

const ErrorInfo& error_info(Code code) {
  const auto index = static_cast<std::size_t>(code);
  return index < rows.size() ? rows[index] : rows[static_cast<std::size_t>(Code::internal)];
}

}  // namespace framebus
