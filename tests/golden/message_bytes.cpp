#include "tests/golden/message_bytes.h"

#include "tests/libmsg/example_values.h"

namespace framebus::golden {

std::string message_bytes() {
  std::string out =
      "# One example of each message, every field set: name, then MessageType, Payload and "
      "Checksum in hex.\n"
      "# Printed by build/.../tests/golden_messages from the field tables. These bytes are what "
      "protocol " +
      std::to_string(protocol_major) +
      " is:\n# a difference here is a change of the wire and needs a decision, not an update of "
      "this file alone.\n";
  for (const Message& message : examples::all_examples()) {
    out += name_of(message);
    for (const Bytes& part : encode(message, true).parts) {
      out += ' ';
      out += to_hex(part.data(), part.size());
    }
    out += '\n';
  }
  return out;
}

}  // namespace framebus::golden
