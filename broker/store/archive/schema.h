// The tables and views of the archive, as SQL. People query the views (docs/OPERATING.md); the
// tables behind them are the program's own.
//
// A change raises archive_schema_version (archive.h) and adds a string, which a file of the version
// before gets when it is opened; any other version is refused.
#pragma once

namespace framebus::broker {

// One string each; run once, in one transaction, in a new file.
const char* archive_schema();          // as it was in version 1
const char* archive_schema_since_1();  // what version 2 adds

}  // namespace framebus::broker
