// See sqlite.h.
#include "broker/store/archive/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace framebus::broker::sqlite {
namespace {

constexpr std::int64_t retry_after_ms = 5'000;

Error error_of(int result, const std::string& said) {
  const std::string text = "archive: " + said;
  switch (result & 0xff) {
    case SQLITE_FULL:
      return {Code::resource_exhausted, text + " (no room on its disk)", retry_after_ms};
    case SQLITE_NOMEM:  // space on the disk would not help
      return {Code::unavailable, text, retry_after_ms};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Code::unavailable, text + " " + std::string(held_by_another), retry_after_ms};
    case SQLITE_IOERR:
      return {Code::unavailable, text, 0};  // no time to try again: a disk does not get well
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Code::data_loss, text, 0};
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return {Code::permission_denied, text, 0};
    default:
      return {Code::internal, text, 0};
  }
}

// SQLite says of whatever its files meet that it was an I/O error, or that they can not be opened;
// the system says which.
int telling_result(sqlite3* database) {
  const int result = sqlite3_extended_errcode(database);
  const int family = result & 0xff;
  if (family != SQLITE_IOERR && family != SQLITE_CANTOPEN) return result;
  switch (sqlite3_system_errno(database)) {
    case ENOSPC:
    case EDQUOT:
      return SQLITE_FULL;
    case EIO:
      return SQLITE_IOERR;
    default:
      return result;
  }
}

bool is_no_descriptor(int why) {
  return why == EMFILE || why == ENFILE;
}

Error no_descriptor(const std::string& said) {
  return {Code::unavailable, said + " (too many files are open)", retry_after_ms};
}

Error last_error(sqlite3* database) {
  const int family = sqlite3_errcode(database) & 0xff;
  if (family == SQLITE_CANTOPEN && is_no_descriptor(sqlite3_system_errno(database)))
    return no_descriptor(std::string("archive: ") + sqlite3_errmsg(database));
  return error_of(telling_result(database), sqlite3_errmsg(database));
}

// sqlite3_open would make it readable for all.
Status make_private_file(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) {
    const int why = errno;
    if (is_no_descriptor(why)) return fail(no_descriptor("open archive " + path.string()));
    const Code code = why == ENOSPC || why == EDQUOT ? Code::resource_exhausted
                      : why == ENOENT                ? Code::not_found
                                                     : Code::permission_denied;
    return fail(code, "open archive " + path.string() + ": " + std::strerror(why));
  }
  ::close(file);
  return {};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Statement::note(int bind_result) {
  if (bind_result != SQLITE_OK) bind_error_ = bind_result;
}

Statement& Statement::integer(std::int64_t value) {
  note(sqlite3_bind_int64(statement_.get(), ++bound_, value));
  return *this;
}

Statement& Statement::text(std::string_view value) {
  note(sqlite3_bind_text64(statement_.get(), ++bound_, value.data() ? value.data() : "",
                           value.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::blob(BytesView value) {
  // A null pointer would bind NULL instead of a blob without bytes.
  static constexpr std::uint8_t nothing = 0;
  note(sqlite3_bind_blob64(statement_.get(), ++bound_, value.empty() ? &nothing : value.data(),
                           value.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::null() {
  note(sqlite3_bind_null(statement_.get(), ++bound_));
  return *this;
}

Result<bool> Statement::step() {
  if (bind_error_ != 0) return fail(error_of(bind_error_, sqlite3_errstr(bind_error_)));
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return fail(last_error(database_));
}

Status Statement::run() {
  for (;;) {
    auto row = step();
    if (row && *row) continue;
    reset();
    if (!row) return fail(std::move(row).error());
    return {};
  }
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  bound_ = 0;
  bind_error_ = 0;
}

std::int64_t Statement::integer_at(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text_at(int column) const {
  const unsigned char* const text = sqlite3_column_text(statement_.get(), column);
  const int bytes = sqlite3_column_bytes(statement_.get(), column);
  return text ? std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(bytes))
              : std::string();
}

BytesView Statement::blob_at(int column) const {
  const auto* const bytes =
      static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  return {bytes,
          bytes ? static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)) : 0};
}

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Result<Database> Database::open(const std::filesystem::path& path, int busy_ms, const char* vfs) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (vfs == nullptr) {
    FRAMEBUS_TRY(make_private_file(path));
  } else {
    flags |= SQLITE_OPEN_CREATE;
  }
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &opened, flags, vfs);
  if (opened == nullptr) return fail(error_of(result, sqlite3_errstr(result)));
  Database database(opened);
  if (result != SQLITE_OK) return fail(last_error(opened).context(path.string()));
  sqlite3_busy_timeout(opened, busy_ms);
  // The file may have been written by anyone: its views must not reach further than SQL does.
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                        &statement, nullptr);
  if (result != SQLITE_OK) return fail(last_error(database_.get()));
  return Statement(database_.get(), statement);
}

Status Database::execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return fail(last_error(database_.get()));
}

Result<std::int64_t> Database::number(std::string_view sql) {
  FRAMEBUS_ASSIGN(Statement statement, prepare(sql));
  FRAMEBUS_ASSIGN(const bool is_there, statement.step());
  return is_there ? statement.integer_at(0) : 0;
}

std::int64_t Database::rows_changed() const {
  return sqlite3_changes64(database_.get());
}

void Database::keep_log_when_closed(bool keeps) {
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps ? 1 : 0, nullptr);
}

Result<Transaction> Transaction::begin(Database& database) {
  FRAMEBUS_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  // Fails when SQLite has rolled back by itself: then there is nothing to take back.
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Status Transaction::commit() {
  FRAMEBUS_TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace framebus::broker::sqlite
