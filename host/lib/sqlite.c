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
#include "sqlite_lock.h"

#define DATABASE  "moonkey.sqlite.database"
#define STATEMENT "moonkey.sqlite.statement"

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

/* Pushes nil, message, kind for the last error of `db`. [-0, +3, m] */
static int failure(lua_State *L, sqlite3 *db)
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

static struct database *check_database(lua_State *L)
{
    struct database *db = luaL_checkudata(L, 1, DATABASE);
    luaL_argcheck(L, db->handle, 1, "the database is closed");
    return db;
}

static struct statement *check_statement(lua_State *L)
{
    struct statement *st = luaL_checkudata(L, 1, STATEMENT);
    luaL_argcheck(L, st->handle, 1, "the database of this statement is closed");
    if (st->iterating)
        luaL_error(L, "a rows() loop over this statement is still running; prepare a second statement to nest them");
    return st;
}

static void finalize(struct statement *st)
{
    if (!st->handle)
        return;
    sqlite3_finalize(st->handle);
    st->handle = NULL;
    st->iterating = false;
    if (st->prev)
        st->prev->next = st->next;
    else
        st->db->statements = st->next;
    if (st->next)
        st->next->prev = st->prev;
}

/*
 * Bind the arguments from `first` on; parameters without an argument are NULL. With `copy` false the strings stay Lua's: the
 * call must finish with the statement before it returns.
 */
static void bind(lua_State *L, struct statement *st, int first, bool copy)
{
    int given = lua_gettop(L) - first + 1;
    int count = sqlite3_bind_parameter_count(st->handle);
    int code = SQLITE_OK;

    sqlite3_reset(st->handle); /* an error of Lua may have jumped over the one at the end */
    if (given > count)
        luaL_error(L, "the statement takes %d values, got %d", count, given);
    for (int i = 1; i <= count && code == SQLITE_OK; i++) {
        int index = first + i - 1;
        size_t len;
        const char *text;

        switch (i > given ? LUA_TNIL : lua_type(L, index)) {
        case LUA_TNIL:
            code = sqlite3_bind_null(st->handle, i);
            break;
        case LUA_TBOOLEAN:
            code = sqlite3_bind_int(st->handle, i, lua_toboolean(L, index));
            break;
        case LUA_TNUMBER:
            if (lua_isinteger(L, index))
                code = sqlite3_bind_int64(st->handle, i, lua_tointeger(L, index));
            else
                code = sqlite3_bind_double(st->handle, i, lua_tonumber(L, index));
            break;
        case LUA_TSTRING:
            text = lua_tolstring(L, index, &len);
            code = sqlite3_bind_text64(st->handle, i, text, len, copy ? SQLITE_TRANSIENT : SQLITE_STATIC, SQLITE_UTF8);
            break;
        case LUA_TLIGHTUSERDATA:
            luaL_argcheck(L, !lua_touserdata(L, index), index, "cannot be stored");
            code = sqlite3_bind_null(st->handle, i);
            break;
        default:
            luaL_argerror(L, index, lua_pushfstring(L, "a %s cannot be stored", luaL_typename(L, index)));
        }
    }
    if (code != SQLITE_OK)
        luaL_error(L, "cannot bind: %s", sqlite3_errmsg(st->db->handle));
}

/* [-0, +columns, m] */
static int push_columns(lua_State *L, sqlite3_stmt *handle)
{
    int count = sqlite3_column_count(handle);

    luaL_checkstack(L, count, "too many columns");
    for (int i = 0; i < count; i++) {
        switch (sqlite3_column_type(handle, i)) {
        case SQLITE_INTEGER:
            lua_pushinteger(L, sqlite3_column_int64(handle, i));
            break;
        case SQLITE_FLOAT:
            lua_pushnumber(L, sqlite3_column_double(handle, i));
            break;
        case SQLITE_TEXT:
        case SQLITE_BLOB: {
            const void *bytes = sqlite3_column_blob(handle, i);
            lua_pushlstring(L, bytes ? bytes : "", (size_t)sqlite3_column_bytes(handle, i));
            break;
        }
        default:
            lua_pushnil(L);
        }
    }
    return count;
}

/* stmt:run(...) -> number of rows changed | nil, message, kind. Rows that the statement returns are passed over. */
static int statement_run(lua_State *L)
{
    struct statement *st = check_statement(L);
    sqlite3 *db = st->db->handle;
    int before = sqlite3_total_changes(db);
    int code, results;

    bind(L, st, 2, false);
    do
        code = sqlite3_step(st->handle);
    while (code == SQLITE_ROW);
    if (code == SQLITE_DONE) {
        lua_pushinteger(L, sqlite3_total_changes(db) == before ? 0 : sqlite3_changes(db));
        results = 1;
    } else {
        results = failure(L, db);
    }
    sqlite3_reset(st->handle);
    return results;
}

/* stmt:row(...) -> the columns of the first row | nothing when there is none | nil, message, kind */
static int statement_row(lua_State *L)
{
    struct statement *st = check_statement(L);
    int code, results = 0;

    bind(L, st, 2, false);
    code = sqlite3_step(st->handle);
    if (code == SQLITE_ROW)
        results = push_columns(L, st->handle);
    else if (code != SQLITE_DONE)
        results = failure(L, st->db->handle);
    sqlite3_reset(st->handle);
    return results;
}

static int statement_next(lua_State *L)
{
    struct statement *st = luaL_checkudata(L, 1, STATEMENT);
    int code;

    luaL_argcheck(L, st->handle, 1, "the database of this statement is closed");
    if (!st->iterating)
        return 0;
    code = sqlite3_step(st->handle);
    if (code == SQLITE_ROW) {
        if (sqlite3_column_type(st->handle, 0) == SQLITE_NULL)
            return luaL_error(L, "rows(): the first column is NULL, which would end the loop; select one that never is");
        return push_columns(L, st->handle);
    }
    st->iterating = false;
    if (code != SQLITE_DONE) {
        failure(L, st->db->handle);
        sqlite3_reset(st->handle);
        return luaL_error(L, "cannot read the next row: %s", lua_tostring(L, -2));
    }
    sqlite3_reset(st->handle);
    return 0;
}

/* for a, b in stmt:rows(...) do: the columns of each row. An error raises. Leaving the loop early resets the statement. */
static int statement_rows(lua_State *L)
{
    struct statement *st = check_statement(L);

    bind(L, st, 2, true);
    st->iterating = true;
    lua_pushcfunction(L, statement_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    lua_pushvalue(L, 1);
    return 4;
}

/* __close: the end of a rows() loop, however it came. */
static int statement_close(lua_State *L)
{
    struct statement *st = luaL_checkudata(L, 1, STATEMENT);

    if (st->handle)
        sqlite3_reset(st->handle);
    st->iterating = false;
    return 0;
}

static int statement_gc(lua_State *L)
{
    finalize(luaL_checkudata(L, 1, STATEMENT));
    return 0;
}

/* db:prepare(sql) -> stmt | nil, message, kind */
static int database_prepare(lua_State *L)
{
    struct database *db = check_database(L);
    size_t len;
    const char *sql = luaL_checklstring(L, 2, &len);
    const char *tail = NULL;
    struct statement *st;

    luaL_argcheck(L, len < 1000000, 2, "the statement is too long");
    st = lua_newuserdatauv(L, sizeof *st, 1);
    *st = (struct statement){.db = db};
    luaL_setmetatable(L, STATEMENT);
    lua_pushvalue(L, 1); /* a statement keeps its database */
    lua_setiuservalue(L, -2, 1);
    if (sqlite3_prepare_v3(db->handle, sql, (int)len + 1, SQLITE_PREPARE_PERSISTENT, &st->handle, &tail) != SQLITE_OK)
        return failure(L, db->handle);
    luaL_argcheck(L, st->handle, 2, "no statement");
    st->next = db->statements;
    if (st->next)
        st->next->prev = st;
    db->statements = st;
    luaL_argcheck(L, tail[strspn(tail, " \t\r\n;")] == '\0', 2, "one statement only; use db:exec for several");
    return 1;
}

/* db:exec(sql) -> true | nil, message, kind. Several statements; rows are passed over. */
static int database_exec(lua_State *L)
{
    struct database *db = check_database(L);
    const char *sql = luaL_checkstring(L, 2);

    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return failure(L, db->handle);
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
        finalize(db->statements);
    if (db->handle && sqlite3_close(db->handle) != SQLITE_OK)
        return failure(L, db->handle);
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
        int results = failure(L, db->handle);
        sqlite3_close(db->handle);
        db->handle = NULL;
        sqlite_lock_release(&db->lock); /* who tries again is told the same */
        return results;
    }
    return 1;
}

static const luaL_Reg statement_methods[] = {
    {"row", statement_row},       {"rows", statement_rows}, {"run", statement_run},
    {"__close", statement_close}, {"__gc", statement_gc},   {NULL, NULL},
};

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

static void new_class(lua_State *L, const char *name, const luaL_Reg *methods)
{
    luaL_newmetatable(L, name);
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

int luaopen_moonkey_sqlite(lua_State *L)
{
    new_class(L, DATABASE, database_methods);
    new_class(L, STATEMENT, statement_methods);
    luaL_newlib(L, lib);
    return 1;
}
