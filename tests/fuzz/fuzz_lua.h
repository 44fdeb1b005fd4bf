/* fuzz_lua: the Lua state of the host, for the targets that need one. */
#ifndef MOONKEY_FUZZ_LUA_H
#define MOONKEY_FUZZ_LUA_H

#include <lauxlib.h>
#include <lua.h>

#include "fuzz.h"

/* One state for all inputs, made at the first call, with `chunk`, Lua source, run in it. */
lua_State *fuzz_state(const char *chunk);
/* Call `function` with `in`, a light userdata, and what the chunk returned. It must not raise. */
void fuzz_call(lua_State *L, lua_CFunction function, struct input *in);

#endif
