/* fuzz_lua: see fuzz_lua.h. */
#include "fuzz_lua.h"

#include "state.h"

static lua_State *state;

static void close_state(void)
{
    lua_close(state);
}

static int with_traceback(lua_State *L)
{
    state_traceback(L, L, 1);
    return 1;
}

/* Print what went wrong: an error of Lua's is a find. */
static void require_ok(lua_State *L, int status)
{
    if (status != LUA_OK)
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
    REQUIRE(status == LUA_OK);
}

lua_State *fuzz_state(const char *chunk)
{
    if (state)
        return state;
    state = state_new();
    REQUIRE(state);
    atexit(close_state);
    require_ok(state, luaL_loadstring(state, chunk));
    require_ok(state, lua_pcall(state, 0, 1, 0));
    return state;
}

void fuzz_call(lua_State *L, lua_CFunction function, struct input *in)
{
    int top = lua_gettop(L);
    lua_pushcfunction(L, with_traceback);
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, in);
    lua_pushvalue(L, 1);
    require_ok(L, lua_pcall(L, 2, 0, top + 1));
    lua_settop(L, top);
}
