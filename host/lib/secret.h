/* secret: secret objects, for the bindings that make them. */
#ifndef MOONKEY_LIB_SECRET_H
#define MOONKEY_LIB_SECRET_H

#include <lua.h>
#include <stddef.h>

/* Push an object that prints and encodes redacted; moonkey.secret must have been opened. [-0, +1, m] */
void lib_push_secret(lua_State *L, const char *value, size_t len);

#endif
