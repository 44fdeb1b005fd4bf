/* redis_answer: see redis_answer.h. */
#include "redis_answer.h"

#include <lauxlib.h>
#include <string.h>

#include "secret.h"

#define ERROR "moonkey.redis.error"

/* ---- errors ---- */

static void set_masked(lua_State *L, const char *name, const char *text)
{
    lib_push_masked(L, text, strlen(text));
    lua_setfield(L, -2, name);
}

int redis_fail(lua_State *L, const char *kind, const char *title, const char *detail)
{
    lua_pushnil(L);
    lua_createtable(L, 0, 6);
    lua_pushstring(L, kind);
    lua_setfield(L, -2, "kind");
    set_masked(L, "title", title);
    set_masked(L, "detail", detail);
    luaL_setmetatable(L, ERROR);
    return 2;
}

int redis_fail_by_server(lua_State *L, const char *title, const char *message)
{
    redis_fail(L, "redis", title, message);
    set_masked(L, "message", message);
    lib_push_masked(L, message, strcspn(message, " "));
    lua_setfield(L, -2, "code");
    return 2;
}

static int error_tostring(lua_State *L)
{
    lua_getfield(L, 1, "title");
    lua_pushliteral(L, ": ");
    lua_getfield(L, 1, "detail");
    lua_concat(L, 3);
    return 1;
}

void redis_answer_open(lua_State *L)
{
    luaL_newmetatable(L, ERROR);
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
}

/* ---- replies ---- */

void redis_push_reply(lua_State *L, const redisReply *reply)
{
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        lua_pushinteger(L, reply->integer);
        break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        lua_pushlstring(L, reply->str, reply->len);
        break;
    case REDIS_REPLY_ARRAY:
        luaL_checkstack(L, 6, "a reply of Redis");
        lua_createtable(L, (int)reply->elements, 0);
        for (size_t i = 0; i < reply->elements; i++) {
            redis_push_reply(L, reply->element[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        break;
    case REDIS_REPLY_ERROR:
        lua_createtable(L, 0, 1);
        set_masked(L, "error", reply->str);
        break;
    default:
        lua_pushboolean(L, 0);
    }
}
