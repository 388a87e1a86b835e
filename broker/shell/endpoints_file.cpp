// See endpoints_file.h.
#include "broker/shell/endpoints_file.h"

#include "libmsg/base/json_text.h"
#include "libmsg/blob/posix_file.h"

namespace framebus::broker {

std::string endpoints_json(const StartFacts& facts) {
  return "{\"primary\": " + json_quote(facts.endpoints.primary) +
         ", \"worker\": " + json_quote(facts.endpoints.worker) +
         ", \"bulk\": " + json_quote(facts.endpoints.bulk) +
         ", \"data\": " + json_quote(facts.data) + ", \"epoch\": " + std::to_string(facts.epoch) +
         ", \"pid\": " + std::to_string(facts.pid) + "}";
}

std::string endpoints_text(const StartFacts& facts) {
  return "framebus-broker " FRAMEBUS_VERSION " is ready\n  clients  " + facts.endpoints.primary +
         "\n  workers  " + facts.endpoints.worker + "\n  bulk     " + facts.endpoints.bulk +
         "\n  data     " + facts.data;
}

Status write_endpoints_file(const std::filesystem::path& path, const StartFacts& facts) {
  return replace_file(path, bytes_of(endpoints_json(facts) + "\n"));
}

}  // namespace framebus::broker
