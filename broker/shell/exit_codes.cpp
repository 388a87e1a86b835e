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
    // What the system says of files and has no code of its own: an input/output error, that is. A
    // bug does not come as an error at the start, and nobody is asked over a network. (An archive
    // that another process has locked is worth another try.)
    case Code::internal:
      return exit_sync_failed;
    case Code::unavailable:
      return error.retry_after_ms > 0 ? error_info(error.code).exit_code : exit_sync_failed;
    default:
      return error_info(error.code).exit_code;
  }
}

}  // namespace framebus::broker
