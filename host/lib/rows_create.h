/* rows_create: files that results are written to. */
#ifndef MOONKEY_LIB_ROWS_CREATE_H
#define MOONKEY_LIB_ROWS_CREATE_H

#include <lua.h>

/* rows.create(path) -> a Lua file that only its owner can read | nil, message. A file with contents is never overwritten. */
int rows_create(lua_State *L);

#endif
