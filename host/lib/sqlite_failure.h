/* sqlite_failure: what the functions of moonkey.sqlite return of an error of SQLite. */
#ifndef MOONKEY_LIB_SQLITE_FAILURE_H
#define MOONKEY_LIB_SQLITE_FAILURE_H

#include <lua.h>
#include <sqlite3.h>

/* Pushes nil, message, kind for the last error of `db`, and returns 3. [-0, +3, m] */
int sqlite_failure(lua_State *L, sqlite3 *db);

#endif
