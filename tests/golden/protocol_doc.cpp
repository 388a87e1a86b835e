// Prints docs/PROTOCOL.md. Usage: protocol_doc docs/protocol.in.md > docs/PROTOCOL.md
#include <cstdio>
#include <fstream>
#include <iterator>

#include "tests/golden/protocol_document.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: protocol_doc docs/protocol.in.md > docs/PROTOCOL.md\n", stderr);
    return 2;
  }
  std::ifstream stream(argv[1]);
  if (!stream) {
    std::fprintf(stderr, "protocol_doc: %s can not be read\n", argv[1]);
    return 2;
  }
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::fputs(framebus::golden::protocol_document(text).c_str(), stdout);
}
