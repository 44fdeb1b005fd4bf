/* sqlite_failure: see sqlite_failure.h. */
#include "sqlite_failure.h"

#include <string.h>

static const char *kind_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "busy";
    case SQLITE_FULL:
        return "full";
    case SQLITE_CONSTRAINT:
        return "constraint";
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return "notadb";
    case SQLITE_CANTOPEN:
        return "cantopen";
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return "readonly";
    case SQLITE_IOERR:
        return "io";
    default:
        return "error";
    }
}

int sqlite_failure(lua_State *L, sqlite3 *db)
{
    int code = sqlite3_extended_errcode(db);
    int cause = sqlite3_system_errno(db);
    const char *kind = kind_of(code);

    lua_pushnil(L);
    if ((code & 0xff) == SQLITE_BUSY)
        lua_pushliteral(L, "the database is in use by another process");
    else if (strcmp(kind, "cantopen") == 0 && cause)
        lua_pushfstring(L, "%s: %s", sqlite3_errmsg(db), strerror(cause));
    else if (strcmp(kind, "io") == 0)
        lua_pushfstring(L, "%s (code %d%s%s)", sqlite3_errmsg(db), code, cause ? ": " : "", cause ? strerror(cause) : "");
    else
        lua_pushstring(L, sqlite3_errmsg(db));
    lua_pushstring(L, kind);
    return 3;
}
