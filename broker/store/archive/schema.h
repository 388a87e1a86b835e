// The tables and views of the archive, as SQL. People query the views (docs/OPERATING.md); the
// tables behind them are the program's own.
//
// A change raises archive_schema_version (archive.h); a file of another version is refused.
#pragma once

namespace framebus::broker {

// One string; run once, in one transaction, in a new file.
const char* archive_schema();

}  // namespace framebus::broker
