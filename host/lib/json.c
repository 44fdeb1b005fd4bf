/*
 * moonkey.json: text to Lua values and back.
 *
 * Parsing is lua-cjson's, behind json_scan() and followed by restore(), which marks arrays and makes integers integers. Writing is done
 * here: lua-cjson 2.1.0 writes 1e+14 for integers, 14 digits of a float, {} for an empty list, and \/ for a slash.
 */
#include "json.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib.h"

#include <lua-cjson.h> /* wants lua.h before it */

static const char ARRAY[] = "json.array";
static const char decoder; /* registry key: cjson's decode */

void json_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, NULL);
}

void json_push_array_metatable(lua_State *L)
{
    luaL_newmetatable(L, ARRAY);
}

static bool is_null(lua_State *L, int index)
{
    return lua_type(L, index) == LUA_TLIGHTUSERDATA && !lua_touserdata(L, index);
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
        bool changed = drop_nulls && is_null(L, -1);
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

static bool run_decoder(lua_State *L, const char *text, size_t len)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &decoder);
    lua_pushlstring(L, text, len);
    return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

static bool decode(lua_State *L, const char *text, size_t len, bool drop_nulls)
{
    char why[128];
    int top = lua_gettop(L);
    if (len > JSON_MAX_SIZE) {
        lua_pushfstring(L, "the document is larger than %d MiB", (int)(JSON_MAX_SIZE >> 20));
        return false;
    }
    struct buf *rewritten = lib_new_buffer(L, 4 * JSON_MAX_SIZE);
    if (!json_scan(text, len, JSON_MAX_DEPTH, rewritten, why, sizeof why)) {
        lua_settop(L, top);
        lua_pushstring(L, why);
        return false;
    }
    bool well = rewritten->len > 0 ? run_decoder(L, rewritten->data, rewritten->len) : run_decoder(L, text, len);
    if (!well && rewritten->len > 0) { /* the position shall be one in what the caller gave */
        lua_pop(L, 1);
        run_decoder(L, text, len);
    }
    bool changed;
    const char *problem = well ? restore_child(L, drop_nulls, &changed) : NULL;
    if (problem)
        lua_pushstring(L, problem);
    lua_replace(L, top + 1);
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

/* ---- encoding ---- */

static void append(lua_State *L, enum buf_status status)
{
    if (status == BUF_FULL)
        luaL_error(L, "cannot encode as JSON: the document would be too large");
    if (status == BUF_NOMEM)
        luaL_error(L, "cannot encode as JSON: out of memory");
}

static void encode_string(lua_State *L, int index, struct buf *out)
{
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    size_t valid = utf8_valid_length(text, len);
    if (valid < len)
        luaL_error(L, "cannot encode as JSON: a string is not valid UTF-8 (byte %d of %d)", (int)valid + 1, (int)len);
    append(L, json_quote(out, text, len));
}

static void encode_number(lua_State *L, int index, struct buf *out)
{
    if (lua_isinteger(L, index)) {
        append(L, buf_printf(out, "%lld", (long long)lua_tointeger(L, index)));
        return;
    }
    double n = lua_tonumber(L, index);
    if (!isfinite(n))
        luaL_error(L, "cannot encode as JSON: %s is not a number that JSON knows", isnan(n) ? "NaN" : "infinity");
    char text[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, n);
        if (strtod(text, NULL) == n)
            break;
    }
    append(L, buf_puts(out, text));
}

static void encode(lua_State *L, int index, struct buf *out, int depth, int order);

static void encode_array(lua_State *L, int index, struct buf *out, int depth)
{
    lua_Integer count = (lua_Integer)lua_rawlen(L, index);
    append(L, buf_putc(out, '['));
    for (lua_Integer i = 1; i <= count; i++) {
        if (i > 1)
            append(L, buf_putc(out, ','));
        lua_rawgeti(L, index, i);
        encode(L, lua_gettop(L), out, depth + 1, 0);
        lua_pop(L, 1);
    }
    append(L, buf_putc(out, ']'));
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void encode_member(lua_State *L, int key, int value, struct buf *out, int depth, bool *first)
{
    if (!*first)
        append(L, buf_putc(out, ','));
    *first = false;
    encode_string(L, key, out);
    append(L, buf_putc(out, ':'));
    encode(L, value, out, depth + 1, 0);
}

/* The members named in the list at `order`, in its order. Their keys go into the set that is left on the stack. */
static void encode_ordered(lua_State *L, int index, struct buf *out, int depth, int order, bool *first)
{
    lua_newtable(L);
    int done = lua_gettop(L);
    lua_Integer count = (lua_Integer)lua_rawlen(L, order);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, order, i);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, index) != LUA_TNIL)
            encode_member(L, lua_gettop(L) - 1, lua_gettop(L), out, depth, first);
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
        lua_rawset(L, done);
    }
}

/* Sorted keys: the same value is the same text, whatever the order of Lua's hash. */
static void encode_object(lua_State *L, int index, struct buf *out, int depth, int order)
{
    enum { FEW = 32 };
    const char *few[FEW], **keys = few;
    size_t count = 0, room = FEW;
    bool first = true;
    int top = lua_gettop(L);
    append(L, buf_putc(out, '{'));
    if (order)
        encode_ordered(L, index, out, depth, order, &first);
    int done = order ? lua_gettop(L) : 0;
    lua_pushnil(L);
    for (int slot = 0; lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "cannot encode as JSON: a table with named fields also has a %s key", luaL_typename(L, -2));
        if (done && (lua_pushvalue(L, -2), lua_rawget(L, done)) != LUA_TNIL) {
            lua_pop(L, 1);
            continue;
        }
        lua_pop(L, done ? 1 : 0);
        if (count == room) {
            const char **more = lua_newuserdatauv(L, 2 * room * sizeof *more, 0);
            memcpy(more, keys, count * sizeof *keys);
            keys = more;
            room *= 2;
            if (slot)
                lua_replace(L, slot);
            else
                lua_insert(L, slot = top + 1 + (done ? 1 : 0));
        }
        size_t len;
        keys[count++] = lua_tolstring(L, -2, &len);
        if (strlen(keys[count - 1]) != len)
            luaL_error(L, "cannot encode as JSON: the name of a field has a zero byte in it");
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < count; i++) {
        lua_pushstring(L, keys[i]);
        lua_pushvalue(L, -1);
        lua_rawget(L, index);
        encode_member(L, lua_gettop(L) - 1, lua_gettop(L), out, depth, &first);
        lua_pop(L, 2);
    }
    append(L, buf_putc(out, '}'));
    lua_settop(L, top);
}

static bool has_array_metatable(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index))
        return false;
    luaL_getmetatable(L, ARRAY);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

/* A list is what is marked as one, or has the keys 1 to n and no other. An empty unmarked table is an object. */
static bool is_list(lua_State *L, int index)
{
    size_t count = lua_rawlen(L, index), keys = 0;
    bool marked = has_array_metatable(L, index);
    if (count == 0 && !marked)
        return false;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        keys++;
    if (keys != count)
        luaL_error(L, "cannot encode as JSON: a list of %d items has gaps or named fields beside them", (int)count);
    return true;
}

static void encode(lua_State *L, int index, struct buf *out, int depth, int order)
{
    luaL_checkstack(L, 16, "cannot encode as JSON");
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        append(L, buf_puts(out, "null"));
        return;
    case LUA_TBOOLEAN:
        append(L, buf_puts(out, lua_toboolean(L, index) ? "true" : "false"));
        return;
    case LUA_TNUMBER:
        encode_number(L, index, out);
        return;
    case LUA_TSTRING:
        encode_string(L, index, out);
        return;
    case LUA_TTABLE:
        if (depth >= JSON_MAX_DEPTH)
            luaL_error(L, "cannot encode as JSON: nested deeper than %d levels (does a table contain itself?)", JSON_MAX_DEPTH);
        if (is_list(L, index))
            encode_array(L, index, out, depth);
        else
            encode_object(L, index, out, depth, order);
        return;
    case LUA_TUSERDATA:
        if (luaL_testudata(L, index, "moonkey.secret")) {
            append(L, buf_puts(out, "\"[redacted]\""));
            return;
        }
        break;
    default:
        break;
    }
    if (!is_null(L, index))
        luaL_error(L, "cannot encode as JSON: there is no form for a %s", luaL_typename(L, index));
    append(L, buf_puts(out, "null"));
}

void json_encode(lua_State *L, int index, struct buf *out)
{
    encode(L, lua_absindex(L, index), out, 0, 0);
}

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
    struct buf *out = lib_new_buffer(L, JSON_MAX_SIZE);
    encode(L, 1, out, 0, order);
    lua_pushlstring(L, buf_text(out), out->len);
    return 1;
}

/* ---- the module ---- */

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
    lua_pushboolean(L, lua_istable(L, 1) && has_array_metatable(L, 1));
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
    {"array", f_array},
    {"decode", f_decode},
    {"encode", f_encode},
    {"is_array", f_is_array},
    {"is_utf8", f_is_utf8},
    {NULL, NULL},
};

/* An instance of cjson of our own: a script that changes the settings of `require "cjson"` does not change ours. */
static void open_decoder(lua_State *L)
{
    luaL_requiref(L, "cjson", luaopen_cjson, 0);
    lua_getfield(L, -1, "new");
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "decode_invalid_numbers");
    lua_pushboolean(L, 0);
    lua_call(L, 1, 0);
    lua_getfield(L, -1, "decode");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &decoder);
    lua_pop(L, 2);
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
