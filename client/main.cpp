// framebus: the command line. Everything is in client/commands.
#include "client/commands/cli.h"

int main(int argc, char** argv, char** environment) {
  return framebus::client::run_client(argc, argv, environment);
}
