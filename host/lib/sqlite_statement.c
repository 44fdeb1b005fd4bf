/* sqlite_statement: see sqlite_statement.h. */
#include "sqlite_statement.h"

#include <lauxlib.h>
#include <string.h>

#include "sqlite_failure.h"

#define STATEMENT "moonkey.sqlite.statement"

static struct statement *check_statement(lua_State *L)
{
    struct statement *st = luaL_checkudata(L, 1, STATEMENT);
    luaL_argcheck(L, st->handle, 1, "the database of this statement is closed");
    if (st->iterating)
        luaL_error(L, "a rows() loop over this statement is still running; prepare a second statement to nest them");
    return st;
}

void sqlite_finalize(struct statement *st)
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
        results = sqlite_failure(L, db);
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
        results = sqlite_failure(L, st->db->handle);
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
        sqlite_failure(L, st->db->handle);
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
    sqlite_finalize(luaL_checkudata(L, 1, STATEMENT));
    return 0;
}

int sqlite_prepare(lua_State *L, struct database *db)
{
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
        return sqlite_failure(L, db->handle);
    luaL_argcheck(L, st->handle, 2, "no statement");
    st->next = db->statements;
    if (st->next)
        st->next->prev = st;
    db->statements = st;
    luaL_argcheck(L, tail[strspn(tail, " \t\r\n;")] == '\0', 2, "one statement only; use db:exec for several");
    return 1;
}

static const luaL_Reg statement_methods[] = {
    {"row", statement_row},       {"rows", statement_rows}, {"run", statement_run},
    {"__close", statement_close}, {"__gc", statement_gc},   {NULL, NULL},
};

void sqlite_statement_open(lua_State *L)
{
    luaL_newmetatable(L, STATEMENT);
    luaL_setfuncs(L, statement_methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
