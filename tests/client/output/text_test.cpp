#include "client/output/text.h"

#include <doctest/doctest.h>

using namespace framebus::client;

TEST_CASE("text: escape sequences of others never reach the terminal") {
  CHECK(one_line("a\x1b[31mred\x1b[0mb") == "aredb");
  CHECK(one_line("title\x1b]0;owned\x07 end") == "title end");
  CHECK(one_line("title\x1b]0;owned\x1b\\ end") == "title end");
  CHECK(one_line("clear\x1b[2J\x1b[Hhome") == "clearhome");
  CHECK(one_line("\x1b") == "");
  CHECK(one_line("\x1b[") == "");
  CHECK(one_line("unfinished \x1b]0;title") == "unfinished 0;title");
  CHECK(one_line("back\bspace\rreturn\x7f") == "backspacereturn");
  CHECK(one_line("C1 \xC2\x9B"
                 "31m") == "C1 31m");
}

TEST_CASE("text: bidirectional overrides and hidden characters go, letters stay") {
  CHECK(one_line("a\u202Eb\u2066c\u200Bd\uFEFFe") == "abcde");
  CHECK(one_line("Schrödinger 雪 🎬") == "Schrödinger 雪 🎬");
}

TEST_CASE("text: bytes that are not UTF-8 become replacement characters") {
  CHECK(one_line("a\xFF\xC0\x80z") == "a\uFFFD\uFFFD\uFFFDz");
  CHECK(one_line("\xED\xA0\x80").find("\uFFFD") == 0);
  CHECK(one_line("cut \xE2\x82") == "cut \uFFFD\uFFFD");
  CHECK(is_utf8("grün"));
  CHECK_FALSE(is_utf8("\xFFx"));
  CHECK_FALSE(is_utf8("\xF8\x88\x80\x80\x80"));
}

TEST_CASE("text: one line is one line, many lines keep theirs") {
  CHECK(one_line("a\nb\tc") == "a b c");
  CHECK(many_lines("a\r\nb\n\x1b[1mc") == "a\nb\nc");
}

TEST_CASE("text: width counts columns, not bytes") {
  CHECK(column_count("abc") == 3);
  CHECK(column_count("grün") == 4);
  CHECK(column_count("雪国") == 4);
  CHECK(column_count("e\u0301") == 1);
  CHECK(column_count("🎬") == 2);
  CHECK(column_count("███▌") == 4);
}

TEST_CASE("text: clipping never exceeds the width and marks what it cut") {
  CHECK(clipped("helmet", 6) == "helmet");
  CHECK(clipped("helmet", 5) == "helm…");
  CHECK(clipped("雪国雪国", 6) == "雪国…");
  CHECK(clipped("helmet", 1) == "…");
  CHECK(clipped("helmet", 0) == "");
  CHECK(left("ab", 4) == "ab  ");
  CHECK(right("ü", 3) == "  ü");
}
