/* jail: how moonkey.control begins what moonkey.jail tells of. */
#ifndef MOONKEY_LIB_JAIL_H
#define MOONKEY_LIB_JAIL_H

#include <lua.h>

/* control.jail: see jail.c. */
int jail_begin(lua_State *L);

#endif
