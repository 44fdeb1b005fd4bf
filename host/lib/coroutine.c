/*
 * moonkey.coroutine: the script's own coroutines let the host's yields pass through.
 *
 * When a call parks inside a coroutine of the script, that coroutine yields a private value. resume and wrap see it, hand it on
 * outwards until the host has it, and when the task is woken they resume the same chain inwards; the script notices nothing.
 * The work is done by Lua's own coroutine.resume (an upvalue), so the host still has a single lua_resume.
 */
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "../limit.h"
#include "../task.h"
#include "lib.h"

/* Upvalues of every function here. */
enum { RESUME = 1, PARKED = 2, CLOSE = 3, THREAD = 4 };

static int is_parked(lua_State *L, int co)
{
    lua_pushvalue(L, co);
    int parked = lua_rawget(L, lua_upvalueindex(PARKED)) != LUA_TNIL;
    lua_pop(L, 1);
    return parked;
}

static void set_parked(lua_State *L, int co, int parked)
{
    lua_pushvalue(L, co);
    if (parked)
        lua_pushboolean(L, 1);
    else
        lua_pushnil(L);
    lua_rawset(L, lua_upvalueindex(PARKED));
}

/* As lua_pcall, while `co` is what runs. */
static int call_within(lua_State *L, lua_State *co, int nargs, int nresults)
{
    void *outer = limits_switch(co);
    int status = lua_pcall(L, nargs, nresults, 0);
    limits_switch(outer);
    return status;
}

/* Stack: coroutine, arguments. Afterwards: coroutine, what coroutine.resume returned. */
static void resume_once(lua_State *L)
{
    int nargs = lua_gettop(L) - 1;
    int pinned = !lua_isyieldable(L);
    lua_pushvalue(L, lua_upvalueindex(RESUME));
    lua_pushvalue(L, 1);
    lua_rotate(L, 2, 2);
    if (pinned)
        task_pin();
    int status = call_within(L, lua_tothread(L, 1), nargs + 1, LUA_MULTRET);
    if (pinned)
        task_unpin();
    if (status != LUA_OK) /* coroutine.resume raises nothing for a coroutine, unless memory runs out */
        lua_error(L);
}

static int passed(lua_State *L, int status, lua_KContext wrapped);

static int finish_wrap(lua_State *L)
{
    if (lua_toboolean(L, 2))
        return lua_gettop(L) - 2;
    /* As coroutine.wrap of Lua: close what is pending, and say where a message came from. */
    lua_settop(L, 3);
    lua_pushvalue(L, lua_upvalueindex(CLOSE));
    lua_pushvalue(L, 1);
    if (call_within(L, lua_tothread(L, 1), 1, 2) == LUA_OK && !lua_toboolean(L, -2) && !lua_isnil(L, -1))
        lua_replace(L, 3);
    lua_settop(L, 3);
    if (lua_type(L, 3) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, 3);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int go(lua_State *L, lua_KContext wrapped)
{
    resume_once(L);
    if (lua_gettop(L) == 3 && task_is_park_value(L, 3)) {
        set_parked(L, 1, 1);
        lua_settop(L, 1);
        return task_pass_park(L, passed, wrapped);
    }
    return wrapped ? finish_wrap(L) : lua_gettop(L) - 1;
}

static int passed(lua_State *L, int status, lua_KContext wrapped)
{
    (void)status;
    lua_settop(L, 1);
    set_parked(L, 1, 0);
    return go(L, wrapped);
}

static int f_resume(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTHREAD);
    bool owned = task_owns(lua_tothread(L, 1));
    if (!owned && !is_parked(L, 1))
        return go(L, 0);
    lua_pushboolean(L, 0);
    lua_pushstring(L, owned ? "cannot resume the coroutine of a task"
                            : "cannot resume a coroutine that waits for a reply in another task");
    return 2;
}

static int call_wrapped(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(THREAD));
    lua_insert(L, 1);
    if (is_parked(L, 1))
        return luaL_error(L, "cannot resume a coroutine that waits for a reply in another task");
    return go(L, 1);
}

static int f_wrap(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    for (int i = RESUME; i <= CLOSE; i++)
        lua_pushvalue(L, lua_upvalueindex(i));
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, call_wrapped, THREAD);
    return 1;
}

static int f_close(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTHREAD);
    if (task_owns(lua_tothread(L, 1)))
        return luaL_error(L, "cannot close the coroutine of a task");
    if (is_parked(L, 1))
        return luaL_error(L, "cannot close a coroutine that waits for a reply in another task");
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(CLOSE));
    lua_pushvalue(L, 1);
    return call_within(L, lua_tothread(L, 1), 1, LUA_MULTRET) == LUA_OK ? lua_gettop(L) - 1 : lua_error(L);
}

static int f_yield(lua_State *L)
{
    if (task_is_outermost(L))
        return luaL_error(L, "attempt to yield from outside a coroutine");
    return lua_yield(L, lua_gettop(L));
}

static int f_isyieldable(lua_State *L)
{
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    lua_pushboolean(L, lua_isyieldable(co) && !task_is_outermost(co));
    return 1;
}

static const luaL_Reg lib[] = {
    {"close", f_close}, {"isyieldable", f_isyieldable}, {"resume", f_resume}, {"wrap", f_wrap}, {"yield", f_yield},
    {NULL, NULL},
};

/* Replaces functions of the `coroutine` table and returns it. */
int luaopen_moonkey_coroutine(lua_State *L)
{
    lua_getglobal(L, "coroutine");
    lua_getfield(L, -1, "resume");
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_getfield(L, -3, "close");
    luaL_setfuncs(L, lib, CLOSE);
    return 1;
}
