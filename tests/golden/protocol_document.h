// docs/PROTOCOL.md: the prose of docs/protocol.in.md with tables printed from the code in place of
// its
// @MARKERS@ (a marker stands alone on its line). Pure functions.
#pragma once

#include <string>

namespace framebus::golden {

// An unknown marker is left as it is, so that the test sees it.
std::string protocol_document(const std::string& prose);

// The markers' tables, Markdown.
std::string messages_table();  // every message with its fields
std::string structs_table();   // the structs they are made of
std::string enums_table();
std::string errors_table();
std::string limits_table();
std::string refusals_table();  // what the broker refuses, and how
std::string task_rows_table();
std::string worked_example();

}  // namespace framebus::golden
