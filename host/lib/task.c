/* moonkey.task.core: what moonkey.task is built on: spawn, join, sleep. */
#include "../task.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>

#include "../clock.h"
#include "lib.h"

static int f_spawn(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    task_spawn(L, lua_gettop(L) - 1);
    return 1;
}

static int f_join(lua_State *L)
{
    return task_join(L, task_check(L, 1));
}

struct sleeper {
    struct park park;
    struct timer timer;
};

static const char SLEEPER[] = "moonkey.task.sleeper";

static void on_due(struct timer *timer)
{
    task_wake(&((struct sleeper *)((char *)timer - offsetof(struct sleeper, timer)))->park, WAKE_DONE);
}

static void on_cancel(struct park *park)
{
    loop_timer_stop(task_loop(), &((struct sleeper *)park)->timer);
    task_wake(park, WAKE_CANCELLED);
}

static int sleeper_gc(lua_State *L)
{
    struct sleeper *s = lua_touserdata(L, 1);
    loop_timer_stop(task_loop(), &s->timer);
    task_unpark(&s->park);
    return 0;
}

static int slept(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    const struct sleeper *s = (const struct sleeper *)ctx;
    if (s->park.wake == WAKE_CANCELLED)
        return luaL_error(L, "interrupted");
    return 0;
}

static int f_sleep(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    luaL_argcheck(L, seconds >= 0 && seconds <= 1e9, 1, "expected seconds, from 0 to 1e9");
    task_check_can_wait(L, "task.sleep");
    struct sleeper *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (struct sleeper){.park.cancel = on_cancel, .timer.fire = on_due};
    luaL_setmetatable(L, SLEEPER);
    if (!loop_timer_start(task_loop(), &s->timer, clock_now() + (int64_t)(seconds * (double)NS_PER_S)))
        return luaL_error(L, "out of memory");
    return task_park(L, &s->park, slept, (lua_KContext)s);
}

/*
 * A gate: one task waits at it, any other opens it; opening it before anybody waits is remembered. What moonkey.task and the
 * batch are made of. Ctrl-C does not open it: whoever is to open it ends first.
 */
static const char GATE[] = "moonkey.task.gate";

struct gate {
    struct park park;
    struct timer timer;
    bool open; /* park.wake would not tell, where the time was up just before, and the task has not gone on yet */
};

static void gate_due(struct timer *timer)
{
    task_wake(&((struct gate *)((char *)timer - offsetof(struct gate, timer)))->park, WAKE_CANCELLED);
}

/* gate:wait([seconds]): true once it is open, false when the time is up. */
static int gate_passed(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct gate *gate = (struct gate *)ctx;
    loop_timer_stop(task_loop(), &gate->timer);
    if (!gate->open)
        gate->park.wake = WAKE_PENDING; /* it can be waited at again */
    lua_pushboolean(L, gate->open);
    return 1;
}

static int f_gate(lua_State *L)
{
    struct gate *gate = lua_newuserdatauv(L, sizeof *gate, 0);
    *gate = (struct gate){.timer.fire = gate_due};
    luaL_setmetatable(L, GATE);
    return 1;
}

static int gate_wait(lua_State *L)
{
    struct gate *gate = luaL_checkudata(L, 1, GATE);
    lua_Number seconds = luaL_optnumber(L, 2, -1);
    task_check_can_wait(L, "waiting for another task");
    luaL_argcheck(L, !gate->park.task, 1, "another task waits at this gate");
    if (seconds >= 0 && gate->park.wake == WAKE_PENDING &&
        !loop_timer_start(task_loop(), &gate->timer, clock_now() + (int64_t)(seconds * (double)NS_PER_S)))
        return luaL_error(L, "out of memory");
    return task_park(L, &gate->park, gate_passed, (lua_KContext)gate);
}

static int gate_open(lua_State *L)
{
    struct gate *gate = luaL_checkudata(L, 1, GATE);
    gate->open = true;
    task_wake(&gate->park, WAKE_DONE);
    return 0;
}

static int gate_gc(lua_State *L)
{
    struct gate *gate = lua_touserdata(L, 1);
    loop_timer_stop(task_loop(), &gate->timer);
    task_unpark(&gate->park);
    return 0;
}

/* A value that is the same for as long as the running task is the same: its coroutine, whatever coroutines the script uses in
 * it. */
static int f_current(lua_State *L)
{
    task_push_current(L);
    return 1;
}

static const luaL_Reg gate_methods[] = {
    {"open", gate_open},
    {"wait", gate_wait},
    {NULL, NULL},
};

static const luaL_Reg lib[] = {
    {"current", f_current}, {"gate", f_gate}, {"join", f_join}, {"sleep", f_sleep}, {"spawn", f_spawn}, {NULL, NULL},
};

int luaopen_moonkey_task_core(lua_State *L)
{
    luaL_newmetatable(L, SLEEPER);
    lua_pushcfunction(L, sleeper_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newmetatable(L, GATE);
    lua_pushcfunction(L, gate_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, gate_methods);
    lua_setfield(L, -2, "__index");
    luaL_getmetatable(L, "moonkey.task");
    lua_newtable(L);
    lua_pushcfunction(L, f_join);
    lua_setfield(L, -2, "join");
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, lib);
    return 1;
}
