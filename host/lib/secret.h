/* secret: secret objects, for the bindings that make them. */
#ifndef MOONKEY_LIB_SECRET_H
#define MOONKEY_LIB_SECRET_H

#include <lua.h>
#include <stddef.h>

/* Push an object that prints and encodes redacted; moonkey.secret must have been opened. [-0, +1, m] */
void lib_push_secret(lua_State *L, const char *value, size_t len);

/* Push the text with everything masked that looks like a secret. [-0, +1, m] */
void lib_push_masked(lua_State *L, const char *text, size_t len);

/*
 * In the decoded JSON at the top, whatever its shape: every string that is a member "token" becomes such an object
 * (api-contract, section 1: "treat it as optional and always secret"). [-0, +0, m]
 */
void lib_hide_tokens(lua_State *L);

#endif
