#include "client/commands/results.h"

#include <doctest/doctest.h>

using namespace framebus;
using namespace framebus::client;

TEST_CASE("results: JSON is saved as .json, everything else as .bin") {
  CHECK(result_file_name(17, bytes_of(R"({"a": 1})")) == "task-17.json");
  CHECK(result_file_name(0, bytes_of("[1, 2]")) == "task-0.json");
  CHECK(result_file_name(1, bytes_of("{broken")) == "task-1.bin");
  CHECK(result_file_name(2, bytes_of("\xFF\x00")) == "task-2.bin");
}

TEST_CASE("results: a blob's name never leads out of the folder") {
  CHECK(safe_relative("a/b.png") == "a/b.png");
  CHECK(safe_relative("../../etc/passwd") == "etc/passwd");
  CHECK(safe_relative("/etc/passwd") == "etc/passwd");
  CHECK(safe_relative("a/./../b") == "a/b");
  CHECK(safe_relative("..") == "result");
  CHECK(safe_relative("") == "result");
  CHECK(safe_relative("a\x1b[2Jb\n") == "ab ");
}
