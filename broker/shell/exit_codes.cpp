// See exit_codes.h.
#include "broker/shell/exit_codes.h"

namespace framebus::broker {

int exit_code_of_start(const Error& error) {
  switch (error.code) {
    case Code::data_loss:
      return exit_data_damaged;
    case Code::invalid_argument:
    case Code::permission_denied:
    case Code::failed_precondition:
    case Code::unsupported_version:
      return exit_config_refused;
    default:
      return error_info(error.code).exit_code;
  }
}

}  // namespace framebus::broker
