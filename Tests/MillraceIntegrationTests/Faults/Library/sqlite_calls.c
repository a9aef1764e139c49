// SQLite's calls, and the memory that SQLite itself asks for.
#define _GNU_SOURCE
#include "faults.h"

#include <link.h>
#include <string.h>
#include <strings.h>

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
typedef int64_t sqlite3_int64;

// Weak: the test opens this library without SQLite, for the names.
const char *sqlite3_sql(sqlite3_stmt *statement) __attribute__((weak));

// SQLite calls its own functions by the same names; only what the program calls counts.
static __thread int depth;

static enum fault_target target_of(const char *sql) {
    if (!sql) return TARGET_other;
    while (*sql == ' ' || *sql == '\n') sql++;
    if (!strncasecmp(sql, "BEGIN", 5)) return TARGET_BEGIN;
    if (!strncasecmp(sql, "COMMIT", 6)) return TARGET_COMMIT;
    if (!strncasecmp(sql, "ROLLBACK", 8)) return TARGET_other;
    if (!strncasecmp(sql, "SELECT", 6) || !strncasecmp(sql, "WITH", 4)) return TARGET_SELECT;
    if (!strncasecmp(sql, "PRAGMA", 6)) return TARGET_PRAGMA;
    return TARGET_change;
}

#define SQLITE_CALL(name, call, target, parameters, ...)                                                                                     \
    int name parameters {                                                                                                                    \
        static int(*real) parameters;                                                                                                        \
        if (!real) real = (int(*) parameters)fault_real(#name);                                                                              \
        struct fault_verdict verdict = {0, 0};                                                                                               \
        if (!depth) verdict = fault_next(CALL_##call, (target));                                                                             \
        if (verdict.kind == FAULT_error) return verdict.value;                                                                               \
        depth++;                                                                                                                             \
        int result = real(__VA_ARGS__);                                                                                                      \
        depth--;                                                                                                                             \
        if (verdict.kind == FAULT_kill_after || verdict.kind == FAULT_kill_torn) fault_kill();                                               \
        return verdict.kind == FAULT_error_after ? verdict.value : result;                                                                   \
    }

SQLITE_CALL(sqlite3_step, sqlite3_step, target_of(sqlite3_sql(statement)), (sqlite3_stmt * statement), statement)
SQLITE_CALL(
    sqlite3_exec, sqlite3_exec, target_of(sql), (sqlite3 * database, const char *sql, int (*row)(void *, int, char **, char **), void *context, char **message),
    database, sql, row, context, message)
SQLITE_CALL(
    sqlite3_open_v2, sqlite3_open, TARGET_none, (const char *path, sqlite3 **database, int flags, const char *vfs), path, database, flags, vfs)
SQLITE_CALL(
    sqlite3_prepare_v2, sqlite3_prepare, target_of(sql), (sqlite3 * database, const char *sql, int length, sqlite3_stmt **statement, const char **tail),
    database, sql, length, statement, tail)
SQLITE_CALL(
    sqlite3_prepare_v3, sqlite3_prepare, target_of(sql),
    (sqlite3 * database, const char *sql, int length, unsigned flags, sqlite3_stmt **statement, const char **tail), database, sql, length, flags,
    statement, tail)
SQLITE_CALL(sqlite3_bind_null, sqlite3_bind, TARGET_none, (sqlite3_stmt * statement, int index), statement, index)
SQLITE_CALL(sqlite3_bind_int64, sqlite3_bind, TARGET_none, (sqlite3_stmt * statement, int index, sqlite3_int64 value), statement, index, value)
SQLITE_CALL(sqlite3_bind_double, sqlite3_bind, TARGET_none, (sqlite3_stmt * statement, int index, double value), statement, index, value)
SQLITE_CALL(
    sqlite3_bind_text, sqlite3_bind, TARGET_none, (sqlite3_stmt * statement, int index, const char *text, int length, void (*done)(void *)),
    statement, index, text, length, done)
SQLITE_CALL(
    sqlite3_bind_blob, sqlite3_bind, TARGET_none, (sqlite3_stmt * statement, int index, const void *bytes, int length, void (*done)(void *)),
    statement, index, bytes, length, done)

// MARK: Memory

void *__libc_malloc(size_t size);
void *__libc_realloc(void *old, size_t size);

static uintptr_t first_instruction, last_instruction;

static int look(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size, (void)context;
    if (!info->dlpi_name || !strstr(info->dlpi_name, "libsqlite3")) return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X)) continue;
        first_instruction = info->dlpi_addr + header->p_vaddr;
        last_instruction = first_instruction + header->p_memsz;
    }
    return 1;
}

__attribute__((constructor(102))) static void find_sqlite(void) {
    if (fault_control) dl_iterate_phdr(look, NULL);
}

static int fails(const void *caller) {
    uintptr_t address = (uintptr_t)caller;
    if (address < first_instruction || address >= last_instruction) return 0;
    return fault_next(CALL_malloc, TARGET_none).kind == FAULT_error;
}

void *malloc(size_t size) { return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size); }
void *realloc(void *old, size_t size) { return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size); }
