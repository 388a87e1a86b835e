// A program with one fault, so that `./run test --sanitize` can see that a report would be noticed:
// sanitizer_probe address | undefined | thread
#include <cstdio>
#include <cstring>
#include <limits>
#include <thread>

namespace {

// Beyond what the compiler can see, or it would refuse the faults.
volatile int one = 1;

int read_behind_the_end() {
  int* const numbers = new int[4]{};
  const int found = numbers[3 + one];
  delete[] numbers;
  return found;
}

int overflow() {
  int most = std::numeric_limits<int>::max();
  most += one;
  return most;
}

int race() {
  int shared = 0;
  std::thread other([&shared] { shared += one; });
  shared += one;
  other.join();
  return shared;
}

}  // namespace

int main(int argc, char** argv) {
  const char* const fault = argc > 1 ? argv[1] : "";
  int found = 0;
  if (std::strcmp(fault, "address") == 0) found = read_behind_the_end();
  if (std::strcmp(fault, "undefined") == 0) found = overflow();
  if (std::strcmp(fault, "thread") == 0) found = race();
  std::printf("%d\n", found);
  return 0;
}
