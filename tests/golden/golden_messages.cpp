// Prints tests/golden/messages.txt.
#include <cstdio>

#include "tests/golden/message_bytes.h"

int main() {
  std::fputs(framebus::golden::message_bytes().c_str(), stdout);
}
