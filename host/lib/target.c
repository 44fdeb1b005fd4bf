/* target: see target.h. */
#include "target.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "lib.h"

#define PREFIX "/public/v1"

enum { MAX_TARGET = 64 * 1024 };

static const char targets; /* registry key of a scratch buffer */

static void append(lua_State *L, enum buf_status status, const char *what)
{
    if (status != BUF_OK)
        luaL_error(L, "%s too large for one request", what);
}

/* Dots would climb out of the prefix, and an empty segment may be something else to a server than to the host's guards. */
static void check_segments(lua_State *L, int index, const char *path)
{
    for (const char *p = path; *p; p += strcspn(p, "/")) {
        size_t len = strcspn(++p, "/");
        luaL_argcheck(L, len > 0 || !*p, index, "the path has an empty segment ('//')");
        luaL_argcheck(L, !(len == 1 && p[0] == '.') && !(len == 2 && memcmp(p, "..", 2) == 0), index,
                      "the path has a segment '.' or '..'");
        if (!*p)
            break;
    }
}

/* "/accounts/modules", already percent-encoded; /public/v1 may stand before it. */
static void append_path(lua_State *L, struct buf *target, int index)
{
    size_t len;
    const char *path = luaL_checklstring(L, index, &len);
    luaL_argcheck(L, path[0] == '/', index, "a path begins with '/', such as /accounts/modules");
    for (size_t i = 0; i < len; i++) {
        if (path[i] == '?')
            luaL_argerror(L, index, "the query goes into { query = … }, not into the path");
        luaL_argcheck(L, path[i] > 0x20 && path[i] < 0x7f && !strchr("#\\\"<>^`{|}", path[i]), index,
                      "the path has a character that must be percent-encoded");
    }
    check_segments(L, index, path);
    if (strncmp(path, PREFIX "/", sizeof PREFIX) != 0)
        append(L, buf_puts(target, PREFIX), "path");
    append(L, buf_append(target, path, len), "path");
}

/* Percent-encoded where a URL's query cannot hold it; with `component`, also what separates one parameter from the next. */
static void append_encoded(lua_State *L, struct buf *target, const char *text, size_t len, bool component)
{
    const char *plain = component ? "-._~" : "-._~!$&'()*+,;=:@/?%|";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool as_it_is = c < 0x80 && (isalnum(c) || (c && strchr(plain, c)));
        append(L, as_it_is ? buf_putc(target, (char)c) : buf_printf(target, "%%%02X", c), "query");
    }
}

/* { limit = 10, select = "id" }: sorted by name, so that the same table is the same request. */
static void append_parameters(lua_State *L, struct buf *target, int table)
{
    lua_newtable(L);
    int names = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "query: expected names such as limit=, got a %s key", luaL_typename(L, -2));
        lua_pushvalue(L, -2);
        lua_rawseti(L, names, (lua_Integer)lua_rawlen(L, names) + 1);
    }
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "sort");
    lua_pushvalue(L, names);
    lua_call(L, 1, 0);
    for (lua_Integer i = 1; lua_rawgeti(L, names, i) != LUA_TNIL; i++) {
        size_t len;
        const char *name = lua_tolstring(L, -1, &len);
        append(L, buf_putc(target, i == 1 ? '?' : '&'), "query");
        append_encoded(L, target, name, len, true);
        lua_rawget(L, table);
        if (lua_type(L, -1) == LUA_TTABLE || lua_type(L, -1) == LUA_TFUNCTION || lua_isuserdata(L, -1))
            luaL_error(L, "query: expected a string, a number or a boolean, got a %s", luaL_typename(L, -1));
        const char *value = luaL_tolstring(L, -1, &len);
        append(L, buf_putc(target, '='), "query");
        append_encoded(L, target, value, len, true);
        lua_pop(L, 2);
    }
    lua_settop(L, names - 1);
}

const char *target_make(lua_State *L, int path, int query)
{
    struct buf *target = lib_scratch(L, &targets, MAX_TARGET);
    append_path(L, target, path);
    int type = lua_type(L, query);
    if (type == LUA_TSTRING) { /* RQL: the expression is the query string */
        size_t len;
        const char *text = lua_tolstring(L, query, &len);
        append(L, len > 0 ? buf_putc(target, '?') : BUF_OK, "query");
        append_encoded(L, target, text, len, false);
    } else if (type == LUA_TTABLE) {
        append_parameters(L, target, query);
    } else if (type != LUA_TNIL) {
        luaL_error(L, "query: expected a string, or a table of parameters, got a %s", lua_typename(L, type));
    }
    return buf_text(target);
}
