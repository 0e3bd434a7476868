#include <sqlite3.h>

// Swift cannot call C functions with variable arguments. A connection that closes must not checkpoint on its own:
// SQLite before 3.51.3 can lose a commit when two connections checkpoint at once (sqlite.org/wal.html#walresetbug),
// so Rung checkpoints only under its own lock.
static inline int rung_sqlite_no_checkpoint_on_close(sqlite3 *db) {
  return sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}

// SQLITE_TRANSIENT is a cast that Swift does not import: the bytes are copied before the call returns.
static inline int rung_sqlite_bind_text(sqlite3_stmt *s, int i, const char *p, int n) {
  return sqlite3_bind_text(s, i, p, n, SQLITE_TRANSIENT);
}
static inline int rung_sqlite_bind_blob(sqlite3_stmt *s, int i, const void *p, int n) {
  return sqlite3_bind_blob(s, i, p, n, SQLITE_TRANSIENT);
}
