/*
 * moonkey.limits: the limits of memory and processor time, as Lua code meets them.
 *
 * When one is passed, a hook raises an error in the user's code, at the next instruction and at each one after it, so that no
 * pcall keeps it alive. The host's own Lua code is spared: it has to end the run.
 */
#include "../limit.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "../clock.h"
#include "../state.h"
#include "../task.h"
#include "control.h"
#include "lib.h"

/* Of the host, or a library in the binary? With MOONKEY_LUA the host's files are in that directory. */
static bool is_hosts(const char *source)
{
    const char *directory = getenv("MOONKEY_LUA");
    if (strncmp(source, "@moonkey/", 9) == 0)
        return true;
    size_t len = directory ? strlen(directory) : 0;
    return len > 0 && source[0] == '@' && strncmp(source + 1, directory, len) == 0 && source[1 + len] == '/';
}

static void stop_code(lua_State *L, lua_Debug *ar)
{
    lua_getinfo(L, "S", ar);
    if (*ar->what == 'C' || is_hosts(ar->source) || !limits_must_stop())
        return;
    luaL_where(L, 0); /* in a hook, this is who was interrupted */
    lua_pushstring(L, limits_message());
    lua_concat(L, 2);
    lua_error(L);
}

/* In a signal handler, for which lua_sethook is made. */
static void poke(void *running)
{
    lua_sethook(running, stop_code, LUA_MASKCOUNT, 1);
}

/* What waits ends now, and what is in flight is finished, as after Ctrl-C. */
static void stop_everything(void)
{
    control_stop_all("not sent: the run was stopped by a limit");
    task_cancel_waits();
}

/* limits.begin{ memory = bytes, cpu = seconds, cpu_total = seconds }, each where it is wanted; once. True, or nil and why not.
 */
static int f_begin(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "memory");
    lua_getfield(L, 1, "cpu");
    lua_getfield(L, 1, "cpu_total");
    const struct limits_config config = {
        .memory = (size_t)luaL_optinteger(L, 2, 0),
        .cpu = (int64_t)(luaL_optnumber(L, 3, 0) * (lua_Number)NS_PER_S),
        .cpu_total = (int64_t)(luaL_optnumber(L, 4, 0) * (lua_Number)NS_PER_S),
    };
    if (limits_are_watched())
        return luaL_error(L, "limits.begin: there are limits already");
    int error = limits_begin(&config);
    if (error) {
        lua_pushnil(L);
        lua_pushfstring(L, "the limits cannot be watched: %s", strerror(error));
        return 2;
    }
    task_when_limited(stop_everything);
    if (config.memory)
        state_limit_memory(state_memory(NULL) + config.memory);
    lua_pushboolean(L, 1);
    return 1;
}

/* limits.script(): what this task does from here on is the script's own, until limits.leave(). */
static int f_script(lua_State *L)
{
    (void)L;
    task_pay_from(limits_script());
    return 0;
}

/* limits.row(number): from here on it is that row's. */
static int f_row(lua_State *L)
{
    task_pay_from(limits_open(luaL_checkinteger(L, 1)));
    return 0;
}

/* limits.leave(): it is for whoever started this task again. */
static int f_leave(lua_State *L)
{
    (void)L;
    state_settle_memory();
    task_pay_from(NULL);
    return 0;
}

/* limits.reached(): "cpu", "cpu_total" or "memory", what to say of it, and the number of the row, or nil; nil where none was
 * passed. */
static int f_reached(lua_State *L)
{
    static const char *const names[] = {[LIMIT_CPU] = "cpu", [LIMIT_CPU_TOTAL] = "cpu_total", [LIMIT_MEMORY] = "memory"};
    state_settle_memory();
    enum limit limit = limits_reached();
    if (limit == LIMIT_NONE)
        return 0;
    lua_pushstring(L, names[limit]);
    lua_pushstring(L, limits_message());
    if (limits_row())
        lua_pushinteger(L, limits_row());
    else
        lua_pushnil(L);
    return 3;
}

static const luaL_Reg lib[] = {
    {"begin", f_begin}, {"leave", f_leave}, {"reached", f_reached}, {"row", f_row}, {"script", f_script}, {NULL, NULL},
};

int luaopen_moonkey_limits(lua_State *L)
{
    limits_stop_by(poke);
    luaL_newlib(L, lib);
    return 1;
}
