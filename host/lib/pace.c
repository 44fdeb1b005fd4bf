/* pace: see pace.h. */
#include "../pace.h"

#include <lauxlib.h>
#include <math.h>

#include "../clock.h"
#include "../retry.h"
#include "../task.h"
#include "control.h"
#include "lib.h"
#include "pace.h"

static const char DEMAND[] = "moonkey.demand";

/* The one task that gets permits: it waits for demand, gets permits, grants them, and waits again. */
static struct {
    struct park *waiting; /* NULL: it is busy getting some, or there is no such task */
    bool goes_on;         /* its last wait has ended in a number of permits to get, so there will be another wait */
    bool released;        /* that one ends at once */
} demand;

static lua_Number check_seconds(lua_State *L, int index, lua_Number most)
{
    lua_Number seconds = luaL_checknumber(L, index);
    luaL_argcheck(L, seconds >= 0 && seconds <= most, index, "expected seconds, 0 or more");
    return seconds;
}

/* control.meter(on): from now on an exchange starts only against a permit (or needs none). */
int pace_f_meter(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TBOOLEAN);
    pace_meter(control_need_client(L), lua_toboolean(L, 1));
    return 0;
}

/* control.grant(n): so many exchanges may start now; those that nothing waits for are lost. */
int pace_f_grant(lua_State *L)
{
    lua_Integer count = luaL_checkinteger(L, 1);
    luaL_argcheck(L, count >= 0 && count <= INT32_MAX, 1, "expected a number of permits, 0 or more");
    pace_grant(control_need_client(L), (unsigned)count);
    return 0;
}

/* control.set_rate(per_second): in place of the configured one; 0: unlimited. */
int pace_f_set_rate(lua_State *L)
{
    lua_Number rate = luaL_checknumber(L, 1);
    luaL_argcheck(L, rate >= 0 && rate <= 1e9, 1, "expected starts a second, 0 (unlimited) or more");
    pace_set_rate(control_need_client(L), rate);
    return 0;
}

/* control.pause(seconds): as if a reply had asked for it, and no longer than one could. */
int pace_f_pause(lua_State *L)
{
    lua_Number seconds = fmin(check_seconds(L, 1, HUGE_VAL), RETRY_AFTER_CAP_MS / 1000.0);
    pace_pause(control_need_client(L), (int64_t)(seconds * (lua_Number)NS_PER_S));
    return 0;
}

/* control.lease(seconds or false): nothing starts later than that from now, and what is under way by then is cut off; until
 * there is another lease. false: no such limit. */
int pace_f_lease(lua_State *L)
{
    bool limited = lua_type(L, 1) != LUA_TBOOLEAN || lua_toboolean(L, 1);
    lua_Number seconds = limited ? check_seconds(L, 1, 1e6) : 0;
    pace_lease(control_need_client(L), limited ? (int64_t)(seconds * (lua_Number)NS_PER_S) : PACE_NO_LEASE);
    return 0;
}

/* ---- demand ---- */

static void on_demand(void *arg)
{
    (void)arg;
    if (demand.waiting)
        task_wake(demand.waiting, WAKE_DONE);
}

static int demand_gc(lua_State *L)
{
    struct park *park = lua_touserdata(L, 1);
    task_unpark(park);
    if (demand.waiting == park)
        demand.waiting = NULL;
    return 0;
}

static int wait_for_demand(lua_State *L, struct park *park);

static int demanded(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    struct park *park = (struct park *)ctx;
    bool over = demand.released;
    demand.waiting = NULL;
    unsigned count = over ? 0 : pace_demand(control_need_client(L));
    if (!over && count == 0) /* the call has been given up, or there is a pause now */
        return wait_for_demand(L, park);
    demand.goes_on = !over;
    demand.released = false;
    lua_pushinteger(L, count);
    return 1;
}

static int wait_for_demand(lua_State *L, struct park *park)
{
    bool known = demand.released || pace_demand(control_need_client(L)) > 0;
    *park = (struct park){.wake = known ? WAKE_DONE : WAKE_PENDING};
    demand.waiting = park;
    return task_park(L, park, demanded, (lua_KContext)park);
}

/* control.wait_demand(): parks until calls wait for nothing but permits. How many could start at once; 0 after
 * control.release_demand(). A signal does not end it: whoever began it knows when there is no more to come. */
int pace_f_wait_demand(lua_State *L)
{
    struct client *client = control_need_client(L);
    task_check_can_wait(L, "control.wait_demand");
    if (demand.waiting)
        return luaL_error(L, "wait_demand: another task waits for it");
    struct park *park = lua_newuserdatauv(L, sizeof *park, 0);
    *park = (struct park){0};
    if (luaL_newmetatable(L, DEMAND)) {
        lua_pushcfunction(L, demand_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    pace_on_demand(client, on_demand, NULL);
    return wait_for_demand(L, park);
}

/* control.release_demand(): the wait for demand that is under way, or that follows once permits have been got, ends with 0.
 * Where no task waits for demand, nothing happens. */
int pace_f_release_demand(lua_State *L)
{
    (void)L;
    demand.released = demand.waiting || demand.goes_on;
    if (demand.waiting)
        task_wake(demand.waiting, WAKE_DONE);
    return 0;
}
