/*
 * cjson_guard: lua-cjson, kept from ending the process when memory runs out.
 *
 * lua-cjson 2.1.0 answers a failed malloc with a line on standard error and exit(-1), and does not free its buffer when Lua has
 * no memory for a value. The linker sends its calls of exit() and of its buffer's functions to cjson_guard.c
 * (dependencies.cmake).
 */
#ifndef MOONKEY_LIB_CJSON_GUARD_H
#define MOONKEY_LIB_CJSON_GUARD_H

#include <lua.h>

/* lua_pcall() for a function of lua-cjson. Out of memory, whoever was, is LUA_ERRMEM. [-(nargs+1), +(nresults|1), -] */
int cjson_pcall(lua_State *L, int nargs, int nresults);

#endif
