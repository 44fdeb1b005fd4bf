/* sqlite_statement: the prepared statements of a database of moonkey.sqlite. */
#ifndef MOONKEY_LIB_SQLITE_STATEMENT_H
#define MOONKEY_LIB_SQLITE_STATEMENT_H

#include <lua.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "sqlite_lock.h"

struct database {
    sqlite3 *handle; /* NULL once closed */
    struct sqlite_lock lock;
    struct statement *statements;
};

struct statement {
    sqlite3_stmt *handle; /* NULL once finalised, by close or __gc of either side */
    struct database *db;
    struct statement *prev, *next; /* the statements of the database */
    bool iterating;                /* rows() is under way */
};

/* Before the first statement. [-0, +0, m] */
void sqlite_statement_open(lua_State *L);

/* db:prepare(sql) -> stmt | nil, message, kind: the database is at 1, the text at 2. [-0, +*, e] */
int sqlite_prepare(lua_State *L, struct database *db);
/* The statement raises from now on when it is used. A second time does nothing. */
void sqlite_finalize(struct statement *st);

#endif
