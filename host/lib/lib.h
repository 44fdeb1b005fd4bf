/*
 * lib: the bindings, one Lua module a file.
 *
 * Every file reads the same way: static f_name functions, one luaL_Reg lib[], one luaopen_moonkey_x, listed in registry.c.
 * Arguments are read and checked before any C resource is taken, since luaL_check* jumps out. Misuse raises at the caller's
 * line; what can happen to a right program is returned as nil, err.
 *
 * A userdata is created first, gets its metatable second and its resource third; its __gc tolerates a resource that never came.
 */
#ifndef MOONKEY_LIB_H
#define MOONKEY_LIB_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "../buf.h"

/* The modules of registry.c go to package.preload. [-0, +0, m] */
void lib_register(lua_State *L);

/* A buffer that Lua frees, also when an error jumps out; it is pushed. [-0, +1, m] */
struct buf *lib_new_buffer(lua_State *L, size_t cap);

/*
 * One buffer for all calls with this key, emptied: for text that is used up before the function returns or waits. It spares the
 * collector an object with a finalizer each time. [-0, +0, m]
 */
struct buf *lib_scratch(lua_State *L, const void *key, size_t cap);

/* A field of the table of options, which is the first argument: its text, which the table keeps, or NULL. [-0, +0, e] */
const char *lib_text(lua_State *L, const char *name);
/* Is the field true? [-0, +0, e] */
bool lib_flag(lua_State *L, const char *name);

int luaopen_moonkey_ahead(lua_State *L);
int luaopen_moonkey_api(lua_State *L);
int luaopen_moonkey_beneath(lua_State *L);
int luaopen_moonkey_control(lua_State *L);
int luaopen_moonkey_coroutine(lua_State *L);
int luaopen_moonkey_digest(lua_State *L);
int luaopen_moonkey_files(lua_State *L);
int luaopen_moonkey_http(lua_State *L);
int luaopen_moonkey_httpd(lua_State *L);
int luaopen_moonkey_jail(lua_State *L);
int luaopen_moonkey_json(lua_State *L);
int luaopen_moonkey_limits(lua_State *L);
int luaopen_moonkey_lineedit(lua_State *L);
int luaopen_moonkey_log(lua_State *L);
int luaopen_moonkey_nearest(lua_State *L);
int luaopen_moonkey_probe(lua_State *L);
int luaopen_moonkey_process(lua_State *L);
int luaopen_moonkey_redis(lua_State *L);
int luaopen_moonkey_resource(lua_State *L);
int luaopen_moonkey_rows(lua_State *L);
int luaopen_moonkey_secret(lua_State *L);
int luaopen_moonkey_session(lua_State *L);
int luaopen_moonkey_sqlite(lua_State *L);
int luaopen_moonkey_sys(lua_State *L);
int luaopen_moonkey_task_core(lua_State *L);
int luaopen_moonkey_terminal(lua_State *L);
int luaopen_moonkey_token_core(lua_State *L);
int luaopen_moonkey_versions(lua_State *L);

#endif
