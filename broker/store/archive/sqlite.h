// SQLite with Results instead of return codes: a database, a statement, a transaction. The only
// place that knows sqlite3.h (sqlite.cpp).
//
// Errors say what the caller should do: resource_exhausted no room, unavailable locked, no memory or
// no descriptor (with a time to try again) or an I/O error (without one), data_loss damaged or no
// database, permission_denied.
// Thread rule: one thread each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace framebus::broker::sqlite {

// In the sentence of an error: what tells a lock from other things that pass.
inline constexpr std::string_view held_by_another = "(another process holds it)";

class Statement {
 public:
  // Binds the next parameter; start over with reset(). Texts and blobs must live until step().
  Statement& integer(std::int64_t value);
  Statement& id(std::uint64_t value) { return integer(static_cast<std::int64_t>(value)); }
  Statement& text(std::string_view value);
  Statement& blob(BytesView value);
  Statement& null();

  // True: there is a row, read it with the accessors below before the next step.
  Result<bool> step();
  // To the end, then ready to be bound again.
  Status run();
  void reset();

  std::int64_t integer_at(int column) const;
  std::uint64_t id_at(int column) const { return static_cast<std::uint64_t>(integer_at(column)); }
  std::string text_at(int column) const;
  BytesView blob_at(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}
  void note(int bind_result);

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
  int bind_error_ = 0;  // told by the next step
};

class Database {
 public:
  // The file is made with mode 0600 when it is missing. Waits at most `busy_ms` for other
  // processes. `vfs`: SQLite's name of what makes and reaches the file instead of the file system;
  // null in every program.
  static Result<Database> open(const std::filesystem::path& path, int busy_ms,
                               const char* vfs = nullptr);

  Result<Statement> prepare(std::string_view sql);
  // One or several statements without parameters; rows are dropped.
  Status execute(const char* sql);
  // The first column of the first row, 0 when there is none.
  Result<std::int64_t> number(std::string_view sql);
  std::int64_t rows_changed() const;
  // Nothing can be written by this connection.
  Status only_read() { return execute("PRAGMA query_only = ON"); }
  // True: what the write-ahead log holds stays there when this connection closes.
  void keep_log_when_closed(bool keeps);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

// Takes back what was done since it began, unless it was committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  ~Transaction();
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace framebus::broker::sqlite
