/* moonkey.log: messages for people, on standard error, redacted. */
#include "../log.h"

#include <lauxlib.h>
#include <string.h>

#include "lib.h"

/* log.x(format, …) as string.format; a lone argument is taken as it is, so that a `%` in data does no harm. */
static int write(lua_State *L, enum log_level level)
{
    if (!log_enabled(level))
        return 0;
    if (lua_gettop(L) > 1) {
        luaL_checkstring(L, 1);
        lua_getglobal(L, "string");
        lua_getfield(L, -1, "format");
        lua_replace(L, -2);
        lua_insert(L, 1);
        lua_call(L, lua_gettop(L) - 1, 1);
    } else {
        luaL_checkany(L, 1);
    }
    size_t len;
    const char *text = luaL_tolstring(L, 1, &len);
    log_text(level, text, len);
    return 0;
}

static int f_debug(lua_State *L)
{
    return write(L, LOG_DEBUG);
}

static int f_info(lua_State *L)
{
    return write(L, LOG_INFO);
}

static int f_warn(lua_State *L)
{
    return write(L, LOG_WARN);
}

static int f_error(lua_State *L)
{
    return write(L, LOG_ERROR);
}

static int f_status(lua_State *L)
{
    log_status(luaL_optstring(L, 1, NULL));
    return 0;
}

static int f_enabled(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    int level = log_level_from_name(name);
    luaL_argcheck(L, level >= 0, 1, "expected debug, info, warn, error or off");
    lua_pushboolean(L, log_enabled((enum log_level)level));
    return 1;
}

/* configure{ level=, format="text"|"json", color= } */
static int f_configure(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "level");
    lua_getfield(L, 1, "format");
    lua_getfield(L, 1, "color");
    int level = log_level_from_name(luaL_optstring(L, 2, "info"));
    const char *format = luaL_optstring(L, 3, "text");
    luaL_argcheck(L, level >= 0, 1, "level: expected debug, info, warn, error or off");
    luaL_argcheck(L, strcmp(format, "text") == 0 || strcmp(format, "json") == 0, 1, "format: expected text or json");
    const struct log_options options = {
        .level = (enum log_level)level,
        .format = *format == 'j' ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT,
        .color = lua_toboolean(L, 4),
    };
    log_configure(&options);
    return 0;
}

static const luaL_Reg lib[] = {
    {"configure", f_configure}, {"debug", f_debug},   {"enabled", f_enabled}, {"error", f_error},
    {"info", f_info},           {"status", f_status}, {"warn", f_warn},       {NULL, NULL},
};

int luaopen_moonkey_log(lua_State *L)
{
    luaL_newlib(L, lib);
    return 1;
}
