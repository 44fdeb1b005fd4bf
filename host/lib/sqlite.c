/*
 * sqlite: a thin binding of SQLite with prepared statements.
 *
 * Failures return nil, message, kind, where kind is "busy", "full", "constraint", "notadb", "cantopen", "readonly", "io" or
 * "error". A database owns its statements: closing it finalises them, and a statement that outlives it raises when it is used.
 * nil and json.null bind NULL; a NULL column is nil.
 */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "../jail.h"
#include "../lockholder.h"
#include "lib.h"
#include "sqlite_failure.h"
#include "sqlite_lock.h"
#include "sqlite_statement.h"

#define DATABASE "moonkey.sqlite.database"

static struct database *check_database(lua_State *L)
{
    struct database *db = luaL_checkudata(L, 1, DATABASE);
    luaL_argcheck(L, db->handle, 1, "the database is closed");
    return db;
}

static int database_prepare(lua_State *L)
{
    return sqlite_prepare(L, check_database(L));
}

/* db:exec(sql) -> true | nil, message, kind. Several statements; rows are passed over. */
static int database_exec(lua_State *L)
{
    struct database *db = check_database(L);
    const char *sql = luaL_checkstring(L, 2);

    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_failure(L, db->handle);
    lua_pushboolean(L, true);
    return 1;
}

static int database_changes(lua_State *L)
{
    lua_pushinteger(L, sqlite3_changes(check_database(L)->handle));
    return 1;
}

static int database_last_rowid(lua_State *L)
{
    lua_pushinteger(L, sqlite3_last_insert_rowid(check_database(L)->handle));
    return 1;
}

/* db:close() -> true | nil, message. An open transaction is rolled back. Closing twice does nothing. Also __gc and __close. */
static int database_close(lua_State *L)
{
    struct database *db = luaL_checkudata(L, 1, DATABASE);

    while (db->statements)
        sqlite_finalize(db->statements);
    if (db->handle && sqlite3_close(db->handle) != SQLITE_OK)
        return sqlite_failure(L, db->handle);
    db->handle = NULL;
    sqlite_lock_release(&db->lock);
    lua_pushboolean(L, true);
    return 1;
}

/* Pushes nil, message, kind. [-0, +3, m] */
static int lock_failure(lua_State *L, int why)
{
    bool is_held = why == EWOULDBLOCK;
    lua_pushnil(L);
    lua_pushstring(L, is_held ? "it is in use" : strerror(why));
    lua_pushstring(L, is_held ? "busy" : why == EROFS || why == EACCES ? "readonly" : "cantopen");
    return 3;
}

/*
 * sqlite.open(path [, { readonly =, lock = }]) -> db | nil, message, kind. A new file is created with mode 0600; ":memory:" has
 * no file. With `lock` nobody else can open it so; reading it is still possible.
 */
static int sqlite_open(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    bool readonly = false, lock = false;
    struct database *db;
    mode_t mask;
    int code;

    luaL_argcheck(L, *path, 1, "the path is empty");
    if (!lua_isnoneornil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        lua_getfield(L, 2, "readonly");
        readonly = lua_toboolean(L, -1);
        lua_getfield(L, 2, "lock");
        lock = lua_toboolean(L, -1);
    }
    db = lua_newuserdatauv(L, sizeof *db, 0);
    *db = (struct database){.lock = {.fd = -1}};
    luaL_setmetatable(L, DATABASE);
    if (lock && (code = sqlite_lock_take(&db->lock, path)) != 0) {
        sqlite_lock_release(&db->lock);
        return lock_failure(L, code);
    }
    mask = umask(S_IRWXG | S_IRWXO); /* the write-ahead log gets the mode of the database */
    code = sqlite3_open_v2(path, &db->handle,
                           (readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX,
                           NULL);
    umask(mask);
    if (!db->handle)
        return luaL_error(L, "not enough memory");
    sqlite3_extended_result_codes(db->handle, true);
    if (lock || readonly) /* the other side is done in a moment */
        sqlite3_busy_timeout(db->handle, 5000);
    if (code == SQLITE_OK && jail_is_entered()) /* the directories for temporary files are out of reach */
        code = sqlite3_exec(db->handle, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
    if (code == SQLITE_OK) /* reads the header: tells now, not later, what is not a database or is locked */
        code = sqlite3_exec(db->handle, "PRAGMA schema_version", NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        int results = sqlite_failure(L, db->handle);
        sqlite3_close(db->handle);
        db->handle = NULL;
        sqlite_lock_release(&db->lock); /* who tries again is told the same */
        return results;
    }
    return 1;
}

static const luaL_Reg database_methods[] = {
    {"changes", database_changes}, {"close", database_close},   {"exec", database_exec},  {"last_rowid", database_last_rowid},
    {"prepare", database_prepare}, {"__close", database_close}, {"__gc", database_close}, {NULL, NULL},
};

/* sqlite.is_locked(path): does somebody hold the file, by open with `lock`? Not while it is open in this process without. */
static int sqlite_is_locked(lua_State *L)
{
    lua_pushboolean(L, sqlite_lock_is_held(luaL_checkstring(L, 1)));
    return 1;
}

/* sqlite.holder(path) -> the id of another process that has locked the file, as far as the system tells, or nil */
static int sqlite_holder(lua_State *L)
{
    pid_t holder = lock_holder(luaL_checkstring(L, 1));

    if (holder)
        lua_pushinteger(L, holder);
    else
        lua_pushnil(L);
    return 1;
}

/* sqlite.remove(path): the database, and what is beside it, unless somebody holds it. true | nil, message, kind. */
static int sqlite_remove(lua_State *L)
{
    int why = sqlite_lock_remove(luaL_checkstring(L, 1));
    if (why)
        return lock_failure(L, why);
    lua_pushboolean(L, true);
    return 1;
}

static const luaL_Reg lib[] = {
    {"holder", sqlite_holder}, {"is_locked", sqlite_is_locked}, {"open", sqlite_open}, {"remove", sqlite_remove}, {NULL, NULL},
};

int luaopen_moonkey_sqlite(lua_State *L)
{
    sqlite_statement_open(L);
    luaL_newmetatable(L, DATABASE);
    luaL_setfuncs(L, database_methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, lib);
    return 1;
}
