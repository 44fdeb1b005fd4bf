/*
 * moonkey.ahead: reads that are under way while the script works, for moonkey.pages.
 *
 * No task waits for such a read, so that one that nobody wants any more leaves nothing behind. It belongs to the task that
 * waits for it, or cancels it: that one's row is told of its attempts.
 */
#include <lauxlib.h>

#include "call.h"
#include "lib.h"
#include "target.h"

/* ahead.get(path, query): a handle. Path and query as for api.request. */
static int f_get(lua_State *L)
{
    lua_settop(L, 2);
    const struct call_options options = {0};
    const struct call_request request = {
        .what = "reading a list",
        .method = "GET",
        .target = target_make(L, 1, 2),
        .options = &options,
        .deliver = call_deliver_json,
    };
    call_begin(L, &request);
    return 1;
}

/* ahead.wait(handle): the decoded body, or nil, err. Once. */
static int f_wait(lua_State *L)
{
    lua_settop(L, 1);
    return call_wait(L, 1, "reading a list");
}

/* ahead.cancel(handle): cut off, unless it has ended; nobody may be waiting for it. */
static int f_cancel(lua_State *L)
{
    call_cancel(L, 1);
    return 0;
}

static const luaL_Reg lib[] = {
    {"cancel", f_cancel},
    {"get", f_get},
    {"wait", f_wait},
    {NULL, NULL},
};

int luaopen_moonkey_ahead(lua_State *L)
{
    call_open(L);
    luaL_newlib(L, lib);
    return 1;
}
