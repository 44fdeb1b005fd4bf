/* pace: the functions of moonkey.control by which a worker of a fleet is driven (host/pace.h). */
#ifndef MOONKEY_LIB_PACE_H
#define MOONKEY_LIB_PACE_H

#include <lua.h>

int pace_f_grant(lua_State *L);
int pace_f_lease(lua_State *L);
int pace_f_meter(lua_State *L);
int pace_f_pause(lua_State *L);
int pace_f_release_demand(lua_State *L);
int pace_f_set_rate(lua_State *L);
int pace_f_wait_demand(lua_State *L);

#endif
