#pragma once
#include <sqlite3.h>
// The destructor constants are casts that Swift cannot import.
static inline int csqlite_bind_text_copy(sqlite3_stmt *s, int i, const char *p, int n) { return sqlite3_bind_text(s, i, p, n, SQLITE_TRANSIENT); }
// Binds without a copy: the bytes must live until the statement is reset.
static inline int csqlite_bind_blob_static(sqlite3_stmt *s, int i, const void *p, int n) { return sqlite3_bind_blob(s, i, p, n, SQLITE_STATIC); }
