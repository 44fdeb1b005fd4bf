/*
 * moonkey.json: text to Lua values and back.
 *
 * Parsing is lua-cjson's, behind json_scan() and followed by restore(), which marks arrays and makes integers integers. Writing
 * is json_encode.c's.
 */
#include "json.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cjson_guard.h"
#include "lib.h"

#include <lua-cjson.h> /* wants lua.h before it */

static const char ARRAY[] = "json.array";
static const char decoder; /* registry key: cjson's decode */
static const char encoded; /* registry key: the text being written */
static const char scanned; /* registry key: what json_scan() rewrote */

void json_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, NULL);
}

void json_push_array_metatable(lua_State *L)
{
    luaL_newmetatable(L, ARRAY);
}

bool json_is_null(lua_State *L, int index)
{
    return lua_type(L, index) == LUA_TLIGHTUSERDATA && !lua_touserdata(L, index);
}

bool json_is_array(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index))
        return false;
    luaL_getmetatable(L, ARRAY);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

/* ---- decoding ---- */

/* A string that json_scan() marked: put what it stood for in its place. */
static void restore_marked(lua_State *L, const char *text, size_t len)
{
    if (text[1] == 'i')
        lua_pushinteger(L, (lua_Integer)strtoll(text + 2, NULL, 10));
    else
        lua_pushlstring(L, text + 2, len - 2);
    lua_replace(L, -2);
}

static const char *restore(lua_State *L, bool drop_nulls);

/* The value on top, a child: replaced where that is needed. `changed` tells. Returns an error message or NULL. */
static const char *restore_child(lua_State *L, bool drop_nulls, bool *changed)
{
    *changed = true;
    size_t len;
    const char *text;
    lua_Number n;
    switch (lua_type(L, -1)) {
    case LUA_TTABLE:
        *changed = false;
        return restore(L, drop_nulls);
    case LUA_TNUMBER:
        n = lua_tonumber(L, -1);
        if (isinf(n))
            return "a number is too large";
        *changed = n == floor(n) && fabs(n) < 9007199254740992.0;
        if (*changed) {
            lua_pop(L, 1);
            lua_pushinteger(L, (lua_Integer)n);
        }
        return NULL;
    case LUA_TSTRING:
        text = lua_tolstring(L, -1, &len);
        *changed = len >= 2 && text[0] == '\0';
        if (*changed)
            restore_marked(L, text, len);
        return NULL;
    default:
        *changed = false;
        return NULL;
    }
}

static const char *restore_array(lua_State *L, bool drop_nulls)
{
    lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
    size_t len;
    lua_rawgeti(L, -1, 1);
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
    bool empty = count == 1 && text && len == 3 && memcmp(text, "\0[]", 3) == 0;
    lua_pop(L, 1);
    if (empty) {
        lua_pushnil(L);
        lua_rawseti(L, -2, 1);
        count = 0;
    }
    for (lua_Integer i = 1; i <= count; i++) {
        bool changed;
        lua_rawgeti(L, -1, i);
        const char *why = restore_child(L, drop_nulls, &changed);
        if (why)
            return why;
        if (changed)
            lua_rawseti(L, -2, i);
        else
            lua_pop(L, 1);
    }
    luaL_setmetatable(L, ARRAY);
    return NULL;
}

static const char *restore_object(lua_State *L, bool drop_nulls)
{
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        bool changed = drop_nulls && json_is_null(L, -1);
        const char *why = NULL;
        if (changed) {
            lua_pop(L, 1);
            lua_pushnil(L);
        } else {
            why = restore_child(L, drop_nulls, &changed);
        }
        if (why)
            return why;
        if (changed) {
            lua_pushvalue(L, -2); /* assigning to an existing field is allowed while traversing */
            lua_insert(L, -2);
            lua_rawset(L, -4);
        } else {
            lua_pop(L, 1);
        }
    }
    return NULL;
}

/* The table on top. cjson's objects have only string keys, so a table with a first item is an array. */
static const char *restore(lua_State *L, bool drop_nulls)
{
    if (!lua_checkstack(L, 8))
        return "out of memory";
    return lua_rawlen(L, -1) > 0 ? restore_array(L, drop_nulls) : restore_object(L, drop_nulls);
}

/* LUA_OK and the value, or another status and a message. */
static int run_decoder(lua_State *L, const char *text, size_t len)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &decoder);
    lua_pushlstring(L, text, len);
    return cjson_pcall(L, 1, 1);
}

static bool decode(lua_State *L, const char *text, size_t len, bool drop_nulls)
{
    char why[128];
    int top = lua_gettop(L);
    if (len > JSON_MAX_SIZE) {
        lua_pushfstring(L, "the document is larger than %d MiB", (int)(JSON_MAX_SIZE >> 20));
        return false;
    }
    struct buf *rewritten = lib_scratch(L, &scanned, 4 * JSON_MAX_SIZE);
    if (!json_scan(text, len, JSON_MAX_DEPTH, rewritten, why, sizeof why)) {
        lua_settop(L, top);
        lua_pushstring(L, why);
        return false;
    }
    int status = rewritten->len > 0 ? run_decoder(L, rewritten->data, rewritten->len) : run_decoder(L, text, len);
    if (status == LUA_ERRRUN && rewritten->len > 0) { /* the position shall be one in what the caller gave */
        lua_pop(L, 1);
        run_decoder(L, text, len);
    }
    bool changed, well = status == LUA_OK;
    const char *problem = well ? restore_child(L, drop_nulls, &changed) : NULL;
    if (problem) {
        lua_settop(L, top);
        lua_pushstring(L, problem);
    }
    lua_settop(L, top + 1);
    return well && !problem;
}

bool json_decode(lua_State *L, const char *text, size_t len)
{
    return decode(L, text, len, false);
}

bool json_decode_without_nulls(lua_State *L, const char *text, size_t len)
{
    return decode(L, text, len, true);
}

static int f_decode(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    if (json_decode(L, text, len))
        return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

/* ---- the module ---- */

static int f_encode(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 2);
    int order = 0;
    if (!lua_isnil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        if (lua_getfield(L, 2, "order") == LUA_TTABLE)
            order = lua_gettop(L);
    }
    struct buf *out = lib_scratch(L, &encoded, JSON_MAX_SIZE);
    json_encode(L, 1, out, order);
    lua_pushlstring(L, buf_text(out), out->len);
    return 1;
}

static int f_array(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luaL_setmetatable(L, ARRAY);
    return 1;
}

static int f_is_array(lua_State *L)
{
    lua_pushboolean(L, lua_istable(L, 1) && json_is_array(L, 1));
    return 1;
}

static int f_is_utf8(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    lua_pushboolean(L, json_is_utf8(text, len));
    return 1;
}

static const luaL_Reg lib[] = {
    {"array", f_array},       {"decode", f_decode},   {"encode", f_encode},
    {"is_array", f_is_array}, {"is_utf8", f_is_utf8}, {NULL, NULL},
};

static int new_cjson(lua_State *L)
{
    luaL_requiref(L, "cjson", luaopen_cjson, 0);
    lua_getfield(L, -1, "new");
    lua_call(L, 0, 1);
    return 1;
}

/* An instance of cjson of our own: a script that changes the settings of `require "cjson"` does not change ours. */
static void open_decoder(lua_State *L)
{
    lua_pushcfunction(L, new_cjson);
    if (cjson_pcall(L, 0, 1) != LUA_OK)
        lua_error(L);
    lua_getfield(L, -1, "decode_invalid_numbers");
    lua_pushboolean(L, 0);
    lua_call(L, 1, 0);
    lua_getfield(L, -1, "decode");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &decoder);
    lua_pop(L, 1);
}

int luaopen_moonkey_json(lua_State *L)
{
    if (luaL_newmetatable(L, ARRAY)) {
        lua_pushstring(L, ARRAY);
        lua_setfield(L, -2, "__name");
    }
    open_decoder(L);
    luaL_newlib(L, lib);
    json_push_null(L);
    lua_setfield(L, -2, "null");
    return 1;
}
