/*
 * json: Lua values to text.
 *
 * Written here: lua-cjson 2.1.0 writes 1e+14 for integers, 14 digits of a float, {} for an empty list, and \/ for a slash.
 */
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

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

/* Lua keeps the text while the table has the key. It may hold zero bytes. */
struct key {
    const char *text;
    size_t len;
};

static int compare_keys(const void *a, const void *b)
{
    const struct key *k = a, *l = b;
    int order = memcmp(k->text, l->text, k->len < l->len ? k->len : l->len);
    return order ? order : (k->len > l->len) - (k->len < l->len);
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
    struct key few[FEW] = {{0}}, *keys = few;
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
            struct key *more = lua_newuserdatauv(L, 2 * room * sizeof *more, 0);
            memcpy(more, keys, count * sizeof *keys);
            keys = more;
            room *= 2;
            if (slot)
                lua_replace(L, slot);
            else
                lua_insert(L, slot = top + 1 + (done ? 1 : 0));
        }
        keys[count].text = lua_tolstring(L, -2, &keys[count].len);
        count++;
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(L, keys[i].text, keys[i].len);
        lua_pushvalue(L, -1);
        lua_rawget(L, index);
        encode_member(L, lua_gettop(L) - 1, lua_gettop(L), out, depth, &first);
        lua_pop(L, 2);
    }
    append(L, buf_putc(out, '}'));
    lua_settop(L, top);
}

/* A list is what is marked as one, or has the keys 1 to n and no other. An empty unmarked table is an object. */
static bool is_list(lua_State *L, int index)
{
    size_t count = lua_rawlen(L, index), keys = 0;
    bool marked = json_is_array(L, index);
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
    if (!json_is_null(L, index))
        luaL_error(L, "cannot encode as JSON: there is no form for a %s", luaL_typename(L, index));
    append(L, buf_puts(out, "null"));
}

void json_encode(lua_State *L, int index, struct buf *out, int order)
{
    encode(L, lua_absindex(L, index), out, 0, order ? lua_absindex(L, order) : 0);
}
