/*
 * moonkey.secret: values that print and encode as [redacted].
 *
 * A secret object is a userdata, so that neither print, string.format nor a JSON encoder can show what it holds.
 */
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "../redact.h"
#include "lib.h"
#include "secret.h"

static const char SECRET[] = "moonkey.secret";

struct held {
    size_t len;
    char value[];
};

void lib_push_secret(lua_State *L, const char *value, size_t len)
{
    struct held *held = lua_newuserdatauv(L, sizeof *held + len + 1, 0);
    held->len = len;
    memcpy(held->value, value, len);
    held->value[len] = '\0';
    luaL_setmetatable(L, SECRET);
}

/* Does the member whose key and value are on top need hiding? Goes down into tables. */
static bool is_token(lua_State *L)
{
    if (lua_istable(L, -1))
        lib_hide_tokens(L);
    return lua_type(L, -1) == LUA_TSTRING && lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), "token") == 0;
}

/* The depth is what the decoder let through. */
void lib_hide_tokens(lua_State *L)
{
    if (!lua_istable(L, -1))
        return;
    luaL_checkstack(L, 6, "hiding the secrets of a reply");
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (!is_token(L))
            continue;
        size_t len;
        const char *value = lua_tolstring(L, -1, &len);
        lua_pushvalue(L, -2);
        lib_push_secret(L, value, len);
        lua_rawset(L, -5); /* assigning to an existing field is allowed while traversing */
    }
}

static int f_tostring(lua_State *L)
{
    luaL_checkudata(L, 1, SECRET);
    lua_pushliteral(L, REDACTED);
    return 1;
}

static int f_eq(lua_State *L)
{
    const struct held *a = luaL_testudata(L, 1, SECRET), *b = luaL_testudata(L, 2, SECRET);
    lua_pushboolean(L, a && b && a->len == b->len && memcmp(a->value, b->value, a->len) == 0);
    return 1;
}

static int f_concat(lua_State *L)
{
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

static int f_gc(lua_State *L)
{
    struct held *held = lua_touserdata(L, 1);
    explicit_bzero(held->value, held->len);
    return 0;
}

/* secret.new(string): the object, or an error for anything else. */
static int f_new(lua_State *L)
{
    size_t len;
    const char *value = luaL_checklstring(L, 1, &len);
    lib_push_secret(L, value, len);
    return 1;
}

/* secret.reveal(object): the one way to the value. */
static int f_reveal(lua_State *L)
{
    const struct held *held = luaL_checkudata(L, 1, SECRET);
    lua_pushlstring(L, held->value, held->len);
    return 1;
}

static int f_is(lua_State *L)
{
    lua_pushboolean(L, luaL_testudata(L, 1, SECRET) != NULL);
    return 1;
}

void lib_push_masked(lua_State *L, const char *text, size_t len)
{
    struct buf *masked = lib_new_buffer(L, REDACT_CAP(len));
    if (redact_append(masked, text, len) == BUF_NOMEM)
        luaL_error(L, "not enough memory");
    lua_pushlstring(L, buf_text(masked), masked->len);
    lua_remove(L, -2);
}

/* secret.redact(text): the text with everything masked that looks like a secret. */
static int f_redact(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    lib_push_masked(L, text, len);
    return 1;
}

static const luaL_Reg methods[] = {
    {"__concat", f_concat}, {"__eq", f_eq}, {"__gc", f_gc}, {"__tostring", f_tostring}, {NULL, NULL},
};

static const luaL_Reg lib[] = {
    {"is", f_is}, {"new", f_new}, {"redact", f_redact}, {"reveal", f_reveal}, {NULL, NULL},
};

int luaopen_moonkey_secret(lua_State *L)
{
    luaL_newmetatable(L, SECRET);
    luaL_setfuncs(L, methods, 0);
    lua_pushboolean(L, 0); /* getmetatable() shows nothing */
    lua_setfield(L, -2, "__metatable");
    luaL_newlib(L, lib);
    return 1;
}
